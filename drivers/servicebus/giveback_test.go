package servicebus_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/servicebus"
)

// Who looks at the dead letters gives them back, and ends. Whoever looks next is to see
// them, though the link of the first had credit left, at which they would have come
// again.
func TestDeadLettersThatAreGivenBackAreThereForTheNext(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		const n = 4
		for i := range n {
			e.send(fmt.Sprint("a", i))
		}
		for _, l := range e.receive(e.queue, n, time.Second) {
			e.must(e.settle(e.queue, driver.Bury, l))
		}
		for look := range 4 {
			q := e.open(e.clients, "orders", servicebus.Options{})
			d := q.DeadLetter()
			var batch []driver.Settlement
			for range 5 { // until two bring nothing, as a redrive does
				leases, err := d.Receive(e.Context(), driver.ReceiveOptions{Max: 100, Wait: time.Second})
				e.must(err)
				for _, l := range leases {
					batch = append(batch, driver.Settlement{Lease: l, Verdict: driver.Release})
				}
			}
			if len(batch) != n {
				e.Fatalf("look %d found %d dead letters; want %d", look+1, len(batch), n)
			}
			for i, r := range d.Extend(e.Context(), []driver.Lease{batch[0].Lease}, 0) {
				if r.Err != nil {
					e.Errorf("extend %d: %v", i, r.Err)
				}
			}
			for _, part := range [][]driver.Settlement{batch[:1], batch[1:]} {
				for i, err := range d.Settle(e.Context(), part) {
					if err != nil {
						e.Errorf("release %d: %v", i, err)
					}
				}
			}
			e.close(q)
		}
	})
}
