// Package broker is the store of an in-process Service Bus: queues with locks,
// sessions, schedules and dead letters, without a wire. It uses package time only.
//
// One mutex guards a Broker with all that belongs to it. What consumers are told, they
// are told with that mutex held: their functions must neither block nor call back.
package broker
