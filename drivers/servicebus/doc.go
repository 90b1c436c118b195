// Package servicebus is the driver for Azure Service Bus, on
// github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus: AMQP 1.0 with messages
// that are locked while they are worked on (PeekLock). A queue is a queue of Service
// Bus, and its dead letter the queue's own dead-letter subqueue.
//
// # URLs
//
//	servicebus://my-namespace.servicebus.windows.net/orders
//	servicebus://my-namespace.servicebus.windows.net/orders?sessions=true&hold=1m&max_deliveries=15
//	servicebus:///orders
//
// The first two have the host name of the namespace, without a scheme or a port, and
// look for credentials by Azure's own chain (environment, workload identity, managed
// identity, those of az login). The third is for a connection string, which the
// environment variable SERVICEBUS_CONNECTION_STRING has: of a namespace, of the queue
// itself, or of an emulator, with UseDevelopmentEmulator=true. No secret stands in a
// URL.
//
//	sessions        declares that the queue requires sessions; true or false, default false
//	dedup           declares that it detects duplicates; true or false, default false
//	tier            declares the namespace's tier: standard or premium; default standard
//	hold            declares the queue's lock duration; 5s to 5m
//	max_deliveries  declares its maximum delivery count; 1 to 2000
//
// What sessions, dedup and tier declare changes what the queue can do. Policy reads the
// queue's description and refuses declarations that differ from it. Reading it needs
// the right Manage, which workers mostly do not have: then hold and max_deliveries
// stand in, and a receive is refused without hold. The tier Basic has neither
// scheduled messages nor sessions, and is refused.
//
// Opening does no I/O. [New] takes clients that are ready.
//
// # Delivery
//
// At least once. A queue has one link to receive by, on which it asks for as many
// messages as those who wait take together. What it does not get stays with the link
// as credit, and the client library gives back what comes on it between two receives.
// So the link goes on receiving for 20 ms when nobody waits: what comes is kept for the
// next Receive for 200 ms, then given back, which counts as a delivery. A Receive waits
// 100 ms at least: there is no other way to ask for what is there. One that is
// cancelled leaves nothing leased.
//
// The client library says nothing when a link breaks while it waits. The driver makes
// the link anew, at growing intervals of up to a second, and where that fails the
// Receives that wait are told why: never that the queue is empty.
//
// With sessions a GroupKey is the session id, and a message without one is a session of
// its own. The messages of a session come one at a time. A session is kept as long as
// its messages are asked for, 100 messages or 30 s at most, and given up half a second
// after there is nothing in it; other workers do not get it meanwhile. A new session
// takes some round trips, so a queue with many sessions of one message each is slow.
// Released messages come again before those behind them.
//
// The id of a message is its message id, which is its SendID. Where other messages may
// have the same message id, as those of other producers and those sent with a DedupKey
// may, a received message has the sequence number at the end of its id.
//
// What the runtime writes has the content type application/cloudevents+json. The
// content type of other messages, unless it is of that family too, is received as the
// attribute content-type where they have no attribute for it.
//
// # Leases
//
// A lease is a lock, which always lasts for the queue's lock duration, at most 5
// minutes, and begins anew when it is renewed: FixedHold. There is no limit to how long
// it lasts in all. Each renewal is a request, 64 of which run at a time, each with a
// time-out of its own of 5 s.
//
// A lease says that it ends a tenth of its hold early, at least a second. When a lock
// began is not known, but the message says when it ends, by the broker's clock: the
// driver learns how far the clocks are apart from messages that came at once, and
// shortens the leases of those that came late, such as after a pause of the process.
//
// Service Bus tells of each settle whether the lock was still held. One lease has one
// operation at a time: an Extend that overlaps a Settle of the same lease waits for it.
// A settle goes by the link that the message came by. Once that is gone the client
// library would try it for longer than a lock lasts: after 3 s, or at once where the
// link is known to be gone, the driver settles by the lock token over the new link.
// What then says that the lock is lost may mean that the first try took effect and only
// its answer was lost: that is Unavailable the first time, and LeaseLost when it is tried
// again. With sessions there is no second try: the lock is the session's, which
// goes with its link.
//
// # Retries
//
// Attempt is the DeliveryCount, which counts every delivery that was abandoned or whose
// lock ran out. A release is immediate: Service Bus abandons without a delay, so a
// release with one is Unsupported, and the runtime sends a copy that is due later.
// [Queue.Withdraw] takes such a copy back.
//
// Every request is made once and has a time-out of its own, 15 s, on leases 5 s; but
// the client library repairs broken links and connections in a retry only, so the
// driver's clients make one, after 50 ms. A request goes on when the context of its
// call ends, as one that is cut off may cost others their connection; Close waits for
// it.
//
// # Dead letters
//
// Bury dead-letters the message in one step, with the reason, the detail as the
// description, and the death record as a property. Service Bus itself moves a message
// there after its maximum delivery count, and one that expired where the queue says so;
// such a message has a death record with reason broker-limit, or expired. The subqueue
// belongs to the queue and keeps messages for ever. Policy refuses a queue that
// forwards its dead letters elsewhere. Deliveries of a dead letter are not counted, and
// its locks run out like others.
//
// # Redrive
//
// Redrive sends a copy with a fresh message id, so that duplicate detection cannot
// swallow it, then completes the dead letter: a crash between the two duplicates, never
// loses. The copy keeps what other producers set: session, content type, subject,
// correlation id, addresses and properties of any type. MoveAll is Unsupported: Service
// Bus has none.
//
// # Limits
//
// A message has at most 256 KiB on the tier Standard, and 1 MiB on Premium, its
// properties included; 2 KiB of that are kept for what the message needs beside. A body
// has at most that, less its attributes. There are at most 100 attributes of at most 28
// KiB, and of 60 KiB together. A Send takes up to 1,000 messages, in as many batches
// as they need; an Extend or Settle up to 1,000 leases; a Receive brings at most 100. A
// message can be delayed for 24 hours; Service Bus tells no limit. (Source: Azure Service Bus, "Service Bus quotas".)
//
// # As
//
// Queue.As takes a **Queue, a **azservicebus.Client, a **admin.Client and a
// *driver.System, which is servicebus; a lease's As takes a
// **azservicebus.ReceivedMessage.
package servicebus
