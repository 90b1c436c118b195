// Package runtime runs typed tasks on a queue behind one contract: an in-memory
// queue, Amazon SQS and Google Pub/Sub today, Azure Service Bus once its driver is
// there.
//
// A task is a value of a type that names its kind. A [Client] enqueues it; a
// handler that was registered on a [Mux] with [Handle] does it; a [Worker]
// leases messages, keeps the leases while handlers run, and settles each
// message after its handler has returned:
//
//	type SendMail struct {
//		To string `json:"to"`
//	}
//
//	func (SendMail) Kind() string { return "mail.send" }
//
//	queues, err := runtime.Open(ctx, "mem://mails?hold=30s")
//	...
//	mux := runtime.NewMux(nil)
//	runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[SendMail]) error {
//		return send(ctx, t.Args.To, t.ID)
//	})
//	client, err := runtime.NewClient(queues, nil)
//	...
//	id, err := runtime.Enqueue(ctx, client, SendMail{To: "ann@example.com"})
//	...
//	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Concurrency: 20})
//	...
//	err = worker.Run(ctx)
//
// # What is promised
//
// A task is delivered at least once. It is acknowledged after its handler
// returned nil and never before. A handler that returns an error is run again
// after a backoff, at most as often as its [RetryPolicy] allows; then the task
// goes to the dead letter with the error. Nothing is dropped: what cannot be
// decoded, what has no handler and what expired ends in the dead letter too.
//
// A handler may run twice for the same task: after a crash, a lost lease, or a
// lost acknowledgement. [Info].ID is the same each time, so it is the key to
// make a handler idempotent by.
//
// # Changing provider
//
// Import the driver for its URL scheme and change the URL:
//
//	import _ "github.com/longshore-dev/longshore/drivers/mem"
//
// [OpenConfig] takes the URLs from a file, with how a worker treats each queue and
// where each kind goes, so that it changes no code.
package runtime
