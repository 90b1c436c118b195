package conformance

import (
	"context"
	"errors"
	"fmt"
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
	{Name: "work-skip", Doc: "Middleware that answers ErrSkip has a task acked unrun; one that answers nil without calling next has it fail; a second call of next runs nothing.", run: workSkip},
	{Name: "work-hooks", Doc: "OnSettled is told of every delivery, OnError of every failed attempt, OnDead of every task that died, each once.", run: workHooks},
	{Name: "work-timeout", Doc: "A handler's context ends at its time limit with ErrTimeout, and the attempt fails.", run: workTimeout},
	{Name: "work-hard-timeout", Doc: "A handler that outlives its hard time limit loses its slot, and its task is not run again beside it.", run: workHardTimeout},
	{Name: "work-one-call-a-lease", Doc: "Extend and Settle of one lease never overlap, and nothing follows a settle.", run: workOneCallALease},
	{Name: "work-settle-again", Doc: "A settle that fails for a reason that may pass is tried again, and the lease is kept meanwhile.", run: workSettleAgain},
}

func workLong(t *T) {
	b := t.bench(t.fails3())
	if b.engine.CannotExtend {
		longEnds(b)
		return
	}
	id := b.enqueue("long")
	h := func(ctx context.Context, _ *runtime.Task[Work]) error { return b.pause(ctx, 5*t.hold) }
	first, second := b.work(h, one), b.work(h, one) // whichever has it asks for no more
	b.awaitDone(5*t.hold, id)
	first.drain()
	second.drain()
	b.ran("the task", id, 1)
	if r := b.turnsOf(id)[0]; r.ended.Sub(r.began) < 5*t.hold {
		t.Errorf("its context ended after %v with %v", r.ended.Sub(r.began), r.cause)
	}
	t.audit(b.q, tally{Processed: 1})
}

// longEnds is what an engine that cannot extend a lease does in place of that: the
// handler's context ends before its lease, which is a failed attempt, and the task
// never runs beside itself.
func longEnds(b *bench) {
	t := b.T
	h := func(ctx context.Context, _ *runtime.Task[Work]) error { return b.pause(ctx, 5*t.hold) }
	w := b.work(h)
	id := b.enqueue("long")
	b.died(b.awaitDead(1, 3*(t.hold+b.engine.Retry)), id, driver.ReasonExhausted)
	w.drain()
	turns := b.turnsOf(id)
	b.ran("the task", id, b.retry.MaxAttempts)
	for i, r := range turns {
		if d := r.ended.Sub(r.began); d >= t.hold || d < t.hold/2 || !errors.Is(r.cause, runtime.ErrTimeout) {
			t.Errorf("a context ended after %v with %v; want ErrTimeout shortly before %v", d, r.cause, t.hold)
		}
		if i > 0 && r.began.Before(turns[i-1].ended) {
			t.Errorf("the task ran beside itself")
		}
	}
	t.audit(b.q, tally{Dead: 1})
	t.refused()
}

func workAckAfter(t *T) {
	b := t.bench(t.fails3())
	acks := 0 // before the last attempt: that of the message in whose place a copy was sent
	if !t.caps.ReleaseDelay.Supported() && !b.engine.Answers {
		acks = 1
	}
	w := b.work(func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.Attempt == 1 {
			return errTest
		}
		err := b.pause(ctx, t.hold/2)
		if n := b.verdicts(task.ID)[driver.Ack]; n != acks {
			t.Errorf("the task was acked before its handler returned")
		}
		return err
	}, func(j *Job) { j.Retry.Backoff = runtime.Fixed(t.hold / 20) })
	ids := []runtime.TaskID{b.enqueue("a"), b.enqueue("b"), b.enqueue("c")}
	b.awaitDone(t.hold+b.engine.Retry, ids...)
	w.drain()
	for _, id := range ids {
		b.ran("the task", id, 2)
		if got := b.verdicts(id); got[driver.Ack] != acks+1 || got[driver.Bury] != 0 {
			t.Errorf("verdicts %v; want %d acks", got, acks+1)
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
		j.Retry.Backoff = runtime.Fixed(t.hold / 20)
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
		if b.engine.AcksGone { // of which this check is not
			settles = settles[:1]
		}
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
	if b.engine.AcksGone {
		t.absent("whoever receives the messages for the engine acknowledges them, and keeps no lease for it")
	}
	down := driver.Errorf(driver.Unavailable, "conformance: settle", "the broker is down")
	var all []*running
	start := time.Now()
	for range 2 { // whichever has it, the other waits for it
		w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil }, one, func(j *Job) { j.Options.SettleTimeout = 10 * t.hold })
		w.fq.Add(faultqueue.Rule{
			Op: faultqueue.Settle, Match: func(*faultqueue.Call) bool { return time.Since(start) < 2*t.hold }, Fault: faultqueue.FailBefore(down),
		})
		all = append(all, w)
	}
	id := b.enqueue("a")
	b.await("the ack is taken", 2*t.hold+max(t.hold, 20*time.Second), func() bool {
		return slices.ContainsFunc(b.deedsOf(faultqueue.Settle, id), func(d deed) bool { return d.err == nil })
	})
	for _, w := range all {
		w.drain()
	}
	b.ran("the task", id, 1)
	t.audit(b.q, tally{Processed: 1})
}

func workSkip(t *T) {
	if t.caps.MaxAttributes == 0 {
		t.absent("tasks have no attributes")
	}
	b := t.bench(t.fails3())
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Args.Note == "twice" && task.Attempt == 1 {
			return errTest
		}
		return nil
	}, func(j *Job) {
		j.Retry.Backoff = runtime.Fixed(t.hold / 20)
		j.Middleware = []runtime.Middleware{func(next runtime.HandlerFunc) runtime.HandlerFunc {
			return func(ctx context.Context, task *runtime.Info) error {
				switch task.Attributes["do"] {
				case "skip":
					b.ledger.done(string(task.ID))
					return runtime.ErrSkip
				case "forget":
					if task.Attempt < 3 {
						return nil
					}
				case "twice":
					first := next(ctx, task)
					if second := next(ctx, task); first != second { //nolint:errorlint // the very same
						t.Errorf("the second call of next answers %v, the first %v", second, first)
					}
					return first
				}
				return next(ctx, task)
			}
		}}
	})
	do := func(what string) runtime.TaskID { return b.enqueue(what, runtime.Attribute("do", what)) }
	skipped, forgotten, twice := do("skip"), do("forget"), do("twice")
	b.awaitDone(t.hold, forgotten, twice)
	w.drain()
	b.ran("a task that was skipped", skipped, 0)
	if got := b.verdicts(skipped); got[driver.Ack] != 1 || len(got) != 1 {
		t.Errorf("verdicts %v on a task that was skipped; want one ack", got)
	}
	b.ran("a task whose middleware forgot it twice", forgotten, 1)
	if r := b.turnsOf(forgotten)[0]; r.attempt != 3 {
		t.Errorf("it ran in attempt %d; want 3", r.attempt)
	}
	b.ran("a task that fails once and whose middleware calls next twice", twice, 2)
	t.audit(b.q, tally{Processed: 3})
}

func workHooks(t *T) {
	b := t.bench(t.fails3())
	var l layers
	hook := func(name string) func(runtime.Settled) {
		return func(s runtime.Settled) {
			if s.Decision.Task == nil || s.Err != nil {
				t.Errorf("%s of %+v", name, s)
				return
			}
			l.add(fmt.Sprintf("%s %s %d", s.Decision.Task.ID, name, s.Decision.Task.Attempt))
			if name == "dead" {
				panic("a hook that panics does no harm")
			}
		}
	}
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Args.Note == "good" && task.Attempt > 1 {
			return nil
		}
		return errTest
	}, func(j *Job) {
		j.Retry.Backoff = runtime.Fixed(t.hold / 20)
		j.Options.OnSettled, j.Options.OnError, j.Options.OnDead = hook("settled"), hook("error"), hook("dead")
	})
	good, bad := b.enqueue("good"), b.enqueue("bad")
	b.awaitDone(t.hold, good)
	b.died(b.awaitDead(1, t.hold), bad, driver.ReasonExhausted)
	w.drain()
	want := []string{fmt.Sprintf("%s dead 3", bad)}
	for id, ends := range map[runtime.TaskID]int{good: 2, bad: 3} {
		turns := b.turnsOf(id)
		if len(turns) != ends && t.b.Late == 0 { // else a delivery may be lost on its way
			t.Errorf("task %s ran %d times; want %d", id, len(turns), ends)
		}
		for i, r := range turns {
			want = append(want, fmt.Sprintf("%s settled %d", id, r.attempt))
			if id == bad || i < len(turns)-1 {
				want = append(want, fmt.Sprintf("%s error %d", id, r.attempt))
			}
		}
	}
	got := l.all()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the hooks were told %q; want %q", got, want)
	}
	t.audit(b.q, tally{Processed: 1, Dead: 1})
}

func workTimeout(t *T) {
	b := t.bench(t.fails3())
	limit := 3 * t.hold / 2
	if b.engine.CannotExtend {
		limit = t.hold / 2
	}
	w := b.work(func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.Attempt > 1 {
			return nil
		}
		return b.pause(ctx, 5*t.hold)
	}, func(j *Job) {
		j.Retry.Backoff = runtime.Fixed(t.hold / 20)
		j.Handle = []runtime.HandleOption{runtime.Timeout(limit)}
	})
	id := b.enqueue("a")
	b.awaitDone(2*t.hold+b.engine.Retry, id)
	w.drain()
	b.ran("the task", id, 2)
	r := b.turnsOf(id)[0]
	t.within("the context ended", r.ended.Sub(r.began), limit, limit)
	if !errors.Is(r.cause, runtime.ErrTimeout) {
		t.Errorf("it ended with %v; want ErrTimeout", r.cause)
	}
	t.audit(b.q, tally{Processed: 1})
}

func workHardTimeout(t *T) {
	b := t.bench(t.fails3())
	limit := t.hold
	if b.engine.CannotExtend {
		limit = t.hold / 2
	}
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Args.Note == "hangs" && task.Attempt == 1 {
			time.Sleep(2 * limit) // whatever its context says
			return errTest
		}
		return nil
	}, one, func(j *Job) {
		j.Retry.MaxAttempts, j.Retry.MaxDeliveries = 5, 7
		j.Handle = []runtime.HandleOption{runtime.HardTimeout(limit)}
	})
	hangs := b.enqueue("hangs")
	first := b.awaitTurns(hangs, 1, 0)[0]
	next := b.enqueue("next")
	b.awaitDone(limit+b.engine.Retry, next)
	t.within("the next task began", b.turnsOf(next)[0].began.Sub(first.began), limit, limit+b.engine.Retry)
	b.awaitDone(3*t.hold+b.engine.Retry, hangs)
	w.drain()
	turns := b.turnsOf(hangs)
	if len(turns) != 2 {
		t.Fatalf("the task ran %d times; want 2", len(turns))
	}
	if again := turns[1]; again.began.Before(first.began.Add(2 * limit)) {
		t.Errorf("it ran again after %v, while its first handler was still there", again.began.Sub(first.began))
	}
	t.audit(b.q, tally{Processed: 2})
}
