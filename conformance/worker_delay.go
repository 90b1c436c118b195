package conformance

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

var workDelayChecks = []Check{
	{Name: "delay-enqueued", Doc: "A task that is delayed, or due at a time, runs then and not before, as its first attempt; or the delay is refused as Unsupported.", run: delayEnqueued},
	{Name: "delay-refusals", Doc: "A delay that is negative, over MaxDelay or not below the time to live is InvalidArgument, and nothing is sent.", run: delayRefusals},
	{Name: "delay-hops", Doc: "A delay beyond the broker's travels in hops, of which none is an attempt, and none runs early.", run: delayHops},
	{Name: "delay-hops-by-release", Doc: "Where a send cannot be delayed a long delay is a chain of releases, and outlasts the broker's attempt limit.", run: delayHopsByRelease},
	{Name: "delay-backoff", Doc: "A backoff beyond the broker's release delay travels as one copy, which keeps attempts and first error for whatever worker is next.", run: delayBackoff},
	{Name: "delay-own-hold", Doc: "A copy goes out also where the queue is given a hold of its own, much longer than the broker's; or such a hold is refused at start.", run: delayOwnHold},
	{Name: "delay-snooze", Doc: "A snoozed task comes back after its delay, never early, and its attempts do not count.", run: delaySnooze},
	{Name: "delay-snooze-most", Doc: "A task that was snoozed 1,000 times is buried when it is snoozed again.", run: delaySnoozeMost},
}

// due is the least time after which a task that was delayed may run: the runtime
// allows 2 s for clocks that differ, of which a broker that is late at each hop
// makes use; in a bubble there is nothing to allow for.
func (t *T) due(delay time.Duration) time.Duration {
	if t.b.Virtual {
		return delay
	}
	return max(0, delay-2*time.Second)
}

// punctual asserts that a task ran once, as its first attempt, when it was due.
func (b *bench) punctual(what string, id runtime.TaskID, from time.Time, delay time.Duration) {
	b.ran(what, id, 1)
	r := b.turnsOf(id)[0]
	// The due time of a copy is kept to the millisecond, and rounded up.
	b.within(what+" began", r.began.Sub(from), b.due(delay), driver.RoundUp(&b.caps, delay)+time.Millisecond)
	if r.attempt != 1 {
		b.Errorf("%s is attempt %d; want 1", what, r.attempt)
	}
}

func delayEnqueued(t *T) {
	b := t.bench(t.fails3())
	if !t.canDelay() {
		b.refusesTask("a delay", driver.Unsupported, runtime.Delay(t.hold))
		t.audit(b.q, tally{})
		t.refused()
		return
	}
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil })
	start := time.Now()
	delayed := b.enqueue("delayed", runtime.Delay(2*t.hold))
	due := b.enqueue("due", runtime.RunAt(start.Add(t.hold)))
	past := b.enqueue("past", runtime.RunAt(start.Add(-time.Hour)))
	b.awaitDone(2*t.hold, past, due, delayed)
	w.drain()
	b.punctual("a task that was due before", past, start, 0)
	b.punctual("a task that is due at a time", due, start, t.hold)
	b.punctual("a delayed task", delayed, start, 2*t.hold)
	t.audit(b.q, tally{Processed: 3})
}

func delayRefusals(t *T) {
	b := t.bench(t.fails3())
	b.refusesTask("a negative delay", driver.InvalidArgument, runtime.Delay(-1))
	b.refusesTask("a delay over a day", driver.InvalidArgument, runtime.Delay(24*time.Hour+time.Second))
	b.refusesTask("a time over a day ahead", driver.InvalidArgument, runtime.RunAt(time.Now().Add(24*time.Hour+time.Minute)))
	if t.canDelay() {
		b.refusesTask("a time to live below the delay", driver.InvalidArgument, runtime.Delay(t.hold), runtime.TTL(t.hold))
	}
	c := b.newClient(&runtime.ClientOptions{MaxDelay: t.hold})
	ctx, cancel := t.ctx(0)
	defer cancel()
	_, err := runtime.Enqueue(ctx, c, Work{"over"}, runtime.Delay(t.hold+time.Second))
	t.code("a delay over the client's own limit", err, driver.InvalidArgument)
	t.audit(b.q, tally{})
}

// hopping is a view in which a delay of more than a hold takes copies or releases.
func (t *T) hopping() func(driver.Queue) driver.Queue {
	return narrowed(func(c *driver.Capabilities) {
		if c.SendDelay.Supported() {
			c.MaxSendDelay = driver.RoundUp(c, t.hold)
		} else {
			c.MaxReleaseDelay = driver.RoundUp(c, t.hold)
		}
	})
}

func delayHops(t *T) {
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	b := t.benchOn(t.fails3(), t.hopping())
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil })
	start := time.Now()
	long, short := b.enqueue("long", runtime.Delay(13*t.hold/2)), b.enqueue("short", runtime.Delay(t.hold/2))
	b.awaitDone(7*t.hold, short, long)
	w.drain()
	b.punctual("a task with a long delay", long, start, 13*t.hold/2)
	b.punctual("a task with a short delay", short, start, t.hold/2)
	if n := len(b.deedsOf(faultqueue.Send, long)) + b.verdicts(long)[driver.Release]; n < 2 || n > 8 {
		t.Errorf("%d copies and releases; want about one a hold", n)
	}
	t.audit(b.q, tally{Processed: 2})
}

func delayHopsByRelease(t *T) {
	if !t.caps.ReleaseDelay.Supported() {
		t.absent("the broker cannot put off a message that it has delivered")
	}
	b := t.benchOn(t.fails3(), narrowed(func(c *driver.Capabilities) {
		c.SendDelay, c.MaxSendDelay = driver.Support{Note: "narrowed"}, 0
		c.MaxReleaseDelay = driver.RoundUp(c, t.hold/10)
	}))
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Args.Note == "fails" && task.Attempt < 3 {
			return errTest
		}
		return nil
	})
	delay := 12 * t.hold // more releases than a broker gives attempts
	start := time.Now()
	long, fails := b.enqueue("long", runtime.Delay(delay)), b.enqueue("fails", runtime.Delay(t.hold))
	b.awaitDone(delay, fails, long)
	w.drain()
	b.punctual("a task with a long delay", long, start, delay)
	for i, r := range b.turnsOf(fails) {
		if r.attempt != i+1 {
			t.Errorf("run %d is attempt %d", i+1, r.attempt)
		}
	}
	b.ran("a delayed task that fails twice", fails, 3)
	t.audit(b.q, tally{Processed: 2})
}

func delayBackoff(t *T) {
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	b := t.benchOn(t.later(), t.copying())
	h := func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Args.Note == "good" && task.Attempt == 3 {
			return nil
		}
		return fmt.Errorf("failure no. %d", task.Attempt)
	}
	good, bad := b.enqueue("good"), b.enqueue("bad")
	for n := 1; n <= 3; n++ { // each attempt by another worker
		w := b.work(h)
		for _, id := range []runtime.TaskID{good, bad} {
			b.awaitTurns(id, n, 2*t.hold)
		}
		time.Sleep(t.hold / 2)
		w.drain()
	}
	for _, id := range []runtime.TaskID{good, bad} {
		turns := b.turnsOf(id)
		for i, r := range turns {
			if r.attempt != i+1 {
				t.Errorf("run %d is attempt %d", i+1, r.attempt)
			}
			if i > 0 {
				t.within("the next attempt began", r.began.Sub(turns[i-1].ended), t.due(2*t.hold), 2*t.hold+time.Millisecond)
			}
		}
		b.ran("the task", id, 3)
		if t.caps.SendDelay.Supported() {
			if n := len(b.deedsOf(faultqueue.Send, id)); n != 2 {
				t.Errorf("%d copies were sent; want one a retry", n)
			}
		}
	}
	death := b.died(b.awaitDead(1, 0), bad, driver.ReasonExhausted)
	for _, n := range []string{"failure no. 1", "failure no. 3"} {
		if !strings.Contains(death.Detail, n) {
			t.Errorf("detail %q; want %q in it", death.Detail, n)
		}
	}
	t.audit(b.q, tally{Processed: 1, Dead: 1})
}

func delayOwnHold(t *T) {
	b := t.benchOn(t.fails3(), t.hopping())
	b.needsExtend()
	longer := func(j *Job) { j.Hold = 3 * t.hold }
	if t.caps.FixedHold {
		b.refusesJob("a hold that the broker cannot give", driver.InvalidArgument, longer)
		t.audit(b.q, tally{})
		t.refused()
		return
	}
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if len(b.turnsOf(task.ID)) == 1 {
			return runtime.Snooze(t.hold / 2)
		}
		return nil
	}, longer)
	delay := 3 * t.hold / 2
	start := time.Now()
	id := b.enqueue("a", runtime.Delay(delay))
	b.awaitDone(2*t.hold, id)
	w.drain()
	b.ran("a task that is snoozed once", id, 2)
	turns := b.turnsOf(id)
	t.within("a delayed task began", turns[0].began.Sub(start), t.due(delay), driver.RoundUp(&b.caps, delay)+time.Millisecond)
	t.within("a snoozed task began again", turns[1].began.Sub(turns[0].ended), t.due(t.hold/2), t.hold/2+time.Millisecond)
	for i, r := range turns {
		if r.attempt != 1 {
			t.Errorf("run %d is attempt %d; want 1", i+1, r.attempt)
		}
	}
	t.audit(b.q, tally{Processed: 1})
}

func delaySnooze(t *T) {
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	b := t.bench(t.fails3())
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		switch len(b.turnsOf(task.ID)) {
		case 2, 5:
			return errTest
		case 7:
			return nil
		}
		return runtime.Snooze(3 * t.hold / 2)
	})
	id := b.enqueue("a")
	b.awaitDone(10*t.hold, id)
	w.drain()
	turns := b.turnsOf(id)
	if len(turns) != 7 {
		t.Fatalf("the task ran %d times; want 7", len(turns))
	}
	for i, want := range []int{1, 1, 2, 2, 2, 3, 3} {
		if turns[i].attempt != want {
			t.Errorf("run %d is attempt %d; want %d", i+1, turns[i].attempt, want)
		}
		if i > 0 {
			delay := 3 * t.hold / 2
			if i == 2 || i == 5 {
				delay = t.hold / 2
			}
			t.within(fmt.Sprintf("run %d began", i+1), turns[i].began.Sub(turns[i-1].ended), t.due(delay), delay+time.Millisecond)
		}
	}
	t.audit(b.q, tally{Processed: 1})
}

func delaySnoozeMost(t *T) {
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	b := t.bench(t.fails3())
	id := b.enqueue("a")
	b.rewrite(func(m *driver.Message) { m.Carry.Snoozes = 998 }, id)
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return runtime.Snooze(t.hold / 10) })
	b.died(b.awaitDead(1, t.hold), id, driver.ReasonSnoozed)
	w.drain()
	b.ran("the task", id, 3)
	t.audit(b.q, tally{Dead: 1})
}
