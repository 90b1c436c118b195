// Package wire codes the frames of AMQP 1.0, as far as a server of Service Bus needs
// them ("OASIS Advanced Message Queuing Protocol (AMQP) Version 1.0", parts 1, 2 and
// 5). Messages themselves are coded by go-amqp.
package wire

// Symbol is a symbolic value of AMQP, a name in ASCII.
type Symbol string

// Map is a map of AMQP. Its keys are written as symbols; strings and symbols are
// read.
type Map map[string]any

// Described is a value with a descriptor, of which the numeric form is known.
type Described struct {
	Code  uint64
	Value any
}
