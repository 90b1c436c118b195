// Package mem is an in-memory queue, for development, tests and single
// processes. It keeps nothing: its messages end with the last handle to it.
//
// It behaves like a managed queue in everything a task sees: leases that
// expire, attempts that count, delays, a dead letter, an attempt limit of its
// own. It reads the time only from package time, so that inside a
// testing/synctest bubble hours pass at once.
//
// # URLs
//
//	mem://orders?hold=30s&max_receives=20
//
// The host is the queue's name. Within a process every handle that is opened by
// URL under the same name is the same queue, so that a client and a worker meet;
// the parameters must agree. [New] makes a queue that nobody else can open.
//
//	hold          how long a lease runs unless the caller says; 10ms to 12h, default 30s
//	max_receives  deliveries after which the queue itself buries a message; 1 to 1000, default 100
//	ordered       true: messages of a group one at a time and in order; default false
//	dead_letter   false: the queue has no dead letter; default true
//	dedup_window  how long a deduplication key is remembered; 1s to 24h, default 5m
//
// # Delivery
//
// At least once. A message waits until it is leased; a receiver that waits is
// woken by the send itself. Messages come in the order in which they became
// visible. With ordered, those that share a GroupKey come one at a time and in
// the order in which they were sent; a queue that [New] makes with
// Options.GroupBatches gives several in one Receive. A FairnessKey is kept and
// has no effect. A second message with the DedupKey of an earlier one is dropped
// within the window and answered with the first one's id.
//
// Withdraw takes back a delayed message until it is due. Its DedupKey stays
// remembered.
//
// # Leases
//
// A lease ends exactly when it says, by the same clock. Extend and Settle on a
// lease that has expired or was settled answer LeaseLost, always. In all a lease
// lasts at most 12 hours from its receive.
//
// # Retries
//
// Attempts are counted exactly. A message that becomes visible again after
// max_receives deliveries goes to the dead letter with reason broker-limit.
//
// # Dead letters
//
// The dead letter is called NAME-dead and is part of the queue. Bury moves in
// one step. Dead messages are kept until they are settled.
//
// # Redrive
//
// Redrive moves in one step, and MoveAll is the queue's own bulk move.
//
// # Limits
//
// A body has at most 1 MiB; a call takes at most 1,000 items; a message has at
// most 8 attributes, as many as Amazon SQS leaves an application, so that what
// works here works there. The value of an attribute has at most 4,096 bytes. A
// send is delayed by at most 24 hours, with ordered not at all, and a release by
// at most 12 hours. Memory is the limit on the number of messages.
//
// # As
//
// Queue.As takes a **Queue and a *driver.System, which is longshore_mem.
package mem
