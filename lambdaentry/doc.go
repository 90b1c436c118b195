// Package lambdaentry runs the handlers of a Mux on AWS Lambda, fed by an event
// source mapping from Amazon SQS.
//
//	func main() {
//		mux := runtime.NewMux(nil)
//		runtime.Handle(mux, confirm)
//		queues, err := runtime.Open(context.Background(), "sqs://orders?region=eu-west-1")
//		if err != nil {
//			log.Fatal(err)
//		}
//		lambdaentry.Start(mux, queues, nil)
//	}
//
// # What becomes of a message
//
// Lambda receives the messages, and deletes those of a batch that the answer does not
// name. Each message is decided by itself, as a Worker decides it:
//
//   - done: the answer leaves it out, and Lambda deletes it. When the rest of its
//     batch takes longer than a second it is deleted at once, so that a time-out or a
//     crash does not run it again;
//   - to be tried again: its visibility is set to the backoff, and the answer names
//     it;
//   - dead: it is sent to the dead letter and deleted, and the answer leaves it out;
//   - snoozed, or put off for longer than Amazon SQS can: a copy is sent, and it is
//     deleted.
//
// What does not work out is named in the answer, and comes again: nothing is lost by
// it. On a FIFO queue the messages of a group run one after the other, and behind one
// that has to come again the rest of its group goes back unstarted.
//
// A panic fails its message alone. A task beyond its MaxAttempts, which may be what
// ends the process, runs by itself when all others of its batch are settled.
//
// # Time
//
// Handlers' contexts end with runtime.ErrTimeout shortly before the invocation does,
// which is a failed attempt; before that no further task is started, and what was not
// started goes back. A handler that ignores its context has the invocation time out,
// after all others were settled; its message comes again when its visibility ends.
// Messages whose visibility would end before are extended.
//
// # The mapping
//
// The event source mapping needs FunctionResponseTypes = [ReportBatchItemFailures].
// Without it Lambda deletes what the answer names. Start asks Lambda how the function
// is mapped, where it may (lambda:ListEventSourceMappings); on a mapping without it,
// messages are deleted one by one and failures fail the invocation, so that nothing is
// lost, and the log says so at each cold start. While Lambda has not answered yet, at
// most 5 s, failures are treated in the same way. The visibility of the queue should be
// at least six times the function's timeout, plus the batching window. (Source: AWS
// Lambda Developer Guide, "Using Lambda with Amazon SQS".)
package lambdaentry
