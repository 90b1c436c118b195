package conformance

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

var workLeaseChecks = []Check{
	{Name: "lost-worker", Doc: "The tasks of a worker that was killed are done by another within a hold.", run: lostWorker},
	{Name: "lost-cancels", Doc: "A handler whose lease is lost has its context ended with ErrLeaseLost, and whatever it returns then is neither released, buried nor copied.", run: lostCancels},
	{Name: "lost-in-silence", Doc: "A lease that cannot be extended is taken for lost at its end, not later.", run: lostInSilence},
	{Name: "lost-success", Doc: "After a success on a lost lease one ack is tried, and nothing else.", run: lostSuccess},
	{Name: "lost-received-again", Doc: "A message that comes again to a worker that still runs it is not run twice; the newer lease is kept and acked.", run: lostReceivedAgain},
	{Name: "lost-copies", Doc: "Copies of a task stay few when every settle loses its lease.", run: lostCopies},
	{Name: "lost-no-copy", Doc: "A copy is sent only on a lease that has just been extended.", run: lostNoCopy},
}

func lostWorker(t *T) {
	b := t.bench(t.fails3())
	h := func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.Attempt > 1 {
			return nil
		}
		return b.pause(ctx, 10*t.hold)
	}
	ids := []runtime.TaskID{b.enqueue("a"), b.enqueue("b"), b.enqueue("c")}
	first := b.work(h)
	for _, id := range ids {
		b.awaitTurns(id, 1, 0)
	}
	second := b.work(h)
	works := 5 * t.hold / 2
	if b.engine.CannotExtend {
		works = t.hold / 4
	}
	time.Sleep(works)
	killed := time.Now()
	first.kill()
	b.awaitDone(t.hold+b.engine.Retry, ids...)
	second.drain()
	for _, id := range ids {
		b.ran("a task whose worker was killed", id, 2)
		t.within("another worker had it", b.turnsOf(id)[1].began.Sub(killed), 0, t.hold)
	}
	t.audit(b.q, tally{Processed: 3})
}

// needsExtend ends a check that is about extensions where there are none.
func (b *bench) needsExtend() {
	if b.engine.CannotExtend {
		b.absent("the engine cannot extend a lease, and ends a handler before it")
	}
}

// loses has every extend of an engine answer an error, without effect.
func (w *running) loses(err error) {
	w.fq.Add(faultqueue.Rule{Op: faultqueue.Extend, Fault: faultqueue.FailBefore(err)})
}

var (
	errGone = driver.Errorf(driver.LeaseLost, "conformance: extend", "the lease is gone")
	errDown = driver.Errorf(driver.Unavailable, "conformance: extend", "the broker is down")
)

// untouched asserts that nothing was done to a task between its first run and its
// second but extends.
func (b *bench) untouched(what string, id runtime.TaskID) {
	turns := b.turnsOf(id)
	for _, op := range []faultqueue.Op{faultqueue.Settle, faultqueue.Send} {
		for _, d := range b.deedsOf(op, id) {
			if len(turns) < 2 || !d.began.After(turns[1].began) {
				b.Errorf("%s: %v (%v) on a lease that was lost", what, d.op, d.verdict)
			}
		}
	}
}

func lostCancels(t *T) {
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	b := t.bench(t.fails3())
	answers := map[string]error{
		"returns the context's error": nil, "fails": errTest, "is permanent": runtime.Permanent(errTest),
		"retries later": runtime.RetryAfter(t.hold, errTest), "snoozes": runtime.Snooze(t.hold), "panics": errTest,
	}
	h := func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.Attempt > 1 {
			return b.pause(ctx, t.hold/4)
		}
		cause := b.pause(ctx, 5*t.hold)
		if task.Args.Note == "panics" {
			panic(task.Args.Note)
		}
		if err := answers[task.Args.Note]; err != nil {
			return err
		}
		return cause
	}
	ids := make(map[runtime.TaskID]string)
	for what := range answers {
		ids[b.enqueue(what)] = what
	}
	w := b.work(h)
	w.loses(errGone)
	b.await("all handlers have been told", t.hold, func() bool {
		n := 0
		for _, r := range b.turnsOf("") {
			if !r.ended.IsZero() {
				n++
			}
		}
		return n >= len(ids)
	})
	w.fq.Clear()
	for id := range ids {
		b.awaitDone(t.hold, id)
	}
	w.drain()
	for id, what := range ids {
		b.untouched("a task that "+what, id)
		if r := b.turnsOf(id)[0]; !errors.Is(r.cause, runtime.ErrLeaseLost) {
			t.Errorf("the context of a task that %s ended with %v; want ErrLeaseLost", what, r.cause)
		}
	}
	t.audit(b.q, tally{Processed: len(ids)})
}

func lostInSilence(t *T) {
	b := t.bench(t.fails3())
	b.needsExtend()
	w := b.work(func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.Attempt > 1 {
			return b.pause(ctx, t.hold/4)
		}
		return b.pause(ctx, 5*t.hold)
	}, one)
	w.loses(errDown)
	id := b.enqueue("a")
	b.awaitTurns(id, 2, 3*t.hold)
	w.fq.Clear()
	b.awaitDone(t.hold, id)
	w.drain()
	r := b.turnsOf(id)[0]
	t.within("the handler was told", r.ended.Sub(r.began), t.hold/2, t.hold)
	if !errors.Is(r.cause, runtime.ErrLeaseLost) {
		t.Errorf("its context ended with %v; want ErrLeaseLost", r.cause)
	}
	b.untouched("a task whose lease ran out", id)
	t.audit(b.q, tally{Processed: 1})
}

func lostSuccess(t *T) {
	b := t.bench(t.fails3())
	b.needsExtend()
	w := b.work(func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.Attempt > 1 {
			return b.pause(ctx, t.hold/2)
		}
		time.Sleep(3 * t.hold / 2) // whatever its context says
		return nil
	}, one)
	w.loses(errDown)
	id := b.enqueue("a")
	b.awaitTurns(id, 1, 0)
	b.await("its ack is tried", 3*t.hold/2, func() bool { return b.verdicts(id)[driver.Ack] > 0 })
	time.Sleep(t.hold / 50) // a second one would come at once
	w.fq.Clear()
	tried := b.deedsOf(faultqueue.Settle, id)
	if b.engine.AcksGone { // also of what has come again
		tried = tried[:1]
	}
	if len(tried) != 1 || b.verdicts(id)[driver.Ack] == 0 || len(b.verdicts(id)) != 1 || len(b.deedsOf(faultqueue.Send, id)) > 0 {
		t.Errorf("after the loss the worker did %+v; want one ack", tried)
	}
	b.await("the queue has taken an ack", 2*t.hold, func() bool {
		all := b.deedsOf(faultqueue.Settle, id)
		return all[len(all)-1].err == nil
	})
	w.drain()
	t.audit(b.q, tally{Processed: 1, Copies: true})
}

func lostReceivedAgain(t *T) {
	b := t.bench(t.fails3())
	b.needsExtend()
	w := b.work(func(ctx context.Context, _ *runtime.Task[Work]) error { return b.pause(ctx, 4*t.hold) })
	// The broker takes no notice of extends, so the message is free again, and the
	// worker, which knows nothing of it, gets it once more.
	start := time.Now()
	w.fq.Add(faultqueue.Rule{
		Op: faultqueue.Extend, Match: func(*faultqueue.Call) bool { return time.Since(start) < t.hold },
		Fault: func(_ context.Context, c *faultqueue.Call, _ faultqueue.Next) {
			c.Fail(nil)
			for i := range c.Extended {
				c.Extended[i].Expires = time.Now().Add(2 * t.hold)
			}
		},
	})
	id := b.enqueue("a")
	b.awaitDone(4*t.hold, id)
	w.drain()
	b.ran("the task", id, 1)
	all := b.deedsOf(faultqueue.Settle, id)
	if b.engine.AcksGone { // also the older lease, in no order
		all = slices.DeleteFunc(all, func(d deed) bool { return d.err != nil })
	}
	if len(all) == 0 || all[len(all)-1].err != nil {
		t.Errorf("the newer lease was not acked: %+v", b.deedsOf(faultqueue.Settle, id))
	}
	t.audit(b.q, tally{Processed: 1})
}

// copying is a view in which a retry after two holds takes a copy.
func (t *T) copying() func(driver.Queue) driver.Queue {
	return narrowed(func(c *driver.Capabilities) {
		if c.ReleaseDelay.Supported() {
			c.MaxReleaseDelay = driver.RoundUp(c, t.hold/4)
		}
	})
}

// later is the policy that goes with it.
func (t *T) later() runtime.RetryPolicy {
	p := t.fails3()
	p.Backoff = runtime.Fixed(2 * t.hold)
	return p
}

func lostCopies(t *T) {
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	b := t.benchOn(t.later(), t.copying())
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error { return errTest })
	w.fq.Add(faultqueue.Rule{Op: faultqueue.Settle, Fault: faultqueue.FailBefore(errGone)})
	id := b.enqueue("a")
	time.Sleep(12 * t.hold)
	w.fq.Clear()
	b.await("all that is left is settled", 12*t.hold, func() bool {
		d := b.deedsOf(faultqueue.Settle, id)
		return time.Since(d[len(d)-1].ended) > 4*t.hold
	})
	w.drain()
	if n := len(b.deedsOf(faultqueue.Send, id)); n < 2 || n > 6 {
		t.Errorf("%d copies were sent; want one or two a retry", n)
	}
	if n := len(b.turnsOf(id)); n > b.retry.MaxDeliveries {
		t.Errorf("the task ran %d times", n)
	}
	t.audit(b.q, tally{Dead: 1, Copies: true})
}

func lostNoCopy(t *T) {
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	b := t.benchOn(t.later(), t.copying())
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Attempt < 3 {
			return errTest
		}
		return nil
	}, one)
	w.loses(errGone)
	id := b.enqueue("a")
	b.awaitTurns(id, 1, 0)
	time.Sleep(t.hold / 2)
	if all := b.deedsOf(faultqueue.Send, id); len(all) > 0 {
		t.Errorf("%d copies were sent on a lease that is lost", len(all))
	}
	w.fq.Clear()
	b.awaitDone(6*t.hold, id)
	w.drain()
	t.audit(b.q, tally{Processed: 1})
}
