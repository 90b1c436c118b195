// Package sbfake is an Azure Service Bus for tests that runs in the test's own
// process: the client of the service talks to it by AMQP 1.0. It serves connections
// in memory, and any [net.Listener], so that clients of other languages can use it.
//
// It uses package time only: inside a testing/synctest bubble, where it is made, and
// with connections in memory, hours of locks and schedules pass in milliseconds.
//
//	server := sbfake.New(nil)
//	defer server.Close()
//	server.CreateQueue("orders", sbfake.QueueConfig{})
//	client, err := azservicebus.NewClientFromConnectionString(server.ConnectionString(), server.ClientOptions())
//
// What it does of the service is queues: peek-lock and receive-and-delete, locks and
// their renewal, abandon, defer, dead letters and their subqueue, delivery counts, time
// to live, schedules, duplicate detection, sessions, peeking and batches. It has no
// topics, no transactions, no forwarding and no partitions, and throttles nobody unless
// a [Fault] says so.
package sbfake
