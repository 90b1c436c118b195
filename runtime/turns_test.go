package runtime

import (
	"log/slog"
	goruntime "runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/longshore-dev/longshore/driver"
)

// A logger that is slow, or waits for a handler, must not keep tasks from the
// runners.
func TestTasksAreInLineBeforeALoggerIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSchedule(1, false, NewMux(nil))
		l := &lane{worker: &Worker{schedule: s, idle: make(chan struct{}, 1)}, share: s.add(&QueueInfo{Weight: 1})}
		h := &held{lane: l}
		started := make(chan struct{})
		l.mu.Lock()
		l.say(func(*slog.Logger) { <-started })
		l.offer(h)
		go l.unlock()
		if s.next(nil, false) != h {
			t.Error("the runner got another task")
		}
		close(started)
		synctest.Wait()
		if n := l.worker.pending.Load(); n != 0 {
			t.Errorf("%d are pending", n)
		}
	})
}

// The last of a crowd may begin just as a poller finds that it is one: then either
// sees the other, or nobody would give the poller its room.
func TestThePollerThatSeesTheLastOfACrowdGetsRoom(t *testing.T) {
	s := newSchedule(10*maxStarting, false, NewMux(nil))
	sh := s.add(&QueueInfo{Weight: 1, capabilities: driver.Capabilities{MaxReceiveBatch: 1}})
	for i := range 50_000 {
		s.starting.Store(maxStarting)
		w := &waiter{most: 1, done: make(chan struct{}, 1)}
		sh.waiting, s.waiters = []*waiter{w}, 1
		var both sync.WaitGroup
		var ready atomic.Int32
		together := func(f func()) {
			both.Go(func() {
				for ready.Add(1); ready.Load() < 2; {
					goruntime.Gosched()
				}
				f()
			})
		}
		together(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.give()
		})
		together(func() {
			for range i % 100 { // sooner or later than the poller looks
				ready.Load()
			}
			s.starting.Add(1 - maxStarting) // the others, which are not told apart
			s.begun()
		})
		both.Wait()
		if len(w.done) == 0 {
			t.Fatal("all have begun, and the poller has no room")
		}
	}
}
