package runtime

import (
	"log/slog"
	"testing"
	"testing/synctest"
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
