package driver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Scheme is how a kind of queue is opened by URL.
type Scheme struct {
	// Name is the URL's scheme, in lower case: "sqs".
	Name string
	// Example is a complete URL, shown in errors and in the reference.
	Example string
	// Params are all query parameters that the scheme knows.
	Params []Param
	// Open makes the queue. It does no I/O. The URL has been parsed strictly,
	// and no parameter stands in it that is not in Params.
	Open func(ctx context.Context, u *URL) (Queue, error)
}

// Param is one query parameter of a scheme.
type Param struct {
	Name string
	// Doc is one sentence with unit, range and default, for the reference.
	Doc string
}

// Registry maps schemes to drivers. The zero value is empty and ready; it is
// safe for concurrent use.
type Registry struct {
	mu      sync.RWMutex
	schemes map[string]Scheme // guarded by mu
}

// Default is the registry that drivers register themselves with when they are
// imported.
var Default = new(Registry)

// Register adds a scheme. It panics when the scheme is incomplete or already
// there, which is a mistake in the program.
func (r *Registry) Register(s Scheme) {
	if s.Name == "" || s.Name != strings.ToLower(s.Name) || s.Open == nil {
		panic(fmt.Sprintf("driver: scheme %q is incomplete", s.Name))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, dup := r.schemes[s.Name]; dup {
		panic(fmt.Sprintf("driver: scheme %q is registered twice", s.Name))
	}
	if r.schemes == nil {
		r.schemes = make(map[string]Scheme)
	}
	r.schemes[s.Name] = s
}

// Schemes are all registered schemes, sorted by name.
func (r *Registry) Schemes() []Scheme {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]Scheme, 0, len(r.schemes))
	for _, s := range r.schemes {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Scheme) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Open makes a queue from a URL such as mem://orders?hold=30s. It does no I/O.
// InvalidArgument for a URL that is malformed, of an unknown scheme, or with a
// parameter that is unknown, doubled or malformed; the error never repeats a
// password or the value of a parameter that is unknown.
func (r *Registry) Open(ctx context.Context, rawURL string) (Queue, error) {
	name, _, ok := strings.Cut(rawURL, "://")
	op := "open " + Redact(rawURL)
	if !ok {
		return nil, Errorf(InvalidArgument, op, "not a queue URL; want SCHEME://NAME, with one of %s", r.names())
	}
	r.mu.RLock()
	s, known := r.schemes[strings.ToLower(name)]
	r.mu.RUnlock()
	if !known {
		return nil, Errorf(InvalidArgument, op, "unknown scheme; want one of %s", r.names())
	}
	u, err := parseURL(rawURL, s)
	if err != nil {
		return nil, &Error{Code: InvalidArgument, Op: op, Err: err}
	}
	q, err := s.Open(ctx, u)
	if err != nil {
		return nil, err
	}
	if err := u.Err(); err != nil {
		// The driver did not ask; its queue is not handed out, so nobody else
		// could close it.
		return nil, errors.Join(err, q.Close(ctx))
	}
	return q, nil
}

func (r *Registry) names() string {
	var names []string
	for _, s := range r.Schemes() {
		names = append(names, s.Name)
	}
	if names == nil {
		return "(none is registered: import a driver)"
	}
	return strings.Join(names, ", ")
}
