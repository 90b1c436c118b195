// Package faultqueue wraps a queue so that chosen calls go wrong: fail before
// or after they took effect, lie, stall, or cut the caller off.
//
// A [Rule] says which calls and a [Fault] says what happens to them. There is
// no chance in it: whoever wants random faults decides in Rule.Match, from a
// seeded source of its own.
//
//	q := faultqueue.New(inner, faultqueue.Rule{
//		Op:    faultqueue.Settle,
//		Match: func(c *faultqueue.Call) bool { return !c.Dead && c.N == 3 },
//		Fault: faultqueue.FailAfter(err),
//	})
//
// The dead letter is wrapped with the queue. Leases pass through as they are; a
// fault that wants to lie in one wraps it with [Wrap]. Of the optional interfaces
// driver.Withdrawer is passed on: on an inner queue that does not implement it,
// Withdraw answers Unsupported. Others, such as driver.Adopter, are not.
package faultqueue
