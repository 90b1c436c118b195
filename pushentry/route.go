package pushentry

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// route is where the pushes of one queue go. It is immutable.
type route struct {
	// queue is the program's own, hosted the same as Dispatch sees it.
	queue, hosted *runtime.QueueInfo
	adopter       driver.Adopter
	subscription  string // its complete name
	unwrapped     bool
	attributes    []string // that an unwrapped push has as headers, beside the known ones
}

func newRoute(q *runtime.QueueInfo, o *Options) (*route, error) {
	r := &route{queue: q, unwrapped: slices.Contains(o.Unwrapped, q.Name), attributes: o.UnwrappedAttributes}
	var name driver.Name
	var ok bool
	if r.adopter, ok = driver.AdopterOf(q.Driver); !ok || !q.Driver.As(&name) || name == "" {
		return nil, fmt.Errorf("queue %q: its driver cannot take what others received; use one with a pubsub:// URL", q.Name)
	}
	r.subscription = string(name)
	var one runtime.Queues
	err := one.Add(runtime.QueueInfo{Name: q.Name, Driver: hosted{q.Driver}, Retry: q.Retry, Declared: q.Declared})
	if err != nil {
		return nil, err
	}
	r.hosted = one.All()[0]
	return r, nil
}

// hosted is a queue whose messages are pushed: a lease can neither be extended nor
// released with a delay.
type hosted struct{ driver.Queue }

func (h hosted) Capabilities() driver.Capabilities {
	c := h.Queue.Capabilities()
	c.FixedHold = true
	c.MaxReleaseDelay = 0
	c.ReleaseDelay = driver.Support{Note: "a push is refused, and comes again by the subscription's retry policy"}
	return c
}

// route finds the queue of a path; nil when there is none.
func (h *Handler) route(r *http.Request) *route {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" && len(h.routes) == 1 {
		return h.routes[0]
	}
	for _, q := range h.routes {
		if q.queue.Name == name {
			return q
		}
	}
	return nil
}

// isOwn says whether a push is of the queue's subscription. A project has a name and a
// number, and may be called by either.
func (r *route) isOwn(subscription string) bool {
	if subscription == r.subscription {
		return true
	}
	project, id, ok := splitName(subscription)
	ownProject, ownID, _ := splitName(r.subscription)
	return ok && id == ownID && isNumber(project) != isNumber(ownProject)
}

// splitName takes projects/PROJECT/subscriptions/ID apart.
func splitName(name string) (project, id string, ok bool) {
	rest, ok := strings.CutPrefix(name, "projects/")
	if !ok {
		return "", "", false
	}
	project, id, ok = strings.Cut(rest, "/subscriptions/")
	return project, id, ok && project != "" && id != ""
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

var _ driver.Queue = hosted{}
