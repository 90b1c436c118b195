// Package pubsub is the driver for Google Pub/Sub, on the generated clients of
// cloud.google.com/go/pubsub/v2/apiv1: unary Pull, ModifyAckDeadline, Acknowledge and
// Publish. A queue is a topic with one subscription, and a dead-letter topic with
// one.
//
// # URLs
//
//	pubsub://my-project/orders
//	pubsub://my-project/orders?topic=orders-v2&dead_subscription=orders-dead-pull&ordering=true
//
// The topic and the subscription are called as the queue is, those of the dead letter
// with -dead at the end. Where names differ they are parameters, as an id in the same
// project or as a complete name such as projects/other/topics/orders. A project whose
// id has a domain, such as example.com:shop, is given by its number.
//
//	topic              the topic; default the name of the queue
//	subscription       its subscription; default the name of the queue
//	dead_topic         the dead-letter topic; default the name of the queue with -dead
//	dead_subscription  its subscription; default the name of the queue with -dead
//	ordering           declares message ordering; true or false, default false
//	exactly_once       declares exactly-once delivery; true or false, default false
//	hold               declares the subscription's ack deadline; 10s to 10m
//	max_deliveries     declares maxDeliveryAttempts of its dead-letter policy; 5 to 100
//
// What ordering and exactly_once declare changes what the queue can do. Policy reads
// the subscription and refuses names and declarations that differ from it. Where the
// credentials do not allow that, hold and max_deliveries stand in.
//
// Opening does no I/O. The first call looks for credentials by Google's own chain:
// PUBSUB_EMULATOR_HOST, which needs none, else application default credentials
// (GOOGLE_APPLICATION_CREDENTIALS, those of gcloud, the machine's service account).
// [New] takes clients that are ready.
//
// # Delivery
//
// At least once. Use a topic for one queue: whatever is sent, and whatever is
// redriven, goes to every subscription of the topic. Policy names the others.
//
// A Receive is one Pull of at most 20 s, or several, one after the other; an empty
// answer that comes early does not mean an empty queue, and the driver asks again, at
// growing intervals of up to a second. Several Receives at a time are several Pulls
// at a time, which is how Pub/Sub gives more. A Pull ends by its own deadline, a
// second after its wait at the latest, and is never cancelled: what was on its way
// to it would stay leased. When the context of a Receive is cancelled, its Pull goes
// on and what it brings is released; a deadline of the context ends the Pull's wait. A
// Pull without an answer is an empty queue, unless the subscription, which is read
// once a minute, had no answer either: then it is Unavailable. A Wait of 0 is a Pull
// that returns immediately, which may find nothing where there is something.
//
// With ordering a GroupKey is the ordering key. Pub/Sub takes one key a request, so a
// batch makes a request for each group. One Pull may bring several messages of a
// group. When the head of a group is released or its lease lapses, Pub/Sub takes
// back what was leased behind it and delivers all of it again, in order. Without
// ordering the ordering keys of other producers are kept through Bury and Redrive,
// and not shown.
//
// Bodies may have any bytes. A message of another producer may have none.
//
// # Leases
//
// A Pull leases for the subscription's ack deadline. For another hold the driver
// changes the deadline right after the Pull, by one more request; where that fails
// the lease says what it really has. The ack deadline is read once a minute: a change
// of it takes as long to be noticed. A lease says that it ends a tenth of that
// deadline early, at least a second, because it is not known when the answer was
// made. There is no limit to how long a lease lasts in all but the retention.
//
// Pub/Sub takes an Acknowledge or ModifyAckDeadline for a lease that has ended
// without a word. So the driver knows for itself when a lease has ended: past its
// end, Extend, Release, Bury and Redrive answer LeaseLost without a call; an Ack is
// still tried, which is harmless. An Extend that is answered after the lease's end is
// LeaseLost too. With exactly_once Pub/Sub tells, for each lease by
// itself, and the answer is its own. One lease has one operation at a time: an Extend
// that overlaps a Settle of the same lease waits for it.
//
// [Queue.Adopt] makes a lease of a message that was pushed. It has no ack id: it is
// acked or given back by the answer to its request, and cannot be extended. Bury
// publishes its copy.
//
// # Retries
//
// Attempt is the DeliveryAttempt, which Pub/Sub counts only where the subscription
// has a dead-letter policy, and calls approximate; it is 0 without one, and Policy
// refuses a queue that has a dead letter and no policy. A release with a delay sets
// the ack deadline to the delay, at most 600 s; a longer one is refused. A retry
// policy of the subscription would add to that, and Policy tells of it. The driver
// makes one attempt at each request, with a time-out of its own of 15 s, on leases
// 5 s: the runtime retries, and two layers of retries would multiply each other.
//
// # Dead letters
//
// Bury publishes a copy to the dead-letter topic, then acks the message: a crash
// between the two duplicates, never loses. Pub/Sub itself forwards a message there
// after maxDeliveryAttempts deliveries, at best effort, if its service agent may
// publish to the topic and acknowledge on the subscription. A topic without a
// subscription loses what it gets: Policy tells, and Bury is refused, as Redrive is
// where the queue's own has gone, once that was noticed, within a minute. The acks and
// releases of a Settle do not wait for its copies, but on an ordered queue.
//
// Copies go without attributes that begin with goog, which only Google may publish. A
// copy that has no room for the death record loses attributes into the record's
// Detail, in the order of their names; where that does not help Bury is TooLarge.
//
// # Redrive
//
// Redrive publishes a copy to the topic, then acks the dead letter. A copy without
// room for what we carry, which messages of ours have, goes without. MoveAll is
// Unsupported: Pub/Sub has none.
//
// # Limits
//
// A publish request has at most 10 MB and 1,000 messages; the driver makes several of
// a larger batch. So a body has at most 9,999,000 bytes, less its attributes. A
// message has at most 98 attributes of the application's (100 less the 2 reserved
// ones), each value at most 1,024 bytes. A call on leases takes at most 1,000, in
// requests of at most 512 KiB; a Receive brings at most 100. A hold is 10 s to 600 s
// in whole seconds, rounded up; a release delay at most 600 s. There are no delayed
// sends, no deduplication and no depth. (Source: Google Pub/Sub, "Pub/Sub quotas and
// limits", and the reference of google.pubsub.v1.)
//
// # As
//
// Queue.As takes a **Queue, a **apiv1.TopicAdminClient, a
// **apiv1.SubscriptionAdminClient, a *driver.Adopter, a *driver.Name, the
// subscription's complete name, and a *driver.System, which is gcp_pubsub; a lease's
// As takes a **pubsubpb.ReceivedMessage, of which only AckId, DeliveryAttempt,
// MessageId and OrderingKey are set.
package pubsub
