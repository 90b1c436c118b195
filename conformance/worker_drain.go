package conformance

import (
	"context"
	"errors"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

var workDrainChecks = []Check{
	{Name: "drain-loses-nothing", Doc: "A worker that drains ends what it has begun and leaves the rest to others at once: nothing is lost and nothing runs twice.", run: drainLosesNothing},
	{Name: "drain-gives-back", Doc: "What a draining worker has leased and not begun it releases at once.", run: drainGivesBack},
	{Name: "drain-begins-nothing", Doc: "A draining worker begins nothing, however long its handlers take.", run: drainBeginsNothing},
	{Name: "drain-tells", Doc: "Shortly before the end of the grace contexts end with ErrDraining; what the handlers then return counts.", run: drainTells},
	{Name: "drain-leaves-stubborn", Doc: "A handler that ignores its context keeps its lease until that expires, and Run says that it was left.", run: drainLeavesStubborn},
}

// lead is how long before the end of the grace handlers are told.
func (b *bench) lead(grace time.Duration) time.Duration { return min(b.engine.Lead, grace/2) }

func drainLosesNothing(t *T) {
	b := t.bench(t.fails3())
	var ids []runtime.TaskID
	for range 9 {
		ids = append(ids, b.enqueue("a"))
	}
	h := func(ctx context.Context, _ *runtime.Task[Work]) error { return b.pause(ctx, t.hold/4) }
	first := b.work(h, func(j *Job) { j.Options.Concurrency = 3 })
	time.Sleep(3 * t.hold / 8) // in the middle of the second three
	first.drain()
	if n := len(b.turnsOf("")); n > 6 {
		t.Errorf("%d tasks were begun; want none after the drain", n)
	}
	second := b.work(h)
	b.awaitDone(t.hold/4, ids...)
	second.drain()
	for _, id := range ids {
		b.ran("a task", id, 1)
	}
	t.audit(b.q, tally{Processed: len(ids)})
}

// place is within what a task beyond its MaxAttempts gets its place in line.
const place = time.Second

func drainGivesBack(t *T) {
	b := t.bench(t.fails3())
	// Beyond MaxAttempts tasks run one at a time, so the others wait, leased.
	ids := []runtime.TaskID{b.enqueue("a"), b.enqueue("b"), b.enqueue("c")}
	b.rewrite(func(m *driver.Message) { m.Carry.Attempts = b.retry.MaxAttempts }, ids...)
	h := func(ctx context.Context, _ *runtime.Task[Work]) error { return b.pause(ctx, t.hold/2) }
	first := b.work(h)
	b.await("one task has begun", 0, func() bool { return len(b.turnsOf("")) > 0 })
	time.Sleep(t.hold / 10)
	second := b.work(h, one)
	within := place + b.engine.Retry
	if b.engine.Answers { // who brings the messages may wait for what runs
		within += t.hold / 2
	}
	start := time.Now()
	first.stop()
	b.await("another worker has a task that was not begun", within, func() bool { return len(b.turnsOf("")) > 1 })
	t.within("it had that", b.turnsOf("")[1].began.Sub(start), 0, within)
	b.awaitDone(2*t.hold+3*b.engine.Retry, ids...)
	first.drain()
	second.drain()
	for _, id := range ids {
		b.ran("a task", id, 1)
	}
	t.audit(b.q, tally{Processed: len(ids)})
}

func drainBeginsNothing(t *T) {
	b := t.bench(t.fails3())
	long := b.enqueue("long")
	takes := t.hold
	if b.engine.CannotExtend {
		takes = 3 * t.hold / 4
	}
	h := func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.Args.Note == "long" {
			return b.pause(ctx, takes)
		}
		return nil
	}
	first := b.work(h, func(j *Job) { j.Options.Grace = max(time.Second, 3*t.hold) })
	b.awaitTurns(long, 1, 0)
	first.stop()
	time.Sleep(t.hold/2 + t.grace)
	late := b.enqueue("late")
	first.drain()
	b.ran("a task that came while the worker drained", late, 0)
	b.ran("the task that it had begun", long, 1)
	second := b.work(h)
	b.awaitDone(2*b.engine.Retry, long, late)
	second.drain()
	t.audit(b.q, tally{Processed: 2})
}

func drainTells(t *T) {
	b := t.bench(t.fails3())
	grace := max(2*time.Second, 2*t.hold)
	if b.engine.CannotExtend {
		grace = t.hold / 2
	}
	h := func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.Attempt > 1 {
			return nil
		}
		cause := b.pause(ctx, 5*grace)
		switch task.Args.Note {
		case "done":
			return nil
		case "permanent":
			return runtime.Permanent(errTest)
		}
		return cause
	}
	first := b.work(h, func(j *Job) { j.Options.Grace = grace })
	done, permanent, cut := b.enqueue("done"), b.enqueue("permanent"), b.enqueue("cut short")
	for _, id := range []runtime.TaskID{done, permanent, cut} {
		b.awaitTurns(id, 1, 0)
	}
	start := time.Now()
	first.drain()
	ended := time.Now()
	for _, r := range b.turnsOf("") {
		t.within("a handler was told", r.ended.Sub(start), grace-b.lead(grace), grace-b.lead(grace))
		if !errors.Is(r.cause, runtime.ErrDraining) {
			t.Errorf("its context ended with %v; want ErrDraining", r.cause)
		}
	}
	t.within("run ended", ended.Sub(start), grace-b.lead(grace), grace)
	for id, want := range map[runtime.TaskID]driver.Verdict{done: driver.Ack, permanent: driver.Bury, cut: driver.Release} {
		if got := b.verdicts(id); got[want] != 1 || len(got) != 1 {
			t.Errorf("verdicts %v; want %v alone", got, want)
		}
	}
	second := b.work(h)
	b.awaitDone(b.engine.Retry, cut)
	t.within("what was cut short came again", b.turnsOf(cut)[1].began.Sub(ended), 0, b.engine.Retry)
	second.drain()
	t.audit(b.q, tally{Processed: 2, Dead: 1})
}

func drainLeavesStubborn(t *T) {
	b := t.bench(t.fails3())
	grace := max(time.Second, 2*t.hold)
	if b.engine.CannotExtend {
		grace = t.hold / 2
	}
	h := func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Attempt > 1 {
			return nil
		}
		time.Sleep(grace + 3*t.hold) // whatever its context says
		return errTest
	}
	first := b.work(h, func(j *Job) { j.Options.Grace = grace })
	id := b.enqueue("stubborn")
	b.awaitTurns(id, 1, 0)
	start := time.Now()
	err := first.end()
	t.within("run ended", time.Since(start), grace-b.lead(grace), grace)
	if !driver.Is(err, driver.DeadlineExceeded) {
		t.Errorf("run: %v; want DeadlineExceeded for the handler that was left", err)
	}
	kept := b.turnsOf(id)[0].began.Add(t.hold)
	if !b.engine.CannotExtend {
		extends := b.deedsOf(faultqueue.Extend, id)
		if len(extends) == 0 {
			t.Fatalf("its lease was not extended")
		}
		kept = extends[len(extends)-1].began.Add(t.hold)
	}
	second := b.work(h)
	turns := b.awaitTurns(id, 2, t.hold+b.engine.Retry)
	t.within("another worker had the task", turns[1].began.Sub(start), kept.Sub(start)-t.early(t.hold), kept.Sub(start)+b.engine.Retry)
	time.Sleep(4 * t.hold) // the first handler ends
	second.drain()
	if got := b.verdicts(id); got[driver.Ack] != 1 || len(got) != 1 {
		t.Errorf("verdicts %v; want the other worker's ack alone", got)
	}
	t.audit(b.q, tally{Processed: 1})
}
