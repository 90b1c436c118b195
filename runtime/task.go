package runtime

import (
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Args is the type of a task's arguments. Kind names what is to be done; it
// must be the same for every value of the type, also for its zero value, and
// must not change while tasks of the kind are on a queue. It is 1 to 128
// letters, digits, and the characters . _ - / : in any order.
type Args interface {
	Kind() string
}

// TaskID is a task's id. It is given at Enqueue and stays the same through
// retries, copies and redrives, which makes it the key for idempotency.
type TaskID string

// Task is one attempt at a task. It belongs to the handler that got it.
type Task[T Args] struct {
	*Info
	// Args are the arguments the task was enqueued with.
	Args T
}

// Info is what is known of one attempt, whatever the type of its arguments. It
// must not be modified.
type Info struct {
	ID   TaskID
	Kind string
	// Attempt counts deliveries of the task, this one included, from 1. Crashed
	// workers and drains count too, so it may exceed the number of times a
	// handler has failed.
	Attempt int
	// MaxAttempts is the attempt after whose failure the task is buried.
	MaxAttempts int
	// Queue is the name of the queue it came from.
	Queue string
	// EnqueuedAt is the client's time of Enqueue; zero when a foreign producer
	// did not say.
	EnqueuedAt time.Time
	// Attributes are those given at Enqueue.
	Attributes map[string]string
	// Redrives is how often the task came back from the dead letter.
	Redrives int

	payload     []byte
	contentType string
	logger      *slog.Logger
	next        *nextCall          // nil without middleware
	packed      *packed            // nil when payload is as the handler is to see it
	span        *trace.SpanContext // of its run, for Settling; nil when it is not recorded, or a Worker has it
	task        any                // the *Task that it stands beside, until the handler or next has it; nil for none
}

// Logger logs with the task's id, kind, attempt and queue.
func (i *Info) Logger() *slog.Logger {
	return i.logger.With("task", string(i.ID), "kind", i.Kind, "attempt", i.Attempt, "queue", i.Queue)
}

// Payload is the encoded arguments and their content type, from the store and
// decompressed where they were not in the message as they are. The bytes must not be
// modified.
func (i *Info) Payload() (data []byte, contentType string) { return i.payload, i.contentType }
