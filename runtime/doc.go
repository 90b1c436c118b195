// Package runtime runs typed tasks on a queue behind one contract: an in-memory
// queue, Amazon SQS, Google Pub/Sub and Azure Service Bus.
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
// # Telemetry
//
// A [Telemetry], in ClientOptions and in MuxOptions, makes spans and metrics with the
// OpenTelemetry API, by its semantic conventions for messaging. Without one nothing is
// made and it costs nothing.
//
// A task is one trace: "send QUEUE", a producer span for each Enqueue and for each
// queue of an EnqueueMany, travels with the task as its traceparent and tracestate;
// "process QUEUE", a consumer span for each run of a handler, is its child, linked to
// it, and in the handler's context, so that the application's own spans are children
// of that. "receive QUEUE" is a trace of its own that links what it brought, and
// "settle QUEUE" a child of the first sampled process span in its batch that links the
// others; what the answer of a function or of a push endpoint settles has none. A failed attempt has status Error and error.type: panic, timeout, goexit,
// undecodable, permanent, lease_lost, the code of a [driver.Error], or _OTHER. A panic
// is an exception event with its stack. Payloads are never told; the text of a
// handler's error is, cut to 800 bytes.
//
// The metrics have messaging.system, but for the histogram of wait, and
// messaging.destination.name, the queue's name; those of tasks longshore.task.kind too:
//
//	messaging.client.sent.messages      counter    tasks enqueued; error.type where that failed
//	messaging.client.consumed.messages  counter    messages received
//	messaging.process.duration          histogram  seconds that handlers ran; error.type where they failed
//	longshore.task.wait                 histogram  seconds from when a first attempt was due to its start
//	longshore.task.ended                counter    tasks that ended, done or dead, by longshore.task.attempt
//	longshore.task.outcomes             counter    by longshore.outcome: success, retry, dead (with longshore.reason),
//	                                               snooze, hop, interrupted by a drain, lost with its lease
//	longshore.task.running              level      handlers that run
//	longshore.lease.held                level      leases that Workers hold
//	longshore.lease.extensions          counter    leases extended; error.type where that failed
//	longshore.lease.lost                counter    leases that ran out or were superseded
//	longshore.settle.failures           counter    tries to settle a message that failed, by longshore.verdict
//	longshore.forks                     counter    messages whose copy was sent and whose acknowledgement failed
//	longshore.clock.skewed              counter    messages that a clock more than 5 s ahead has dated, by longshore.clock:
//	                                               that of the producer, seen against the broker's or ours, or of the broker
//	longshore.queue.depth               gauge      messages, by longshore.state: ready, leased, delayed, dead
//	longshore.queue.oldest.age          gauge      seconds
//
// A collector that is slow or down holds up nothing as long as spans are exported by a
// batch span processor that drops what does not fit, which is the SDK's default; a
// simple span processor exports within the task. The providers are the application's:
// it shuts them down, with a time limit, after Run has returned, because the last
// settles and outcomes come with the drain.
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
