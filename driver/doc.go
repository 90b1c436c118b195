// Package driver is the contract between Longshore's runtime and a queue.
//
// Applications import runtime; this package is for the authors of backends.
// It holds the interfaces that a backend implements, the values that cross
// them, the error codes, the codecs of the two reserved attributes, the
// argument checks that every backend shares and the registry of URL schemes.
// It imports the standard library only.
//
// A driver translates. It retries nothing, batches nothing on its own account,
// logs nothing, creates no infrastructure and holds no policy: those belong to
// the runtime, to Terraform and to the application.
//
// # Rules
//
//   - Batch verbs answer one result an item, in the order of the items, and
//     always as many as there were items. A failure of the whole call fills
//     every slot; one bad item never fails its neighbours. More items than the
//     batch limit are InvalidArgument in every slot. An empty batch makes no
//     request.
//   - After Canceled, DeadlineExceeded and Unavailable the outcome is unknown:
//     the call may have taken effect.
//   - Every method is safe for concurrent use. Close waits for calls in flight
//     until its context ends; after it every call answers Closed.
//   - LeaseLost answers Extend and Settle on a lease that has expired, was
//     superseded or was settled, wherever the broker or the local clock lets
//     the driver know. It is never retried and never hidden.
//   - Durations round up to Capabilities.HoldGrain. A duration past a limit is
//     refused with an error that names the limit; it is never clamped.
//   - A refusal (Unsupported, InvalidArgument, TooLarge) touches nothing.
//   - Nothing is lost: Bury and Redrive that are not atomic send first and
//     delete second, so that a crash between the two makes a duplicate.
//   - A copy never travels under the send id of the message it was made from,
//     or a deduplicating broker would swallow it: see [Message].SendID.
//
// Package conformance proves these rules on a backend.
package driver
