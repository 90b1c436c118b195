package simulation

import (
	"context"

	"github.com/longshore-dev/longshore/driver"
)

// account looks at what is left when all has ended.
func (w *World) account(ctx context.Context) Report {
	dead := make(map[int]bool)
	sleep(4 * w.weather.hold) // leases on dead letters that a redrive left end
	for {
		leases, err := w.queue.DeadLetter().Receive(ctx, driver.ReceiveOptions{Max: 1000})
		w.mu.Lock()
		if err != nil {
			w.violated(0, "the dead letter: %v", err)
		}
		for _, l := range leases {
			m := l.Message()
			w.buriedWell(&m, dead)
		}
		w.mu.Unlock()
		if len(leases) == 0 {
			break
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.queue.Close(ctx); err != nil {
		w.violated(0, "close: %v", err)
	}
	r := Report{Seed: w.seed, Dead: len(dead)}
	for _, t := range w.tasks {
		if t.done > 0 {
			r.Done++
		} else if t.maybe && !dead[t.n] {
			w.violated(t.n, "it is lost: neither done nor dead")
		}
	}
	for _, m := range w.messages {
		if m != nil {
			w.closed(m)
		}
	}
	for _, by := range w.workers {
		if by.errors != 0 || by.deaths != 0 {
			w.violated(0, "worker %d settled %d failures and %d deaths more than OnError and OnDead told of", by.number, by.errors, by.deaths)
		}
	}
	r.History, r.Violations, r.Met = w.history, w.violations, w.met
	return r
}

// closed judges the leases of a message after the end of all. The caller holds
// mu.
func (w *World) closed(m *message) {
	for _, l := range m.leases {
		switch r := l.run; {
		case r == nil:
		case r.running:
			w.violated(m.task.n, "a handler of worker %d still runs", l.worker.number)
		case r.begun == 0 && r.heir != nil && r.heir.reported: // one delivery to the worker
		case !r.reported && !l.worker.killed:
			w.violated(m.task.n, "worker %d never reported attempt %d", l.worker.number, l.attempt)
		}
	}
}

// buriedWell judges a dead letter. The caller holds mu.
func (w *World) buriedWell(m *driver.Message, dead map[int]bool) {
	t := w.taskOf(m.Body)
	switch {
	case t == nil:
		w.violated(0, "a dead letter is no task")
		return
	case m.Death == nil:
		w.violated(t.n, "it is dead without a reason")
	case m.Death.Reason == driver.ReasonBrokerLimit:
		w.met[BrokerBuried]++
		if got := m.Death.Attempts - m.Carry.Attempts; got < w.weather.maxReceives {
			w.violated(t.n, "the broker buried it after %d deliveries", got)
		}
	}
	dead[t.n] = true
}
