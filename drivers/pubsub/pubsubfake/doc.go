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
// # Push subscriptions
//
// A subscription with a push endpoint is given to it by HTTP, wrapped or unwrapped,
// through Options.PushClient. HandlerClient makes one that calls an http.Handler, also
// in a testing/synctest bubble. A token that is configured is signed with a key of the
// server, which Keys publishes as Google does its own. A Fault with Op "Push" loses a
// request, or its answer. Where the documentation ("Push subscriptions") gives no
// numbers, these hold:
//
//   - The first window is Options.PushWindow. Each acknowledgement widens it by one,
//     so that it doubles when all of its requests have succeeded; each failure halves
//     it. It ends at 3,000, the limit of one region, beyond which the service goes on
//     more slowly. It does not look at latency.
//   - Push backoff begins with the first failure: nothing of the subscription is pushed
//     for 100 ms, doubled with every such pause up to a minute, until a request
//     succeeds. Requests that were under way when a pause began do not lengthen it.
//     The backoff of a retry policy runs at the same time.
//   - Of each ordering key one message is under way, if the subscription keeps order.
//   - A change of the configuration takes effect at once. Requests under way are
//     settled by their answers, also when the subscription is pulled by then.
//   - Endpoints with plain HTTP are taken too, as the official emulator does. The
//     service takes HTTPS only.
//   - Attributes that HTTP cannot carry as a header are left out of what is pushed
//     unwrapped with metadata.
//
// # What it does not model
//
//   - StreamingPull, Seek, snapshots, schemas, transforms, filters, export
//     subscriptions and the push format v1beta1: the answer is Unimplemented.
//   - Distribution: no message comes twice or out of turn by itself, attempts are
//     exact and never start anew, changes take effect at once. With order and
//     exactly-once delivery the service refuses acks that are out of order
//     (googleapis/java-pubsub#1974).
//   - Identity: whoever calls may do everything. Faults answer what a missing
//     permission or an exhausted quota would.
package pubsubfake
