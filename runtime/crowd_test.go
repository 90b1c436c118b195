package runtime

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/longshore-dev/longshore/driver"
)

// While hundreds of runners are on their way to their tasks no more is leased, and
// it is again once they have begun.
func TestNoMoreIsLeasedWhileACrowdStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const runners = maxStarting + 100
		s := newSchedule(10*runners, false, NewMux(nil))
		info := &QueueInfo{Weight: 1, capabilities: driver.Capabilities{MaxReceiveBatch: 1000}}
		l := &lane{share: s.add(info)}
		got := make(chan *held, runners)
		for range runners {
			go func() { got <- s.next(nil, false) }()
		}
		synctest.Wait()
		for range runners {
			s.offer(l.share, []*held{{lane: l}})
		}
		room := make(chan int, 1)
		go func() {
			n, _, err := s.enter(context.Background(), l.share, 1000, true)
			if err != nil {
				t.Error(err)
			}
			room <- n
		}()
		synctest.Wait()
		if len(got) != runners || len(room) != 0 {
			t.Fatalf("%d of %d runners have a task, and there is room at once (%d); want none", len(got), runners, len(room))
		}
		for range runners {
			s.begun()
		}
		synctest.Wait()
		if len(room) != 1 {
			t.Fatal("all have begun, and there is still no room")
		}
		if n := <-room; n != 1000 {
			t.Errorf("room for %d; want 1000", n)
		}
	})
}
