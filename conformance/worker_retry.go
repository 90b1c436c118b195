package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

var workRetryChecks = []Check{
	{Name: "retry-delays", Doc: "A failed task runs again after the policy's delays, attempt by attempt, never early and no later.", run: retryDelays},
	{Name: "retry-at-once", Doc: "A message that comes again before its release was answered is the next attempt, and none is skipped.", run: retryAtOnce},
	{Name: "retry-jitter", Doc: "With jitter a retry comes within 0 and the backoff, spread over tasks.", run: retryJitter},
	{Name: "retry-after", Doc: "RetryAfter takes the place of the backoff, and its attempt counts.", run: retryAfter},
	{Name: "retry-exhausted", Doc: "A task that always fails runs exactly MaxAttempts times and is then dead, with its last error.", run: retryExhausted},
	{Name: "retry-first-error", Doc: "The record of a task that failed to the end on one worker has its first error as well.", run: retryFirstError},
	{Name: "retry-permanent", Doc: "A permanent error, and one that the policy never retries, buries the task at once with the error.", run: retryPermanent},
	{Name: "retry-panic", Doc: "A panic is a failed attempt that harms nobody else; its text is kept and its stack is not sent.", run: retryPanic},
	{Name: "retry-neighbours", Doc: "A poison task leaves its neighbours untouched: each runs once.", run: retryNeighbours},
}

func retryDelays(t *T) {
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	backoff := func(n int) time.Duration { return t.hold / 2 * time.Duration([]int{0, 1, 3, 1, 2}[n]) } // some are longer than the hold
	b := t.bench(runtime.RetryPolicy{MaxAttempts: 5, MaxDeliveries: 7, Backoff: backoff, NoJitter: true})
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Attempt < 5 {
			return errTest
		}
		return nil
	})
	id := b.enqueue("a")
	b.awaitDone(5*t.hold, id)
	w.drain()
	turns := b.turnsOf(id)
	if len(turns) != 5 {
		t.Fatalf("the task ran %d times; want 5", len(turns))
	}
	for i, r := range turns {
		if r.attempt != i+1 {
			t.Errorf("run %d is attempt %d", i+1, r.attempt)
		}
		if i > 0 {
			d := driver.RoundUp(&t.caps, backoff(i))
			t.within(fmt.Sprintf("attempt %d began", i+1), r.began.Sub(turns[i-1].ended), backoff(i), d)
		}
	}
	t.audit(b.q, tally{Processed: 1})
}

func retryAtOnce(t *T) {
	p := t.fails3()
	p.Backoff = runtime.Fixed(0)
	b := t.bench(p)
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Args.Note == "good" && task.Attempt == 3 {
			return nil
		}
		return errTest
	})
	w.fq.Add(faultqueue.Rule{Op: faultqueue.Settle, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
		next(ctx, c)
		time.Sleep(t.hold / 20) // the answer is slow
	}})
	good, bad := b.enqueue("good"), b.enqueue("bad")
	b.awaitDone(t.hold, good)
	death := b.died(b.awaitDead(1, t.hold), bad, driver.ReasonExhausted)
	w.drain()
	if death.Attempts != 3 {
		t.Errorf("it died after %d attempts; want 3", death.Attempts)
	}
	for _, id := range []runtime.TaskID{good, bad} {
		b.ran("the task", id, 3)
		for i, r := range b.turnsOf(id) {
			if r.attempt != i+1 {
				t.Errorf("run %d is attempt %d", i+1, r.attempt)
			}
		}
	}
	t.audit(b.q, tally{Processed: 1, Dead: 1})
}

func retryJitter(t *T) {
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	const tasks = 12
	p := t.fails3()
	p.NoJitter = false
	b := t.bench(p)
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Attempt == 1 {
			return errTest
		}
		return nil
	}, func(j *Job) { j.Options.Concurrency = tasks })
	// The spread is in what the worker asks for: a broker counts in its grains, and
	// may hand out together what became due apart.
	var mu sync.Mutex
	due := make(map[runtime.TaskID]time.Time)
	w.fq.Add(faultqueue.Rule{Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
		mu.Lock()
		for _, m := range c.Messages { // where the broker cannot release with a delay
			due[runtime.TaskID(idOf(m.Body))] = time.Now().Add(m.Delay)
		}
		for _, s := range c.Batch {
			if s.Verdict == driver.Release {
				due[runtime.TaskID(idOf(s.Lease.Message().Body))] = time.Now().Add(s.Delay)
			}
		}
		mu.Unlock()
		next(ctx, c)
	}})
	var ids []runtime.TaskID
	for range tasks {
		ids = append(ids, b.enqueue("a"))
	}
	b.awaitDone(t.hold/2, ids...)
	w.drain()
	mu.Lock()
	defer mu.Unlock()
	low, high := t.hold, time.Duration(0)
	for _, id := range ids {
		turns := b.turnsOf(id)
		t.within("the retry began", turns[1].began.Sub(turns[0].ended), 0, driver.RoundUp(&t.caps, t.hold/2))
		asked := due[id].Sub(turns[0].ended)
		low, high = min(low, asked), max(high, asked)
	}
	if high-low < t.hold/8 {
		t.Errorf("%d retries were put off by %v to %v; want them spread over %v", tasks, low, high, t.hold/2)
	}
	t.audit(b.q, tally{Processed: tasks})
}

func retryAfter(t *T) {
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	p := t.fails3()
	p.NoJitter = false // it does not apply
	b := t.bench(p)
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		switch {
		case task.Args.Note == "never":
			return runtime.RetryAfter(t.hold/20, errTest)
		case task.Attempt == 1:
			return fmt.Errorf("wrapped: %w", runtime.RetryAfter(t.hold, errTest))
		}
		return nil
	})
	id, never := b.enqueue("a"), b.enqueue("never")
	b.awaitDone(t.hold, id)
	b.died(b.awaitDead(1, 0), never, driver.ReasonExhausted)
	w.drain()
	turns := b.turnsOf(id)
	t.within("the retry began", turns[1].began.Sub(turns[0].ended), t.hold, t.hold)
	if len(turns) != 2 || turns[1].attempt != 2 {
		t.Errorf("%d runs, the second is attempt %d; want 2 and 2", len(turns), turns[1].attempt)
	}
	b.ran("a task that asks for a retry each time", never, 3)
	t.audit(b.q, tally{Processed: 1, Dead: 1})
}

func retryExhausted(t *T) {
	b := t.bench(t.fails3())
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		return fmt.Errorf("failure no. %d", task.Attempt)
	})
	start := time.Now()
	id := b.enqueue("a")
	death := b.died(b.awaitDead(1, 2*t.hold), id, driver.ReasonExhausted)
	b.ran("the task", id, 3)
	if death.Attempts != 3 {
		t.Errorf("the record tells of %d attempts; want 3", death.Attempts)
	}
	if !strings.Contains(death.Detail, "failure no. 3") {
		t.Errorf("detail %q; want the last error in it", death.Detail)
	}
	if death.At.Before(start.Truncate(time.Second).Add(-t.b.Margin)) || death.At.After(time.Now().Add(t.b.Margin)) {
		t.Errorf("it died at %v; want about now", death.At)
	}
	w.drain()
	t.audit(b.q, tally{Dead: 1})
	b.ran("the dead task", id, 3)
}

func retryPermanent(t *T) {
	p := t.fails3()
	hopeless := errors.New("hopeless")
	p.Never = []error{hopeless}
	b := t.bench(p)
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Args.Note == "permanent" {
			return fmt.Errorf("wrapped: %w", runtime.Permanent(errors.New("no such address")))
		}
		return fmt.Errorf("wrapped: %w", hopeless)
	})
	permanent, never := b.enqueue("permanent"), b.enqueue("never")
	dead := b.awaitDead(2, 0)
	w.drain()
	for id, want := range map[runtime.TaskID]string{permanent: "no such address", never: "hopeless"} {
		b.ran("the task", id, 1)
		if death := b.died(dead, id, driver.ReasonPermanent); !strings.Contains(death.Detail, want) {
			t.Errorf("detail %q; want %q in it", death.Detail, want)
		}
	}
	t.audit(b.q, tally{Dead: 2})
}

func retryPanic(t *T) {
	b := t.bench(t.fails3())
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Args.Note == "panics" || task.Attempt == 1 {
			panic(fmt.Sprintf("out of cheese in attempt %d", task.Attempt))
		}
		return nil
	}, func(j *Job) { j.Options.Concurrency = 1 })
	panics, once := b.enqueue("panics"), b.enqueue("once")
	b.awaitDone(t.hold, once)
	death := b.died(b.awaitDead(1, t.hold), panics, driver.ReasonExhausted)
	w.drain()
	b.ran("the task that always panics", panics, 3)
	b.ran("the task that panics once", once, 2)
	if !strings.Contains(death.Detail, "panic") || !strings.Contains(death.Detail, "out of cheese in attempt 3") {
		t.Errorf("detail %q; want that it was a panic, and its text", death.Detail)
	}
	if strings.Contains(death.Detail, "goroutine") || strings.Contains(death.Detail, ".go:") {
		t.Errorf("detail %q has a stack", death.Detail)
	}
	t.audit(b.q, tally{Processed: 1, Dead: 1})
}

func retryNeighbours(t *T) {
	b := t.bench(t.fails3())
	var good, poison []runtime.TaskID
	for i := range 12 {
		if i%4 == 1 {
			poison = append(poison, b.enqueue("poison"))
		} else {
			good = append(good, b.enqueue("good"))
		}
	}
	w := b.work(func(ctx context.Context, task *runtime.Task[Work]) error {
		if err := b.pause(ctx, t.hold/10); err != nil { // they end together, and are settled in one batch
			return err
		}
		if task.Args.Note == "poison" {
			return errTest
		}
		return nil
	}, func(j *Job) { j.Options.Concurrency = 12 })
	w.fq.Add(faultqueue.Rule{Op: faultqueue.Settle, Fault: faultqueue.Stall(t.hold / 40)}) // for the others to gather
	b.awaitDone(t.hold, good...)
	good = append(good, b.enqueue("good"))
	b.awaitDone(t.hold, good...)
	dead := b.awaitDead(len(poison), 2*t.hold)
	w.drain()
	for _, id := range good {
		b.ran("a neighbour", id, 1)
	}
	for _, id := range poison {
		b.ran("a poison task", id, 3)
		b.died(dead, id, driver.ReasonExhausted)
	}
	t.audit(b.q, tally{Processed: len(good), Dead: len(poison)})
}

func retryFirstError(t *T) {
	b := t.bench(t.fails3())
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		return fmt.Errorf("failure no. %d", task.Attempt)
	})
	id := b.enqueue("a")
	death := b.died(b.awaitDead(1, 2*t.hold), id, driver.ReasonExhausted)
	w.drain()
	for _, n := range []string{"failure no. 1", "failure no. 3"} {
		if !strings.Contains(death.Detail, n) {
			t.Errorf("detail %q; want %q in it", death.Detail, n)
		}
	}
	t.audit(b.q, tally{Dead: 1})
}
