// Package sqsfake is an Amazon SQS in the process of a Go test: a server of the
// protocol that today's SDKs speak (AWS JSON 1.0), with queues of its own, virtual
// time and faults on demand.
//
//	server := sqsfake.New(nil)
//	defer server.Close()
//	client := sqs.New(sqs.Options{BaseEndpoint: aws.String(server.URL()), HTTPClient: server.HTTPClient(), Region: "us-east-1", Credentials: anyCredentials})
//
// The connections of HTTPClient are in memory, and time is that of package time,
// so in a testing/synctest bubble hours of visibility timeouts, delays, retention,
// long polls and deduplication pass in milliseconds. Serve answers on any
// net.Listener too, for programs in other processes. Any credentials do.
//
// # What it keeps to
//
// The server behaves as Amazon SQS is documented to and was recorded to, not as
// other emulators do: superseded receipt handles delete nothing, a message is
// hidden for 12 hours after a receive at most, limits are enforced, the receive
// after the last moves a message to the dead-letter queue. Every such rule is a
// row of Probes, which run against any endpoint; Differences has those that
// LocalStack breaks. Operations: all but AddPermission and RemovePermission.
//
// # What it does not model
//
//   - Distribution: no message comes twice or out of turn by itself, a short poll
//     sees every message, counts are exact, changes take effect at once.
//   - Neighbours of a fair queue: a group on a standard queue is only given back.
//   - Identity: signatures, policies and encryption are taken and given back, never
//     checked. Only the region of a signature counts: others have no queues.
//     Faults answer what a missing permission or an expired token would.
//   - Quotas of throughput, and ReceiveRequestAttemptId, which has no effect.
//   - A new DelaySeconds of a FIFO queue does not change messages sent before.
package sqsfake
