package conformance

import (
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
)

// AtomicInterrupts are the interrupts of a broker that moves in one step: a
// worker is cut off before its Bury or Redrive takes effect, or after it.
func AtomicInterrupts() []Interrupt {
	return []Interrupt{
		{Name: "before the move", Arm: func(q driver.Queue) driver.Queue {
			f := faultqueue.New(q)
			f.Add(faultqueue.Rule{Op: faultqueue.Settle, Fault: f.Cut()})
			return f
		}},
		{Name: "after the move", Arm: func(q driver.Queue) driver.Queue {
			f := faultqueue.New(q)
			f.Add(faultqueue.Rule{Op: faultqueue.Settle, Fault: f.CutAfter()})
			return f
		}},
	}
}
