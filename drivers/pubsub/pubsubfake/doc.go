// Package pubsubfake is a Google Pub/Sub in the process of a Go test: the services
// Publisher and Subscriber of google.pubsub.v1, with topics and subscriptions of
// its own, virtual time and faults on demand.
//
//	server := pubsubfake.New(nil)
//	defer server.Close()
//	client, err := pubsub.NewSubscriptionAdminClient(ctx, server.ClientOptions()...)
//
// The connections of ClientOptions and Dial are in memory, and time is that of
// package time, so in a testing/synctest bubble hours of ack deadlines, backoffs,
// retention and waiting Pulls pass in milliseconds. Serve answers on any
// net.Listener too, in gRPC without TLS, for programs in other processes and other
// languages: give them its address as PUBSUB_EMULATOR_HOST.
//
// # What it keeps to
//
// The server behaves as Google Pub/Sub is documented to. Every such rule is a row
// of Probes, which run against any endpoint; Differences has those that the
// official emulator breaks. Where the documentation leaves open what the service
// does, this server does one of what it allows:
//
//   - A Pull is answered as soon as there is a message. An empty one is answered
//     PullMargin before the deadline of its call, as the official emulator does.
//     The service has often been seen to let the deadline pass
//     (googleapis/python-pubsub#343); a negative PullMargin does so.
//   - An ack id is good until its message is delivered again, nacked or gone; a
//     late acknowledgement deletes. With exactly-once delivery it is good until
//     the ack deadline.
//   - A message that is due again goes behind those that wait already, unless it
//     has an ordering key and the subscription keeps order: then it brings those
//     after it, see KeepBatch.
//   - The message after the last attempt is forwarded to the dead-letter topic at
//     once, not delayed by a retry policy. While the topic is missing, it is
//     delivered on.
//   - Backoff under a retry policy doubles from its minimum to its maximum, from
//     the first redelivery on.
//
// # What it does not model
//
//   - StreamingPull, Seek, snapshots, schemas, transforms, filters, push and export
//     subscriptions: the answer is Unimplemented.
//   - Distribution: no message comes twice or out of turn by itself, attempts are
//     exact and never start anew, changes take effect at once. With order and
//     exactly-once delivery the service refuses acks that are out of order
//     (googleapis/java-pubsub#1974).
//   - Identity: whoever calls may do everything. Faults answer what a missing
//     permission or an exhausted quota would.
package pubsubfake
