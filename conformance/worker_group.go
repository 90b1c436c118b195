package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

var workGroupChecks = []Check{
	{Name: "group-runs-in-order", Doc: "Tasks of a group run one at a time and in order, groups beside each other; or a group is refused as Unsupported.", run: groupRunsInOrder},
	{Name: "group-waits-for-head", Doc: "Followers wait for a head that failed, through all its retries, and order holds.", run: groupWaitsForHead},
	{Name: "group-waits-without-delay", Doc: "Where the broker cannot put off what it has delivered, a failed head is kept, and its followers wait as well.", run: groupWaitsWithoutDelay},
	{Name: "group-snooze", Doc: "A group waits for a head that is snoozed; its attempts do not count, and order holds.", run: groupSnooze},
	{Name: "group-after-bury", Doc: "A group goes on in order once its head is buried.", run: groupAfterBury},
	{Name: "group-after-kill", Doc: "Order holds when the worker of a head is killed.", run: groupAfterKill},
	{Name: "group-after-loss", Doc: "A group waits for a head whose lease was lost, and order holds.", run: groupAfterLoss},
	{Name: "group-after-drain", Doc: "A worker that drains ends the heads that it has begun, and gives back those behind them: the next goes on in order at once.", run: groupAfterDrain},
	{Name: "group-delay-refused", Doc: "A delay that the broker cannot give a task of a group is refused, for no copy could keep its place.", run: groupDelayRefused},
}

// withoutOrder checks the refusal where there are no groups.
func (b *bench) withoutOrder() bool {
	if b.caps.Ordered {
		return false
	}
	b.refusesTask("a group", driver.Unsupported, runtime.Group("a"))
	b.audit(b.q, tally{})
	b.refused()
	return true
}

// groups enqueues n tasks of each of two groups, in turn.
func (b *bench) groups(n int) [2][]runtime.TaskID {
	var ids [2][]runtime.TaskID
	for i := range n {
		for g := range ids {
			ids[g] = append(ids[g], b.enqueue(fmt.Sprint("abc"[g:g+1], i), runtime.Group("abc"[g:g+1])))
		}
	}
	return ids
}

// inOrder asserts that tasks were run one at a time, each to its end before the
// next began.
func (b *bench) inOrder(ids []runtime.TaskID) {
	var of []turn
	for _, r := range b.turnsOf("") {
		if slices.Contains(ids, r.id) {
			of = append(of, r)
		}
	}
	at := -1
	for i, r := range of {
		if i > 0 && r.began.Before(of[i-1].ended) {
			b.Errorf("%q began before %q had ended", r.note, of[i-1].note)
		}
		place := slices.Index(ids, r.id)
		if place < at || place > at+1 {
			b.Errorf("%q ran after no. %d of its group", r.note, at)
		}
		at = place
	}
}

func groupRunsInOrder(t *T) {
	b := t.bench(t.fails3())
	if b.withoutOrder() {
		return
	}
	ids := b.groups(4)
	w := b.work(func(ctx context.Context, _ *runtime.Task[Work]) error { return b.pause(ctx, t.hold/4) })
	b.awaitDone(t.hold, slices.Concat(ids[0], ids[1])...)
	w.drain()
	for _, group := range ids {
		b.inOrder(group)
		for _, id := range group {
			b.ran("a task of a group", id, 1)
		}
	}
	if a, c := b.turnsOf(ids[0][0])[0], b.turnsOf(ids[1][0])[0]; c.began.After(a.ended) || a.began.After(c.ended) {
		t.Errorf("the groups did not run beside each other")
	}
	t.audit(b.q, tally{Processed: 8})
}

// headFails has the head of a group fail twice, and checks that the group waits
// for it and the other does not.
func (b *bench) headFails(fails func(n int) error, delays [2]time.Duration, attempts ...int) {
	t := b.T
	ids := b.groups(3)
	head := ids[0][0]
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if n := len(b.turnsOf(head)); task.ID == head && n < 3 {
			return fails(n)
		}
		return nil
	})
	b.awaitDone(0, ids[1]...)
	b.awaitDone(delays[0]+delays[1], ids[0]...)
	w.drain()
	b.inOrder(ids[0])
	turns := b.turnsOf(head)
	b.ran("the head", head, 3)
	for i, r := range turns {
		if i > 0 {
			d := delays[i-1]
			t.within("the head ran again", r.began.Sub(turns[i-1].ended), d, d+time.Millisecond)
		}
		if i < len(attempts) && r.attempt != attempts[i] {
			t.Errorf("run %d of the head is attempt %d; want %d", i+1, r.attempt, attempts[i])
		}
	}
	for _, id := range slices.Concat(ids[0][1:], ids[1]) {
		b.ran("a follower", id, 1)
	}
	b.audit(b.q, tally{Processed: 6})
}

func groupWaitsForHead(t *T) {
	delays := [2]time.Duration{t.hold / 2, 3 * t.hold / 2}
	p := t.fails3()
	p.Backoff = func(n int) time.Duration { return delays[min(n, len(delays))-1] }
	b := t.bench(p)
	if b.withoutOrder() {
		return
	}
	b.headFails(func(int) error { return errTest }, delays, 1, 2, 3)
}

func groupWaitsWithoutDelay(t *T) {
	delays := [2]time.Duration{t.hold / 2, 3 * t.hold / 2}
	p := t.fails3()
	p.Backoff = func(n int) time.Duration { return delays[min(n, len(delays))-1] }
	b := t.benchOn(p, narrowed(func(c *driver.Capabilities) {
		c.ReleaseDelay, c.MaxReleaseDelay = driver.Support{Note: "narrowed"}, 0
	}))
	if b.withoutOrder() {
		return
	}
	if b.engine.CannotKeep {
		t.absent("the engine keeps no lease without a handler; its brokers put off what they have delivered")
	}
	b.headFails(func(int) error { return errTest }, delays, 1, 2, 3)
}

func groupSnooze(t *T) {
	b := t.bench(t.fails3())
	if b.withoutOrder() {
		return
	}
	delays := [2]time.Duration{t.hold / 2, 3 * t.hold / 2}
	b.headFails(func(n int) error { return runtime.Snooze(delays[n-1]) }, delays, 1, 1, 1)
}

func groupAfterBury(t *T) {
	b := t.bench(t.fails3())
	if b.withoutOrder() {
		return
	}
	ids := b.groups(3)
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		switch task.ID {
		case ids[0][0]:
			return errTest
		case ids[0][1]:
			return runtime.Permanent(errTest)
		}
		return nil
	})
	b.awaitDone(0, ids[1]...)
	b.awaitDone(t.hold, ids[0][2])
	dead := b.awaitDead(2, 0)
	w.drain()
	b.inOrder(ids[0])
	b.died(dead, ids[0][0], driver.ReasonExhausted)
	b.died(dead, ids[0][1], driver.ReasonPermanent)
	b.ran("the head", ids[0][0], 3)
	b.ran("the next", ids[0][1], 1)
	t.audit(b.q, tally{Processed: 4, Dead: 2})
}

func groupAfterKill(t *T) {
	b := t.bench(t.fails3())
	if b.withoutOrder() {
		return
	}
	ids := b.groups(3)
	first := b.work(func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.ID == ids[0][1] {
			return b.pause(ctx, 5*t.hold)
		}
		return nil
	})
	b.awaitTurns(ids[0][1], 1, 0)
	second := b.work(func(context.Context, *runtime.Task[Work]) error { return nil })
	time.Sleep(t.hold / 2)
	first.kill()
	b.awaitDone(t.hold, slices.Concat(ids[0], ids[1])...)
	second.drain()
	b.inOrder(ids[0])
	b.ran("the task whose worker was killed", ids[0][1], 2)
	b.ran("its follower", ids[0][2], 1)
	t.audit(b.q, tally{Processed: 6})
}

func groupAfterLoss(t *T) {
	b := t.bench(t.fails3())
	if b.withoutOrder() {
		return
	}
	ids := b.groups(3)
	head := ids[0][0]
	w := b.work(func(ctx context.Context, task *runtime.Task[Work]) error {
		if task.ID == head && len(b.turnsOf(head)) == 1 {
			return b.pause(ctx, 5*t.hold)
		}
		return nil
	})
	w.fq.Add(faultqueue.Rule{Op: faultqueue.Extend, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
		faultqueue.On(func(i int) bool { return TaskOf(c.Leases[i].Message().Body) == head }, faultqueue.FailBefore(errGone))(ctx, c, next)
	}})
	b.awaitDone(0, ids[1]...)
	b.awaitDone(2*t.hold, ids[0]...)
	w.drain()
	b.inOrder(ids[0])
	b.ran("the head", head, 2)
	if r := b.turnsOf(head)[0]; !errors.Is(r.cause, runtime.ErrLeaseLost) {
		t.Errorf("its context ended with %v; want ErrLeaseLost", r.cause)
	}
	for _, id := range ids[0][1:] {
		b.ran("a follower", id, 1)
	}
	t.audit(b.q, tally{Processed: 6})
}

func groupAfterDrain(t *T) {
	b := t.bench(t.fails3())
	if b.withoutOrder() {
		return
	}
	ids := b.groups(3)
	h := func(ctx context.Context, _ *runtime.Task[Work]) error { return b.pause(ctx, t.hold/4) }
	first := b.work(h)
	for _, group := range ids {
		b.awaitTurns(group[0], 1, 0)
	}
	first.drain()
	if n := len(b.turnsOf("")); n != 2 {
		t.Errorf("%d tasks were begun; want the two heads", n)
	}
	second := b.work(h)
	b.awaitDone(3*t.hold/4, slices.Concat(ids[0], ids[1])...)
	second.drain()
	for _, group := range ids {
		b.inOrder(group)
		for _, id := range group {
			b.ran("a task of a group", id, 1)
		}
	}
	t.audit(b.q, tally{Processed: 6})
}

func groupDelayRefused(t *T) {
	b := t.bench(t.fails3())
	if b.withoutOrder() {
		return
	}
	if !t.caps.SendDelay.Supported() {
		b.refusesTask("a delay with a group", driver.Unsupported, runtime.Group("a"), runtime.Delay(t.hold))
	} else if t.caps.MaxSendDelay < 23*time.Hour {
		b.refusesTask("a delay with a group", driver.InvalidArgument, runtime.Group("a"), runtime.Delay(t.caps.MaxSendDelay+time.Second))
	}
	id := b.enqueue("at once", runtime.Group("a"), runtime.RunAt(time.Now().Add(-time.Hour)))
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil })
	b.awaitDone(0, id)
	w.drain()
	t.audit(b.q, tally{Processed: 1})
}
