package conformance

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

var workDeadChecks = []Check{
	{Name: "dead-undecodable", Doc: "What is no task, and a task whose arguments do not decode, is buried at once without a run.", run: deadUndecodable},
	{Name: "dead-unknown-kind", Doc: "A task of a kind that nobody handles is put off for at least a minute each time, then buried.", run: deadUnknownKind},
	{Name: "dead-expired", Doc: "A task whose time to live is over is buried without a run; one that was redriven runs all the same.", run: deadExpired},
	{Name: "dead-crashed", Doc: "A task that ends every worker is in the end buried as crashed without a run; neighbours that end before it does are done, also those that came with it then.", run: deadCrashed},
	{Name: "dead-suspects", Doc: "Tasks beyond their MaxAttempts, of which one may have ended workers, run one at a time; others run beside them.", run: deadSuspects},
	{Name: "dead-redriven", Doc: "A redriven task runs again under its id, with fresh attempts and its redrives counted.", run: deadRedriven},
	{Name: "dead-moved-back", Doc: "A dead letter that was moved back as it is, by hand or by the broker, counts as redriven.", run: deadMovedBack},
	{Name: "dead-redrive-match", Doc: "A redrive moves the dead letters that match, each once, leaves the others, and says so.", run: deadRedriveMatch},
	{Name: "dead-redrive-max", Doc: "A redrive moves at most Max, and run again it moves the rest.", run: deadRedriveMax},
	{Name: "dead-redrive-ends", Doc: "A redrive takes each task once and ends, although a worker buries them again meanwhile.", run: deadRedriveEnds},
}

func deadUndecodable(t *T) {
	b := t.bench(t.fails3())
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil })
	garbage := t.messageWith([]byte(" is no task"))
	t.send(b.q, garbage)
	wrong := b.enqueueRaw(runtime.Raw{Kind: (Work{}).Kind(), Data: []byte(`{"note":{"not":"text"}}`)})
	good := b.enqueue("good")
	dead := b.awaitDead(2, 0)
	b.awaitDone(0, good)
	w.drain()
	for _, id := range []runtime.TaskID{runtime.TaskID(idOf(garbage.Body)), wrong} {
		b.ran("what does not decode", id, 0)
		if death := b.died(dead, id, driver.ReasonUndecodable); death.Detail == "" {
			t.Errorf("its record has no detail")
		}
		if got := b.verdicts(id); len(got) != 1 {
			t.Errorf("verdicts %v; want one bury", got)
		}
	}
	t.audit(b.q, tally{Processed: 1, Dead: 2})
}

func deadUnknownKind(t *T) {
	const least = time.Minute
	t.takes(2 * least)
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	b := t.bench(t.fails3())
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil })
	start := time.Now()
	id := b.enqueueRaw(runtime.Raw{Kind: "conformance.unknown", Data: []byte("{}")})
	b.hiddenUntil("a task of an unknown kind, in the dead letter", b.q.DeadLetter(), start.Add(2*least))
	death := b.died(b.awaitDead(1, t.hold), id, driver.ReasonUnknownKind)
	w.drain()
	if !strings.Contains(death.Detail, "conformance.unknown") {
		t.Errorf("detail %q does not name the kind", death.Detail)
	}
	t.audit(b.q, tally{Dead: 1})
}

func deadExpired(t *T) {
	b := t.bench(t.fails3())
	expired, inTime := b.enqueue("expired", runtime.TTL(t.hold/2)), b.enqueue("in time", runtime.TTL(10*t.hold))
	time.Sleep(t.hold)
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil })
	b.awaitDone(0, inTime)
	b.died(b.awaitDead(1, 0), expired, driver.ReasonExpired)
	b.ran("a task that had expired", expired, 0)
	b.redrive(b.q.DeadLetter(), b.lease(b.q.DeadLetter()))
	b.awaitDone(0, expired)
	w.drain()
	b.ran("it, once redriven,", expired, 1)
	t.audit(b.q, tally{Processed: 2})
}

func deadCrashed(t *T) {
	p := t.fails3()
	b := t.bench(p)
	poison := b.enqueue("poison")
	var good []runtime.TaskID
	var now atomic.Pointer[running]
	h := func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.Args.Note != "poison" {
			return b.pause(ctx, t.hold/10)
		}
		if err := b.pause(ctx, t.hold/2); err != nil {
			return err
		}
		for now.Load() == nil {
			time.Sleep(t.hold / 100)
		}
		now.Load().kill()
		return b.pause(ctx, t.hold)
	}
	b.await("each worker ends", time.Duration(p.MaxDeliveries)*2*(t.hold+t.b.Margin), func() bool {
		now.Store(nil)
		for range 2 {
			good = append(good, b.enqueue("good"))
		}
		w := b.work(h)
		now.Store(w)
		select {
		case <-w.killed:
		case <-time.After(2 * t.hold):
			w.drain()
			return true
		}
		free := time.Now().Add(t.hold + t.b.Margin)
		<-w.done
		time.Sleep(time.Until(free)) // so that the poison comes together with what is new
		return false
	})
	dead := b.awaitDead(1, 0)
	b.died(dead, poison, driver.ReasonCrashed)
	for _, id := range good {
		b.ran("a neighbour", id, 1)
	}
	if n := len(b.turnsOf(poison)); n < p.MaxAttempts || n > p.MaxDeliveries {
		t.Errorf("it ran %d times; want %d to %d", n, p.MaxAttempts, p.MaxDeliveries)
	}
	t.audit(b.q, tally{Processed: len(good), Dead: 1})
}

func deadSuspects(t *T) {
	b := t.bench(t.fails3())
	suspects := []runtime.TaskID{b.enqueue("a"), b.enqueue("b"), b.enqueue("c")}
	b.rewrite(func(m *driver.Message) { m.Carry.Attempts = b.retry.MaxAttempts }, suspects...)
	w := b.work(func(ctx context.Context, task *runtime.Task[Work]) error { return b.pause(ctx, t.hold/2) })
	others := []runtime.TaskID{b.enqueue("other"), b.enqueue("other")}
	wait := t.hold / 2
	if b.engine.Answers { // who brings the messages may bring few at a time
		wait = 2 * t.hold
	}
	b.awaitDone(wait, others...)
	b.awaitDone(2*t.hold+3*b.engine.Retry, suspects...)
	w.drain()
	for _, x := range suspects {
		b.ran("a task beyond its attempts", x, 1)
		for _, y := range suspects {
			if x != y && b.turnsOf(x)[0].began.Before(b.turnsOf(y)[0].ended) && b.turnsOf(y)[0].began.Before(b.turnsOf(x)[0].ended) {
				t.Errorf("two tasks beyond their attempts ran at once")
			}
		}
	}
	t.audit(b.q, tally{Processed: len(suspects) + len(others)})
}

// dies enqueues tasks and has a worker bury them.
func (b *bench) dies(notes ...string) []runtime.TaskID {
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error { return runtime.Permanent(errTest) })
	var ids []runtime.TaskID
	for _, note := range notes {
		ids = append(ids, b.enqueue(note))
	}
	b.awaitDead(len(ids), 0)
	w.drain()
	return ids
}

// freshly asserts that a task ran again, as one that was redriven n times, after as many
// runs as there were before.
func (b *bench) freshly(id runtime.TaskID, n, before int) {
	last := b.awaitTurns(id, before+1, 0)[before]
	if last.attempt != 1 || last.info.Redrives != n {
		b.Errorf("redriven %d times it is attempt %d and tells of %d redrives; want attempt 1", n, last.attempt, last.info.Redrives)
	}
}

func deadRedriven(t *T) {
	b := t.bench(t.fails3())
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Redrives < 2 || task.Attempt < 3 {
			return errTest
		}
		return nil
	})
	id := b.enqueue("a")
	for n := 1; n <= 2; n++ {
		b.died(b.awaitDead(1, 2*t.hold), id, driver.ReasonExhausted)
		b.ran("the task", id, 3*n)
		if r := b.redriveAll(nil); r.Moved != 1 {
			t.Errorf("the redrive reports %+v; want one moved", r)
		}
		b.freshly(id, n, 3*n)
	}
	b.awaitDone(2*t.hold, id)
	w.drain()
	b.ran("the task", id, 9)
	t.audit(b.q, tally{Processed: 1})
}

// afterglow is far more than a driver goes on receiving for a worker that has ended. A
// message that comes within it may be given back with a delivery more, which is none of
// what is checked.
const afterglow = 100 * time.Millisecond

func deadMovedBack(t *T) {
	b := t.bench(t.fails3())
	h := func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Redrives == 0 || task.Attempt < 3 {
			return errTest
		}
		return nil
	}
	moved := []string{"by hand"}
	if t.b.MovesAll {
		moved = append(moved, "by the broker")
	}
	for _, how := range moved {
		id := b.enqueue(how, runtime.TTL(8*t.hold))
		b.rewrite(func(m *driver.Message) { m.Carry.Attempts = 1 }, id) // so that the dead letter carries some
		w := b.work(h)
		b.died(b.awaitDead(1, 2*t.hold), id, driver.ReasonExhausted)
		w.drain()
		time.Sleep(afterglow)
		if how == "by hand" {
			l := b.lease(b.q.DeadLetter())
			c := driver.CopyOf(l.Message())
			c.Death = l.Message().Death
			b.replace(b.q.DeadLetter(), l, c)
		} else {
			ctx, cancel := t.ctx(t.hold)
			if _, err := b.q.DeadLetter().MoveAll(ctx, driver.MoveOptions{}); err != nil {
				t.Errorf("move all: %v", err)
			}
			cancel()
		}
		time.Sleep(8 * t.hold) // its time to live is over
		w = b.work(h)
		b.awaitTurns(id, 3, t.hold)
		b.freshly(id, 1, 2)
		b.awaitDone(2*t.hold, id)
		w.drain()
		b.ran("the task", id, 5)
	}
	t.audit(b.q, tally{Processed: len(moved)})
}

func deadRedriveMatch(t *T) {
	b := t.bench(t.fails3())
	ids := b.dies("yes", "no", "yes", "no", "yes")
	r := b.redriveAll(&runtime.RedriveOptions{Match: func(d runtime.DeadTask) bool {
		if d.Kind != (Work{}).Kind() || d.Death.Reason != driver.ReasonPermanent || d.Redrives != 0 {
			t.Errorf("the match is asked about %+v", d)
		}
		return d.ID == ids[0] || d.ID == ids[2] || d.ID == ids[4]
	}})
	if r.Examined != 5 || r.Moved != 3 || r.Kept != 2 || r.Failed != 0 || !r.Complete {
		t.Errorf("the redrive reports %+v; want 5 examined, 3 moved, 2 kept, complete", r)
	}
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil })
	b.awaitDone(0, ids[0], ids[2], ids[4])
	w.drain()
	for i, id := range ids {
		b.ran("a dead task", id, 2-i%2)
	}
	t.audit(b.q, tally{Processed: 3, Dead: 2})
}

func deadRedriveMax(t *T) {
	b := t.bench(t.fails3())
	b.dies("a", "b", "c", "d", "e")
	for _, want := range []int{2, 3} {
		if r := b.redriveAll(&runtime.RedriveOptions{Max: want}); r.Moved != want {
			t.Errorf("the redrive reports %+v; want %d moved", r, want)
		}
		w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil })
		time.Sleep(t.grace)
		w.drain()
	}
	if n := len(b.turnsOf("")); n != 10 {
		t.Errorf("%d runs; want each task twice", n)
	}
	t.audit(b.q, tally{Processed: 5})
}

func deadRedriveEnds(t *T) {
	b := t.bench(t.fails3())
	ids := b.dies("a", "b", "c")
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return runtime.Permanent(errTest) })
	start := time.Now()
	if r := b.redriveAll(nil); r.Moved != len(ids) {
		t.Errorf("the redrive reports %+v; want %d moved", r, len(ids))
	}
	t.within("the redrive ended", time.Since(start), 0, max(t.hold, 20*time.Second))
	b.awaitDead(len(ids), 0)
	w.drain()
	for _, id := range ids {
		b.ran("a task", id, 2)
	}
	t.audit(b.q, tally{Dead: len(ids)})
}
