package lambdaentry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/recent"
	"github.com/longshore-dev/longshore/runtime"
)

// Handler answers the invocations of a function that is mapped to queues of Amazon
// SQS. It is safe for concurrent use.
type Handler struct {
	mux     *runtime.Mux
	options Options
	sources map[string]*source // by the name of the queue at Amazon SQS

	stopping chan struct{} // closed when Close begins: nothing is started
	draining chan struct{} // closed by Close: contexts end
	over     chan struct{} // closed by Close when it gives up: leases are let go
	mapping  mapping
	exit     func()        // ends the process; nil where that is not the Handler's
	flushing chan struct{} // a token of the flush under way; never closed

	mu      sync.Mutex
	running int             // invocations, and handlers that they left behind; guarded by mu
	closed  bool            // guarded by mu
	idle    chan struct{}   // closed when running falls to 0 after Close; guarded by mu
	runs    map[runKey]*run // guarded by mu
}

// source is a queue that events come from.
type source struct {
	info         *runtime.QueueInfo
	adopter      driver.Adopter
	capabilities driver.Capabilities
	hold         atomic.Int64 // its visibility as Check read it, in nanoseconds; 0 until then
	limit        atomic.Int64 // its maxReceiveCount; as hold
	told         atomic.Bool  // that the visibility is short for the function's time

	mu     sync.Mutex
	behind recent.Map[string, int]      // by message: deliveries that ended before a run; guarded by mu
	done   recent.Map[string, struct{}] // messages that are only to be deleted; guarded by mu
	paused time.Time                    // until when nothing is started; guarded by mu
}

// New makes a Handler; nil options are the defaults. InvalidArgument for a Mux with
// problems (see [runtime.Mux.Err]), no queue, one that is not of Amazon SQS, two of the
// same name there, or an option out of range. It does no I/O.
func New(mux *runtime.Mux, queues *runtime.Queues, opts *Options) (*Handler, error) {
	const op = "lambdaentry: new"
	h := &Handler{
		mux: mux, sources: make(map[string]*source), runs: make(map[runKey]*run),
		stopping: make(chan struct{}), draining: make(chan struct{}), over: make(chan struct{}), idle: make(chan struct{}),
		flushing: make(chan struct{}, 1),
	}
	if opts != nil {
		h.options = *opts
	}
	switch {
	case mux == nil:
		return nil, invalid(op, "there is no mux; register handlers on one")
	case mux.Err() != nil:
		return nil, invalid(op, "%w", mux.Err())
	case queues == nil || len(queues.All()) == 0:
		return nil, invalid(op, "there is no queue; open the one that the function is mapped to")
	}
	if err := h.options.fill(); err != nil {
		return nil, invalid(op, "%w", err)
	}
	for _, q := range queues.All() {
		s := &source{info: q, capabilities: q.Driver.Capabilities()}
		var name driver.Name
		var ok bool
		if s.adopter, ok = driver.AdopterOf(q.Driver); !ok || !q.Driver.As(&name) || strings.Contains(string(name), "/") {
			return nil, invalid(op, "queue %q is not of Amazon SQS; Lambda brings messages from there only, use a Worker for the others", q.Name)
		}
		if h.sources[string(name)] != nil {
			return nil, invalid(op, "queues %q and %q are both %q at Amazon SQS; leave one out", h.sources[string(name)].info.Name, q.Name, name)
		}
		h.sources[string(name)] = s
	}
	return h, nil
}

// Handle answers one event. An error fails the whole batch, which then comes again:
// for an event that is not one of Amazon SQS, of a queue that the Handler does not have,
// or with a record without the ids that an answer needs.
func (h *Handler) Handle(ctx context.Context, event events.SQSEvent) (answer events.SQSEventResponse, err error) {
	if !h.enter() {
		return answer, driver.Errorf(driver.Closed, "lambdaentry: invoke", "the handler is closed")
	}
	defer h.leave()
	defer func() {
		if v := recover(); v != nil { // a handler's own panic is its message's failure
			h.options.Logger.Error("an invocation panicked", "panic", v, "stack", string(debug.Stack()))
			answer, err = events.SQSEventResponse{}, fmt.Errorf("lambdaentry: invoke: panic: %v", v)
		}
	}()
	b, err := h.newBatch(ctx, event.Records)
	if err != nil {
		h.options.Logger.Error("an event is not taken, and comes again", "error", err)
		return answer, err
	}
	return b.run(ctx)
}

// Invoke is Handle on an event and an answer in JSON. An event that does not decode is
// an error too.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var event events.SQSEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		err = decodeError(err, len(payload))
		h.options.Logger.Error("an event is not taken, and comes again", "error", err)
		return nil, err
	}
	answer, err := h.Handle(ctx, event)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// decodeError says what is wrong with an event without showing any of it.
func decodeError(err error, size int) error {
	what := "it is not valid JSON"
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		what = fmt.Sprintf("its field %q is a JSON %s", t.Field, t.Value)
	} else if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		what = fmt.Sprintf("it is not valid JSON at byte %d", s.Offset)
	} else if strings.Contains(err.Error(), "base64") {
		what = "a binary attribute is not base64"
	}
	return invalid("lambdaentry: invoke", "an event of %d bytes does not decode: %s; map the function to a queue of Amazon SQS only", size, what)
}

// Close has nothing started from now on and waits for the invocations under way. Shortly
// before the deadline of ctx (3 s, or half of what is left of a short one), or when ctx
// ends, handlers' contexts end with runtime.ErrDraining. Canceled or DeadlineExceeded
// says that handlers were still running: their messages come again when their
// visibility ends. The queues stay open. A second Close only waits.
func (h *Handler) Close(ctx context.Context) error {
	h.mu.Lock()
	first := !h.closed
	if first {
		h.closed = true
		close(h.stopping)
		if h.running == 0 {
			close(h.idle)
		}
	}
	h.mu.Unlock()
	var lead <-chan time.Time
	if end, ok := ctx.Deadline(); ok && first {
		left := time.Until(end)
		timer := time.NewTimer(left - min(3*time.Second, left/2))
		defer timer.Stop()
		lead = timer.C
	}
	select {
	case <-h.idle:
		return nil
	case <-lead:
		close(h.draining)
	case <-ctx.Done():
		if first {
			close(h.draining)
		}
	}
	select {
	case <-h.idle:
		return nil
	case <-ctx.Done():
		if first {
			close(h.over)
		}
		return driver.ContextError(ctx, "lambdaentry: close")
	}
}

func (h *Handler) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.running++
	}
	return !h.closed
}

// stay keeps Close waiting for one more, from within an invocation.
func (h *Handler) stay() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running++
}

func (h *Handler) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running--; h.running == 0 && h.closed {
		close(h.idle)
	}
}

// names are the queues that the Handler has, for an error.
func (h *Handler) names() string {
	return strings.Join(slices.Sorted(maps.Keys(h.sources)), ", ")
}
