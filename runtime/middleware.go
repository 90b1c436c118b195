package runtime

import (
	"context"
	"slices"
)

// HandlerFunc does one attempt at a task whose arguments are still encoded; see
// [Info.Payload]. What it returns decides what becomes of the task, see
// [Handle].
type HandlerFunc func(ctx context.Context, t *Info) error

// Middleware wraps the handling of every task of a Mux. It should call next
// once, or not at all to decide itself, and return next's error as it is or
// wrapped.
type Middleware func(next HandlerFunc) HandlerFunc

// SendFunc hands tasks, all of one queue, to the broker and answers one result a
// task, in order.
type SendFunc func(ctx context.Context, tasks []*Outgoing) []EnqueueResult

// ClientMiddleware wraps every send of a Client, once a call of Enqueue and once
// a batch of EnqueueMany. It may change the tasks' attributes.
type ClientMiddleware func(next SendFunc) SendFunc

// wrap puts the first of layers outermost.
func wrap[F any, M ~func(F) F](f F, layers []M) F {
	for _, layer := range slices.Backward(layers) {
		f = layer(f)
	}
	return f
}
