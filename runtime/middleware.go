package runtime

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// HandlerFunc does one attempt at a task whose arguments are still encoded; see
// [Info.Payload]. What it returns decides what becomes of the task, see
// [Handle].
type HandlerFunc func(ctx context.Context, t *Info) error

// Middleware wraps the handling of every task of a Mux. It calls next once, with
// the Info that it was given, and returns next's error as it is or wrapped; or it
// decides itself and returns an error, [ErrSkip] to acknowledge the task unrun.
// A nil before a call of next has returned is a failed attempt, also when the
// handler panicked and the middleware caught that. A second call of next does
// not run the handler again: it answers what the first did.
type Middleware func(next HandlerFunc) HandlerFunc

// SendFunc hands tasks, all of one queue, to the broker and answers one result a
// task, in order.
type SendFunc func(ctx context.Context, tasks []*Outgoing) []EnqueueResult

// ClientMiddleware wraps every send of a Client, once a call of Enqueue and once
// a batch of EnqueueMany. It may change the tasks' attributes, and call next again to
// send them once more; where the Client has a store for payloads not before the call
// before has returned.
type ClientMiddleware func(next SendFunc) SendFunc

var errNextForgotten = errors.New("middleware answered nil without a call of next that returned, so the handler is not done; " +
	"call next and wait for it, pass a panic on, or return ErrSkip")

// nextCall is the one call of a handler that middleware may make in an attempt.
type nextCall struct {
	once     sync.Once
	err      error       // set by the call
	returned atomic.Bool // the handler has, rather than panicked
	task     any         // of the Info, which middleware may be reading
}

// onlyOnce lets a handler run once in an attempt, however often it is called.
func onlyOnce(h HandlerFunc) HandlerFunc {
	return func(ctx context.Context, t *Info) error {
		n := t.next
		if n == nil { // an Info of the middleware's own
			return errors.New("middleware called next with an Info that it was not given")
		}
		n.once.Do(func() {
			n.err = errGoexit // or a panic, which passes through
			n.err = h(ctx, t)
			n.returned.Store(true)
		})
		return n.err
	}
}

// wrap puts the first of layers outermost.
func wrap[F any, M ~func(F) F](f F, layers []M) F {
	for _, layer := range slices.Backward(layers) {
		f = layer(f)
	}
	return f
}
