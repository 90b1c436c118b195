package conformance

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

var workRunChecks = []Check{
	{Name: "work-long", Doc: "A handler that takes five times its lease runs once, and its task is done.", run: workLong},
	{Name: "work-ack-after", Doc: "A task is acked after its handler has returned nil, never before and never after an error.", run: workAckAfter},
	{Name: "work-contents", Doc: "A handler gets the task as it was enqueued: id, arguments, attributes, time and first attempt.", run: workContents},
	{Name: "work-concurrency", Doc: "As many handlers run at once as the worker's concurrency, and never more.", run: workConcurrency},
	{Name: "work-order-of-middleware", Doc: "Middleware wraps every run, the first outermost, and sees what the handler returned.", run: workOrderOfMiddleware},
	{Name: "enqueue-order-of-middleware", Doc: "Client middleware wraps every send, the first outermost, and may change attributes.", run: enqueueOrderOfMiddleware},
	{Name: "work-one-call-a-lease", Doc: "Extend and Settle of one lease never overlap, and nothing follows a settle.", run: workOneCallALease},
	{Name: "work-settle-again", Doc: "A settle that fails for a reason that may pass is tried again, and the lease is kept meanwhile.", run: workSettleAgain},
}

func workLong(t *T) {
	b := t.bench(t.fails3())
	id := b.enqueue("long")
	h := func(ctx context.Context, _ *runtime.Task[Work]) error { return b.pause(ctx, 5*t.hold) }
	first, second := b.work(h), b.work(h)
	b.awaitDone(5*t.hold, id)
	first.drain()
	second.drain()
	b.ran("the task", id, 1)
	if r := b.turnsOf(id)[0]; r.ended.Sub(r.began) < 5*t.hold {
		t.Errorf("its context ended after %v with %v", r.ended.Sub(r.began), r.cause)
	}
	t.audit(b.q, tally{Processed: 1})
}

func workAckAfter(t *T) {
	b := t.bench(t.fails3())
	w := b.work(func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.Attempt == 1 {
			return errTest
		}
		err := b.pause(ctx, t.hold/2)
		if n := b.verdicts(task.ID)[driver.Ack]; n != 0 {
			t.Errorf("the task was acked before its handler returned")
		}
		return err
	}, func(j *Job) { j.Retry.Backoff = runtime.Fixed(0) })
	ids := []runtime.TaskID{b.enqueue("a"), b.enqueue("b"), b.enqueue("c")}
	b.awaitDone(t.hold, ids...)
	w.drain()
	for _, id := range ids {
		b.ran("the task", id, 2)
		if got := b.verdicts(id); got[driver.Ack] != 1 || got[driver.Bury] != 0 {
			t.Errorf("verdicts %v; want one ack", got)
		}
	}
	t.audit(b.q, tally{Processed: 3})
}

func workContents(t *T) {
	b := t.bench(t.fails3())
	attributes := make(map[string]string)
	var opts []runtime.EnqueueOption
	if t.caps.MaxAttributes > 0 {
		attributes["tenant"] = "a \u00e9"
		opts = append(opts, runtime.Attribute("tenant", "a \u00e9"))
	}
	before := time.Now().Truncate(time.Microsecond)
	id := b.enqueue("note \u6f22 \"<&>", opts...)
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil })
	b.awaitDone(0, id)
	w.drain()
	r := b.turnsOf(id)[0]
	if r.note != "note \u6f22 \"<&>" {
		t.Errorf("arguments %q", r.note)
	}
	if !maps.Equal(r.info.Attributes, attributes) {
		t.Errorf("attributes %q; want %q", r.info.Attributes, attributes)
	}
	if r.info.Kind != (Work{}).Kind() || r.info.Queue != queueName || r.info.MaxAttempts != b.retry.MaxAttempts || r.info.Redrives != 0 {
		t.Errorf("the task says %+v", r.info)
	}
	if r.attempt != 1 {
		t.Errorf("attempt %d; want 1", r.attempt)
	}
	if at := r.info.EnqueuedAt; at.Before(before) || at.After(r.began) {
		t.Errorf("enqueued at %v; want %v to %v", at, before, r.began)
	}
	t.audit(b.q, tally{Processed: 1})
}

func workConcurrency(t *T) {
	b := t.bench(t.fails3())
	const most, tasks = 3, 9
	var mu sync.Mutex
	now, high := 0, 0 // guarded by mu
	var ids []runtime.TaskID
	for range tasks {
		ids = append(ids, b.enqueue("a"))
	}
	w := b.work(func(ctx context.Context, _ *runtime.Task[Work]) error {
		mu.Lock()
		now++
		high = max(high, now)
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			now--
		}()
		return b.pause(ctx, t.hold/2)
	}, func(j *Job) { j.Options.Concurrency = most })
	b.awaitDone(tasks*t.hold, ids...)
	w.drain()
	if high != most {
		t.Errorf("%d handlers ran at once; want %d", high, most)
	}
	t.audit(b.q, tally{Processed: tasks})
}

// layers is middleware that writes down when it is passed.
type layers struct {
	mu   sync.Mutex
	seen []string // guarded by mu
}

func (l *layers) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, s)
}

func (l *layers) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.seen)
}

func workOrderOfMiddleware(t *T) {
	b := t.bench(t.fails3())
	var l layers
	layer := func(name string) runtime.Middleware {
		return func(next runtime.HandlerFunc) runtime.HandlerFunc {
			return func(ctx context.Context, task *runtime.Info) error {
				l.add(name)
				err := next(ctx, task)
				if err != nil {
					l.add(name + " fails")
				} else {
					l.add(name + " ends")
				}
				return err
			}
		}
	}
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		l.add("handler")
		if task.Attempt == 1 {
			return errTest
		}
		return nil
	}, func(j *Job) {
		j.Retry.Backoff = runtime.Fixed(0)
		j.Middleware = []runtime.Middleware{layer("1"), layer("2"), layer("3")}
	})
	id := b.enqueue("a")
	b.awaitDone(t.hold, id)
	w.drain()
	want := []string{
		"1", "2", "3", "handler", "3 fails", "2 fails", "1 fails",
		"1", "2", "3", "handler", "3 ends", "2 ends", "1 ends",
	}
	if got := l.all(); !slices.Equal(got, want) {
		t.Errorf("the layers saw %q; want %q", got, want)
	}
	t.audit(b.q, tally{Processed: 1})
}

func enqueueOrderOfMiddleware(t *T) {
	b := t.bench(t.fails3())
	var l layers
	layer := func(name string) runtime.ClientMiddleware {
		return func(next runtime.SendFunc) runtime.SendFunc {
			return func(ctx context.Context, tasks []*runtime.Outgoing) []runtime.EnqueueResult {
				l.add(name)
				for _, task := range tasks {
					if t.caps.MaxAttributes > 0 {
						task.Attributes = map[string]string{"layer": task.Attributes["layer"] + name}
					}
				}
				defer l.add(name + " ends")
				return next(ctx, tasks)
			}
		}
	}
	c := b.newClient(&runtime.ClientOptions{Middleware: []runtime.ClientMiddleware{layer("1"), layer("2"), layer("3")}})
	id := b.enqueueBy(c, "a")
	if got, want := l.all(), []string{"1", "2", "3", "3 ends", "2 ends", "1 ends"}; !slices.Equal(got, want) {
		t.Errorf("the layers saw %q; want %q", got, want)
	}
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil })
	b.awaitDone(0, id)
	w.drain()
	if got := b.turnsOf(id)[0].info.Attributes["layer"]; t.caps.MaxAttributes > 0 && got != "123" {
		t.Errorf("the layers left the attribute %q; want 123", got)
	}
	t.audit(b.q, tally{Processed: 1})
}

func workOneCallALease(t *T) {
	b := t.bench(t.fails3())
	var ids []runtime.TaskID
	w := b.work(func(ctx context.Context, task *runtime.Task[Work]) error {
		// They end while their leases are being extended, and around it.
		return b.pause(ctx, t.hold/4+time.Duration(len(b.turnsOf("")))*t.hold/100)
	}, func(j *Job) { j.Options.Concurrency = 20 })
	w.fq.Add(faultqueue.Rule{Op: faultqueue.Extend, Fault: faultqueue.Stall(t.hold / 20)})
	for range 20 {
		ids = append(ids, b.enqueue("a"))
	}
	b.awaitDone(2*t.hold, ids...)
	w.drain()
	for _, id := range ids {
		settles := b.deedsOf(faultqueue.Settle, id)
		if len(settles) != 1 {
			t.Errorf("%d settles of one lease; want 1", len(settles))
		}
		for _, d := range b.deedsOf(faultqueue.Extend, id) {
			if d.ended.After(settles[0].began) {
				t.Errorf("an extend ended %v after the settle had begun", d.ended.Sub(settles[0].began))
			}
		}
	}
	t.audit(b.q, tally{Processed: len(ids)})
}

func workSettleAgain(t *T) {
	b := t.bench(t.fails3())
	down := driver.Errorf(driver.Unavailable, "conformance: settle", "the broker is down")
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil }, func(j *Job) { j.Options.SettleTimeout = 10 * t.hold })
	start := time.Now()
	w.fq.Add(faultqueue.Rule{
		Op: faultqueue.Settle, Match: func(*faultqueue.Call) bool { return time.Since(start) < 2*t.hold }, Fault: faultqueue.FailBefore(down),
	})
	id := b.enqueue("a")
	b.await("the ack is taken", 2*t.hold+max(t.hold, 20*time.Second), func() bool {
		return slices.ContainsFunc(b.deedsOf(faultqueue.Settle, id), func(d deed) bool { return d.err == nil })
	})
	w.drain()
	b.ran("the task", id, 1)
	t.audit(b.q, tally{Processed: 1})
}
