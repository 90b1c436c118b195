package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// Mux knows the handler of each kind. Register all handlers before its first
// Dispatch; from then on it is safe for concurrent use.
type Mux struct {
	handlers   map[string]*handler
	codecs     map[string]Codec // by media type
	json       Codec            // of application/json
	middleware []Middleware
	payloads   *Payloads // checked; nil for none
	rawKind    string
	logger     *slog.Logger
	problems   []error
	strays     strays
	firsts     firsts
	telemetry  *Telemetry // nil for none
}

// MuxOptions configure a Mux. The zero value of each field is its default.
type MuxOptions struct {
	// Codecs decode arguments by their content type. JSON is there unless one of
	// them takes its place.
	Codecs []Codec
	// Middleware wraps every handler, the first outermost.
	Middleware []Middleware
	// RawKind handles messages that are no tasks of ours: their body becomes the
	// payload of a task of this kind whose id is the broker's. By default such
	// messages are buried as undecodable.
	RawKind string
	// Payloads say where the payloads are that messages only refer to, and how to
	// decompress them; nil: such tasks are put off, for a worker that knows.
	Payloads *Payloads
	// Logger is what a task's logger is made from; nil stands for
	// slog.Default.
	Logger *slog.Logger
	// Telemetry makes spans and metrics of what is dispatched and, by a Worker, of
	// its leases and queues; nil for none.
	Telemetry *Telemetry
}

// handler is what was registered for one kind.
type handler struct {
	run         HandlerFunc // with middleware
	wrapped     bool        // by middleware
	timeout     time.Duration
	hardTimeout time.Duration
	retry       *RetryPolicy // nil: the queue's
	concurrency int          // 0: no limit
	rate        Rate
	delays      bool
	newInfo     func() *Info // with room for the task beside it; nil for an Info alone
}

// NewMux makes a Mux without handlers; nil options are the defaults. What is
// wrong with the options or a handler is reported by [Mux.Err], and so by
// NewWorker.
func NewMux(opts *MuxOptions) *Mux {
	m := &Mux{handlers: make(map[string]*handler), codecs: make(map[string]Codec), json: JSON, logger: slog.Default()}
	m.codecs[mediaType(JSON.ContentType())] = JSON
	if opts == nil {
		return m
	}
	m.telemetry = opts.Telemetry
	for i, c := range opts.Codecs {
		if c == nil {
			m.fail("codec %d is nil", i)
			continue
		}
		name := mediaType(c.ContentType())
		switch old := m.codecs[name]; {
		case name == "":
			m.fail("codec %d has no content type", i)
		case old != nil && old != JSON:
			m.fail("content type %q has two codecs; it has one", name)
		}
		m.codecs[name] = c
	}
	m.json = m.codecs[mediaType(JSON.ContentType())]
	for i, layer := range opts.Middleware {
		if layer == nil {
			m.fail("middleware %d is nil", i)
			continue
		}
		m.middleware = append(m.middleware, layer)
	}
	if opts.Logger != nil {
		m.logger = opts.Logger
	}
	var err error
	if m.payloads, err = opts.Payloads.checked(); err != nil {
		m.fail("%w", err)
	}
	if m.rawKind = opts.RawKind; m.rawKind != "" {
		if err := checkKind(m.rawKind); err != nil {
			m.fail("raw kind: %w", err)
		}
	}
	return m
}

// Err says what is wrong with the registrations: InvalidArgument for a kind that
// is not legal or was registered twice, a handler, codec or middleware that is
// nil, a policy or timeout out of range, a raw kind or no kind at all without
// handler.
func (m *Mux) Err() error {
	problems := m.problems
	if len(m.handlers) == 0 {
		problems = append(slices.Clip(problems), errors.New("no handler is registered; call Handle"))
	}
	if m.rawKind != "" && m.handlerOf(m.rawKind) == nil {
		problems = append(slices.Clip(problems), fmt.Errorf("raw kind %q has no handler; register one", m.rawKind))
	}
	if len(problems) == 0 {
		return nil
	}
	return &driver.Error{Code: driver.InvalidArgument, Op: "runtime: mux", Err: errors.Join(problems...)}
}

func (m *Mux) fail(format string, args ...any) {
	m.problems = append(m.problems, fmt.Errorf(format, args...))
}

// HandleOption changes how one kind is handled.
type HandleOption func(*handler)

// Retry is the kind's own retry policy, in place of its queue's.
func Retry(p RetryPolicy) HandleOption { return func(h *handler) { h.retry = &p } }

// Timeout ends the handler's context, with cause ErrTimeout, this long after it
// was started: more than 0. The attempt fails when the handler then returns an
// error. By default there is no limit.
func Timeout(d time.Duration) HandleOption {
	return func(h *handler) {
		if d <= 0 {
			d = -1
		}
		h.timeout = d
	}
}

// HardTimeout gives up on a handler that has not returned this long after it was
// started: more than its Timeout, and more than 0. Its context has ended by then,
// at its Timeout or, where it has none, after nine tenths of d. Its slot goes to
// another task, and the attempt has failed with ErrTimeout. While the handler
// still runs, no other attempt at the task is started by this Mux; a Worker that
// drains waits for it.
func HardTimeout(d time.Duration) HandleOption {
	return func(h *handler) {
		if d <= 0 {
			d = -1
		}
		h.hardTimeout = d
	}
}

// Handle registers the handler of a type's kind. What the handler returns
// decides what becomes of the task:
//
//   - nil: it is done and acknowledged;
//   - an error: it runs again after a backoff, until its retry policy is
//     exhausted and it is buried with the error;
//   - [Permanent]: it is buried at once;
//   - [RetryAfter]: it runs again after that delay;
//   - [Snooze]: it runs again after that delay, and the attempt does not count;
//   - [ErrSkip]: it is acknowledged.
//
// A panic is a failed attempt. A payload that does not decode as T is buried as
// undecodable without running the handler.
func Handle[T Args](m *Mux, h func(ctx context.Context, t *Task[T]) error, opts ...HandleOption) {
	kind, err := kindOf[T]()
	if err != nil {
		m.fail("%w", err)
		return
	}
	if h == nil {
		m.HandleRaw(kind, nil, opts...)
		return
	}
	m.HandleRaw(kind, func(ctx context.Context, info *Info) error {
		t := taskOf[T](info)
		if err := m.decode(info, &t.Args); err != nil {
			return err
		}
		return h(ctx, t)
	}, append([]HandleOption{func(h *handler) { h.newInfo = newInfo[T] }}, opts...)...)
}

// kindOf is the kind of a type's zero value, which a nil pointer or interface may
// not be able to tell.
func kindOf[T Args]() (kind string, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("type %v: Kind panics on its zero value; handle the type itself, not a pointer or an interface", reflect.TypeFor[T]())
		}
	}()
	var zero T
	return zero.Kind(), nil
}

// HandleRaw registers a handler that gets the arguments as they were encoded.
func (m *Mux) HandleRaw(kind string, h HandlerFunc, opts ...HandleOption) {
	if err := checkKind(kind); err != nil {
		m.fail("handler: %w", err)
	}
	m.register(kind, h, opts)
}

// anyKind stands for every kind without a handler of its own. It cannot be a
// kind.
const anyKind = "*"

// HandleAny is HandleRaw for every kind that has no handler of its own, a raw
// kind too. Without it a task of such a kind is put off, for a worker that knows
// it. Problems name it as kind "*".
func (m *Mux) HandleAny(h HandlerFunc, opts ...HandleOption) { m.register(anyKind, h, opts) }

// handlerOf is the handler of a kind, or nil.
func (m *Mux) handlerOf(kind string) *handler {
	if h := m.handlers[kind]; h != nil {
		return h
	}
	return m.handlers[anyKind]
}

func (m *Mux) register(kind string, h HandlerFunc, opts []HandleOption) {
	entry := &handler{run: h}
	if h != nil {
		if entry.wrapped = len(m.middleware) > 0; entry.wrapped {
			entry.run = wrap(onlyOnce(h), m.middleware)
		}
	}
	for _, set := range opts {
		set(entry)
	}
	if entry.run == nil {
		m.fail("kind %q: the handler, or what middleware made of it, is nil", kind)
	}
	if m.handlers[kind] != nil {
		m.fail("kind %q has two handlers; a kind has one", kind)
	}
	if entry.timeout < 0 {
		m.fail("kind %q: the timeout is not above 0", kind)
	}
	if entry.hardTimeout < 0 {
		m.fail("kind %q: the hard timeout is not above 0", kind)
	} else if entry.hardTimeout > 0 && entry.hardTimeout <= entry.timeout {
		m.fail("kind %q: the hard timeout %v is not above the timeout %v", kind, entry.hardTimeout, entry.timeout)
	}
	if err := checkConcurrency(entry.concurrency); err != nil {
		m.fail("kind %q: %w", kind, err)
	}
	if err := entry.rate.check(); err != nil {
		m.fail("kind %q: %w", kind, err)
	}
	if entry.retry != nil {
		if err := entry.retry.check(); err != nil {
			m.fail("kind %q: %w", kind, err)
		}
	}
	m.handlers[kind] = entry
}

// decode decodes a task's payload with the codec of its content type.
func (m *Mux) decode(t *Info, into any) error {
	codec := m.json
	if t.contentType != "" && t.contentType != JSON.ContentType() {
		var ok bool
		if codec, ok = m.codecs[mediaType(t.contentType)]; !ok {
			return &undecodableError{fmt.Errorf("no codec for content type %q", driver.CutText(t.contentType, 100))}
		}
	}
	if err := codec.Unmarshal(t.payload, into); err != nil {
		return &undecodableError{err}
	}
	return nil
}
