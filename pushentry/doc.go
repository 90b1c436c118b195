// Package pushentry has a program's handlers do the tasks that Google Pub/Sub pushes,
// on Cloud Run or wherever Pub/Sub can reach an HTTP server.
//
//	err := pushentry.Run(ctx, mux, queues, &pushentry.Options{
//		Audience:       "https://orders.example.com",
//		ServiceAccount: "pusher@my-project.iam.gserviceaccount.com",
//	})
//
// [Run] is all of a server; [Handler] is an http.Handler for one of your own. Both use
// the Mux and the Queues of a Worker, with pubsub:// URLs.
//
// # Routes
//
// POST / takes the pushes of the only queue, POST /{queue} those of each of several,
// by its name in Queues. A push says of which subscription it is, and is refused where
// that is not the queue's own: what is buried would go into the wrong dead letter.
//
// # Answers
//
//	204  the task is done, buried or sent anew
//	429  more pushes at a time than Options.Concurrency, or a handler paused its queue
//	503  the task has failed and comes again, or the server is about to end
//	400  the request is no push of this queue's subscription; it says why
//	401  there is no token, or one that is forged, malformed or out of its time
//	403  the token is genuine, and for another audience or of another account
//	404, 405, 408, 413  no such path, no POST, a body that is too slow, or too large
//	500  a fault of this package
//
// Pub/Sub takes whatever is not 2xx for a refusal and pushes again, until the
// subscription's dead-letter policy ends that. The bodies of 401 and of 403 are always
// the same; the reason is in the log, at most once a second as a warning.
//
// # Time
//
// A push cannot be extended: its task has the ack deadline of the subscription, counted
// from the moment when the request is here. The lease ends a tenth of that earlier, at
// least a second, and the handler's context Options.Margin before the lease, with cause
// runtime.ErrTimeout, so that what has failed for good can still be buried. A handler
// that goes on after that keeps its place in Options.Concurrency until it returns.
// Choose an ack deadline with room for the start of an instance, during which a
// request waits.
//
// Pub/Sub itself decides when a task that has failed comes again, by the retry policy
// of the subscription, which is required. So backoffs, RetryAfter and Snooze do not
// set when; a snooze counts as an attempt. [Handler.Check] refuses kinds that need
// delays; see runtime.Delays. Every push counts as an attempt, also one that was
// answered 429 before it ran: let the platform send no more at a time than
// Options.Concurrency.
//
// # Twice
//
// A message that is pushed again while it still runs here joins what runs: it is not
// run twice at the same time, both requests get the same answer, and a bury goes by
// the newer push. When the client has gone and nobody waits for an answer, the message
// comes again, so it is neither buried nor sent anew. A message that is pushed again
// after its answer simply runs again. Make handlers idempotent by the task's id.
//
// Tasks beyond their MaxAttempts run one at a time; see runtime.Mux.Suspect.
//
// # Unwrapped payloads
//
// A subscription with payload unwrapping sends the body alone, see Options.Unwrapped.
// It has to write metadata. Pub/Sub does not tell the attempt then, so MaxAttempts is
// not kept: a task that fails comes again until the dead-letter policy ends that. Use
// the wrapped form where you can. (Source: Google Pub/Sub, "Payload unwrapping for
// Pub/Sub push subscriptions".)
package pushentry
