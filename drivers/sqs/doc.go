// Package sqs is the driver for Amazon SQS, on aws-sdk-go-v2: standard queues,
// fair queues and FIFO queues.
//
// # URLs
//
//	sqs://orders?region=eu-west-1
//	sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders
//
// The first form is looked up by name at the first call, by GetQueueUrl in the
// account of the credentials. The second is the queue's own URL with the scheme
// replaced; it needs no look-up, and names the region. A name that ends in .fifo
// is a FIFO queue, which is Ordered and deduplicates.
//
//	region        the region, where the host does not name it; default the SDK's own (AWS_REGION, the profile)
//	hold          declares the queue's visibility timeout; 2s to 11h59m
//	max_receives  declares the maxReceiveCount of its redrive policy; 1 to 1000
//	dead_letter   declares its dead letter: a name in the same account and region, or an ARN
//	sns           unwrap: the body of an Amazon SNS notification is its Message; default as it is
//
// What hold, max_receives and dead_letter declare is read from the queue by
// GetQueueAttributes where the credentials allow it, and a declaration that
// differs from what is read is refused by Policy. Where they do not allow it, the
// declaration stands in.
//
// Opening does no I/O. Endpoint and credentials come from the SDK's own chain:
// AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL, AWS_PROFILE, roles. A configured
// endpoint is used for every call, whatever host a queue's URL names. [New] takes
// a client that is ready.
//
// # Delivery
//
// At least once. A long poll waits at most 20 s; a longer Wait is several polls,
// one after the other, and the fraction of a second in a Wait is waited out
// before a last poll. On a standard queue a FairnessKey is the MessageGroupId, by
// which Amazon SQS keeps one tenant from delaying the others, and order is not
// kept. On a FIFO queue a GroupKey is the MessageGroupId, and a message without
// one is a group of its own; the SendID, else the DedupKey, is the
// MessageDeduplicationId, remembered for 5 minutes. A queue's own DelaySeconds
// applies to messages that are sent without a Delay.
//
// One receive may bring several messages of a group; while any of them is leased no
// other of the group comes.
//
// A cancelled Receive may leave messages leased until their hold runs out.
//
// Attributes of other producers that are numbers or binary are shown as text
// (binary in base64) and keep their type through Bury and Redrive.
//
// # Leases
//
// The hold is set with each receive. A lease says that it ends a tenth of its
// hold early, at least a second, because it is not known when a long poll's
// answer was made; and earlier where the time in the answer shows that it came late,
// as to a process that was paused. Amazon SQS counts 12 hours from the receive; the driver keeps
// a minute of them back and counts by its own clock, and refuses what would go
// beyond.
//
// Amazon SQS often takes a late DeleteMessage or ChangeMessageVisibility without
// a word. So the driver knows for itself when a lease has ended: past its end,
// Extend, Release, Bury and Redrive answer LeaseLost without a call; an Ack is
// still tried, which is harmless. One lease has one operation at a time: an
// Extend that overlaps a Settle of the same lease waits for it.
//
// # Retries
//
// Attempt is the ApproximateReceiveCount, which Amazon SQS calls approximate. The
// driver makes one attempt at each request: the runtime retries, and two layers
// of retries would multiply each other.
//
// # Dead letters
//
// The dead letter is the target of the queue's redrive policy. Amazon SQS moves a
// message there on the receive after maxReceiveCount. Bury sends a copy to it,
// then deletes the message: a crash between the two duplicates, never loses. A
// copy that has no room for the death record loses attributes into the record's
// Detail, in the order of their names; where that does not help Bury is TooLarge.
//
// # Redrive
//
// Redrive sends a copy to the queue under a fresh send id, then deletes the dead
// letter. A copy without room for what we carry, which messages of ours have,
// goes without. MoveAll is StartMessageMoveTask with the queue as destination, 1 to
// 500 messages a second; it ends with its task, which it cancels when its context
// ends.
//
// # Limits
//
// A body and its attributes have at most 1 MiB together, and are text. A call takes
// at most 10 items; a batch over 1 MiB is sent in several requests. A message has
// at most 8 attributes of the application's (10 less the 2 reserved ones), each
// value at most 4,096 bytes. A send is delayed by at most 15 minutes, on a FIFO
// queue not at all. A hold and a release delay are whole seconds, rounded up, from
// 2 s (a release: 0) to 11h59m. (Source: Amazon SQS Developer Guide, "Amazon SQS
// message quotas", and API Reference.)
//
// # As
//
// Queue.As takes a **Queue, a **sqs.Client of the SDK, a *driver.Adopter, a
// *driver.Name, the queue's name, and a *driver.System, which is aws_sqs; a lease's As
// takes a *types.Message of the SDK, of which only MessageId and ReceiptHandle are set.
package sqs
