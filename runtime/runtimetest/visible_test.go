package runtimetest

import (
	goruntime "runtime"
	"testing"

	"github.com/longshore-dev/longshore/driver"
)

// What one goroutine makes visible no other leases, so that Enqueue returns when
// its own task is done.
func TestEachLeasesItsOwn(t *testing.T) {
	k := New(t, nil)
	q := k.info(DefaultQueue).Driver.(*queue)
	stolen := make(chan []driver.Lease)
	leases := q.visible(t.Context(), func() {
		q.Queue.Send(t.Context(), []driver.Message{{Body: []byte("x")}})
		go func() { stolen <- q.visible(t.Context(), func() {}) }()
		for range 10_000 { // time for the other
			goruntime.Gosched()
		}
	})
	if other := <-stolen; len(leases) != 1 || len(other) != 0 {
		t.Errorf("leased %d, and another goroutine %d; want 1 and 0", len(leases), len(other))
	}
}
