package simulation

import (
	"context"
	"strconv"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// produce enqueues every task that is its own, one after the other.
func (w *World) produce(ctx context.Context, p int) {
	by := w.newWorker(0)
	client, err := runtime.NewClient(by.queues(), &runtime.ClientOptions{Codec: codec{}, SendTimeout: 6 * time.Second})
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.violated(0, "new client: %v", err)
		return
	}
	for n := p; n < len(w.tasks); n += producers {
		t := w.tasks[n]
		d := t.dice.of(aboutSend)
		gap := d.between(1, time.Microsecond, 60*time.Millisecond)
		if d.in1000(2, 100) {
			gap = d.between(3, time.Millisecond, 5*time.Second)
		}
		sleep(gap)
		options := []runtime.EnqueueOption{runtime.ID(t.id)}
		if d.in1000(4, 500) {
			options = append(options, runtime.Dedup(string(t.id)))
		}
		if t.group > 0 && !w.bug.unordered {
			options = append(options, runtime.Group("g"+strconv.Itoa(t.group)))
		}
		if t.delay > 0 {
			options = append(options, runtime.Delay(t.delay))
			w.mu.Lock()
			t.due = time.Now().Add(t.delay)
			w.mu.Unlock()
		}
		_, err := runtime.Enqueue(ctx, client, job{t.n}, options...)
		w.mu.Lock()
		e := Event{Task: t.n, What: Enqueued}
		if err == nil {
			t.maybe = true
		} else {
			e.Outcome = Failed
		}
		w.note(e)
		w.mu.Unlock()
	}
}
