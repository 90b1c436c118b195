package pushentry

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// Handler answers the pushes of Google Pub/Sub by running the tasks that they bring.
// It is safe for concurrent use. Call Check before it serves, and Drain at the end.
type Handler struct {
	mux      *runtime.Mux
	options  Options
	routes   []*route
	tokens   *verifier // nil where nobody has to show one
	limit    *limit
	runs     *runs
	stats    counters
	refusals sparing
}

// New makes a Handler for the tasks of all queues; it does no I/O.
//
// InvalidArgument for a Mux with problems (see runtime.Mux.Err), no queue, one whose
// driver cannot take what others received, options out of range, and options with
// neither Audience and ServiceAccount nor Unauthenticated.
func New(mux *runtime.Mux, queues *runtime.Queues, opts *Options) (*Handler, error) {
	const op = "pushentry: new"
	h := &Handler{mux: mux}
	if opts != nil {
		h.options = *opts
	}
	if mux == nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "there is no mux; register handlers on one")
	}
	if err := mux.Err(); err != nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	if err := h.options.fill(); err != nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	if queues == nil || len(queues.All()) == 0 {
		return nil, driver.Errorf(driver.InvalidArgument, op, "there is no queue; open one first")
	}
	for _, q := range queues.All() {
		r, err := newRoute(q, &h.options)
		if err != nil {
			return nil, driver.Errorf(driver.InvalidArgument, op, "%w", err)
		}
		h.routes = append(h.routes, r)
	}
	for _, name := range h.options.Unwrapped {
		if !slices.ContainsFunc(h.routes, func(r *route) bool { return r.queue.Name == name }) {
			return nil, driver.Errorf(driver.InvalidArgument, op, "queue %q is to be unwrapped, and there is none of this name", name)
		}
	}
	if !h.options.Unauthenticated {
		h.tokens = newVerifier(&h.options)
	}
	h.limit = newLimit(h.options.Concurrency)
	h.runs = newRuns(h.options.Concurrency)
	return h, nil
}

// ServeHTTP answers one push; see the package documentation for how.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			h.options.Logger.Error("a push met a fault of its endpoint", "panic", v, "stack", string(debug.Stack()))
			h.stats.refuse(answerFault.status)
			answerFault.write(w)
		}
	}()
	h.stats.requests.Add(1)
	a := h.serve(w, r, time.Now())
	a.write(w)
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, received time.Time) answer {
	// Where the server can. It lifts the deadline itself once the body has been read.
	_ = http.NewResponseController(w).SetReadDeadline(received.Add(h.options.BodyTimeout))
	if h.tokens != nil {
		if err := h.tokens.verify(r.Context(), r.Header); err != nil {
			return h.refuse(r, denial(err), err)
		}
	}
	q := h.route(r)
	switch {
	case q == nil:
		return h.refuse(r, answerNoRoute, nil)
	case r.Method != http.MethodPost:
		return h.refuse(r, answerNoPost, nil)
	case h.runs.closed():
		return h.refuse(r, answerDraining, nil)
	case !h.limit.take(r.Context()):
		return h.refuse(r, answerBusy, nil)
	}
	mine := true // the place
	defer func() {
		if mine {
			h.limit.give()
		}
	}()
	p, refusal := q.read(w, r, h.options.MaxBody)
	if refusal != nil {
		return h.refuse(r, *refusal, nil)
	}
	lease := q.adopter.Adopt("", p.message, p.attempt, received)
	x, how := h.runs.enter(q, lease)
	switch how {
	case entryClosed:
		return h.refuse(r, answerDraining, nil)
	case entryFull:
		return h.refuse(r, answerBusy, nil)
	case entryFirst:
		mine = false
		go h.do(context.WithoutCancel(r.Context()), x) // Drain waits for it
	case entryJoined:
		mine = false
		h.limit.give()
		h.stats.joined.Add(1)
	}
	return h.await(r, x, how, lease)
}

// lateTime is how much longer than its lease a request waits, for what was decided at
// the last moment. The broker keeps it for at least a second more.
const lateTime = 200 * time.Millisecond

// await waits for the answer of a run for as long as it can be of use.
func (h *Handler) await(r *http.Request, x *run, how entry, lease driver.Lease) answer {
	defer h.runs.leave(x, how)
	timer := time.NewTimer(time.Until(lease.Expires()) + lateTime)
	defer timer.Stop()
	missed := answerLate
	select {
	case <-x.done:
		return x.answer
	case <-r.Context().Done():
		missed = answerGone
	case <-timer.C:
	}
	select {
	case <-x.done: // both at once
		return x.answer
	default:
	}
	return h.refuse(r, missed, nil)
}

// refuse counts and logs an answer that no run gave; why is nil where the answer says
// all.
func (h *Handler) refuse(r *http.Request, a answer, why error) answer {
	h.stats.refuse(a.status)
	reason := a.text
	if why != nil {
		reason = why.Error()
	}
	log := h.options.Logger
	if warn, skipped := h.refusals.ask(); warn {
		log.WarnContext(r.Context(), "a push was refused", "status", a.status, "reason", reason, "refused_before", skipped)
	} else {
		log.DebugContext(r.Context(), "a push was refused", "status", a.status, "reason", reason)
	}
	return a
}

// Drain ends the handler: pushes are answered 503 from now on, and it waits for the
// tasks that run, for handlers that were given up at their runtime.HardTimeout, and for
// whatever else it has under way. 2 s before the deadline of
// ctx, or half of what is left where that is less, the handlers' contexts end with
// runtime.ErrDraining, and at the end of ctx in any case. The error, of code
// DeadlineExceeded or Canceled, says how many handlers are still running then; what
// they do is not answered. A second Drain waits like the first.
func (h *Handler) Drain(ctx context.Context) error {
	const op = "pushentry: drain"
	empty := h.runs.close()
	defer func() {
		if h.tokens != nil {
			h.tokens.keys.close(ctx)
		}
	}()
	var cut <-chan time.Time // nil: when ctx ends
	if end, ok := ctx.Deadline(); ok {
		left := time.Until(end)
		timer := time.NewTimer(left - min(cutTime, left/2))
		defer timer.Stop()
		cut = timer.C
	}
	select {
	case <-empty:
	case <-cut:
	case <-ctx.Done():
	}
	h.runs.cut()
	select {
	case <-empty:
	case <-ctx.Done():
	}
	n := h.runs.count() + h.mux.AwaitGivenUp(ctx)
	if n == 0 {
		return nil
	}
	err := driver.ContextError(ctx, op)
	return driver.Errorf(driver.CodeOf(err), op, "%s still running; their messages come again", handlers(n))
}

// cutTime is how long before the end of a drain handlers are told.
const cutTime = 2 * time.Second

func handlers(n int) string {
	if n == 1 {
		return "1 handler is"
	}
	return fmt.Sprintf("%d handlers are", n)
}

var _ http.Handler = (*Handler)(nil)
