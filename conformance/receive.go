package conformance

import (
	"context"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var receiveChecks = []Check{
	{Name: "receive-waits", Doc: "Receive on an empty queue answers (nil, nil) only after its wait, and no later.", run: receiveWaits},
	{Name: "receive-without-wait", Doc: "Receive with a wait of 0 answers at once, with what is there.", run: receiveWithoutWait},
	{Name: "receive-wakes", Doc: "A receiver that waits gets a message at once when it is sent, released, buried, redriven or moved.", run: receiveWakes},
	{Name: "receive-wakes-when-due", Doc: "A receiver that waits gets a message as soon as its lease ends, also one that was made shorter meanwhile, or its delay.", run: receiveWakesWhenDue},
	{Name: "receive-holds-up-nobody", Doc: "While a receiver waits every other call answers at once.", run: receiveHoldsUpNobody},
	{Name: "receive-first", Doc: "Receive does not wait for more once it has one.", run: receiveFirst},
	{Name: "receive-max", Doc: "Receive leases at most Max messages, and all of them in the end.", run: receiveMax},
	{Name: "receive-refusals", Doc: "A Max outside 1 to MaxReceiveBatch and a negative wait are InvalidArgument.", run: receiveRefusals},
	{Name: "receive-honours-context", Doc: "Receive ends with its context, with code Canceled or DeadlineExceeded.", run: receiveHonoursContext},
	{Name: "receive-ending-loses-nothing", Doc: "A message that comes as a Receive is cancelled or ends is not lost: it stays free where CancelSafe, else it comes when the hold runs out.", run: receiveEndingLosesNothing},
}

// sources are a queue and its dead letter.
func sources(q driver.Queue) map[string]driver.Source {
	return map[string]driver.Source{"queue": q, "dead letter": q.DeadLetter()}
}

func receiveWaits(t *T) {
	q := t.open()
	for name, s := range sources(q) {
		wait := t.hold / 4
		start := time.Now()
		if got := t.receive(s, driver.ReceiveOptions{Max: 1, Wait: wait}); len(got) != 0 {
			t.Fatalf("%s: a message came, and none was sent", name)
		}
		t.within(name+": (nil, nil)", time.Since(start), wait, wait)
	}
}

func receiveWithoutWait(t *T) {
	q := t.open()
	for name, s := range sources(q) {
		start := time.Now()
		t.receive(s, driver.ReceiveOptions{Max: 1})
		t.within(name+": an empty answer", time.Since(start), 0, 0)
	}
	t.send(q, t.message())
	t.atOnce("sent", q)
	time.Sleep(t.hold + t.b.Margin)
	t.bury(q, t.atOnce("lapsed", q))
	t.atOnce("dead", q.DeadLetter())
	time.Sleep(t.hold + t.b.Margin)
	t.ack(q.DeadLetter(), t.atOnce("dead and lapsed", q.DeadLetter()))
	t.audit(q, tally{Processed: 1})
}

// atOnce leases the message that is there by receives that do not wait.
func (t *T) atOnce(what string, s driver.Source) driver.Lease {
	for range 20 { // a broker may look at a part of itself at a time
		start := time.Now()
		got := t.receive(s, driver.ReceiveOptions{Max: 1})
		t.within("an answer", time.Since(start), 0, 0)
		if len(got) > 0 {
			return got[0]
		}
		time.Sleep(t.grace / 20)
	}
	t.Fatalf("a receive that does not wait does not see what is %s", what)
	return nil
}

// woken starts a receiver that waits, does f, and asserts that the receiver gets
// a message at once.
func (t *T) woken(what string, s driver.Source, f func()) driver.Lease {
	return t.wokenAfter(what, s, 0, f)
}

// wokenAfter is like woken for a message that comes a time after f.
func (t *T) wokenAfter(what string, s driver.Source, d time.Duration, f func()) driver.Lease {
	type answer struct {
		lease driver.Lease
		at    time.Time
	}
	got := make(chan answer, 1)
	t.run(func() {
		defer close(got)
		if l := t.receive(s, driver.ReceiveOptions{Max: 1, Wait: d + t.hold/2}); len(l) > 0 {
			got <- answer{l[0], time.Now()}
		}
	})
	time.Sleep(t.hold / 10) // until it waits
	start := time.Now()
	f()
	a, ok := <-got
	if !ok {
		t.Fatalf("%s did not wake a receiver within %v", what, time.Since(start))
	}
	t.within(what+" woke a receiver", a.at.Sub(start), d, d)
	return a.lease
}

func receiveWakes(t *T) {
	q := t.open()
	d := q.DeadLetter()
	l := t.woken("send", q, func() { t.send(q, t.message()) })
	l = t.woken("release", q, func() { t.release(q, l, 0) })
	l = t.woken("bury", d, func() { t.bury(q, l) })
	l = t.woken("release of a dead letter", d, func() { t.release(d, l, 0) })
	l = t.woken("redrive", q, func() { t.redrive(d, l) })
	if t.b.MovesAll {
		t.bury(q, l)
		l = t.woken("move all", q, func() {
			ctx, cancel := t.ctx(0)
			defer cancel()
			if _, err := d.MoveAll(ctx, driver.MoveOptions{}); err != nil {
				t.Errorf("move all: %v", err)
			}
		})
	}
	t.ack(q, l)
	t.audit(q, tally{Processed: 1})
}

func receiveWakesWhenDue(t *T) {
	q := t.open()
	t.send(q, t.message())
	l := t.lease(q)
	l = t.wokenAfter("the end of an extended lease", q, t.hold, func() { t.extended(q, l, 0) })
	short := driver.RoundUp(&t.caps, max(t.hold/4, t.caps.MinHold))
	if !t.caps.FixedHold {
		l = t.wokenAfter("the end of a shortened lease", q, short, func() { t.extended(q, l, short) })
	}
	if t.caps.ReleaseDelay.Supported() {
		l = t.wokenAfter("the end of a release delay", q, short, func() { t.release(q, l, short) })
	}
	t.ack(q, l)
	processed := 1
	if t.caps.SendDelay.Supported() {
		m := t.message()
		m.Delay = min(short, t.caps.MaxSendDelay)
		t.ack(q, t.wokenAfter("the end of a send delay", q, m.Delay, func() { t.send(q, m) }))
		processed++
	}
	t.audit(q, tally{Processed: processed})
}

func receiveHoldsUpNobody(t *T) {
	q := t.open()
	d := q.DeadLetter()
	t.send(q, t.messages(2)...)
	ls := t.leases(q, 2)
	var waiting sync.WaitGroup
	for _, s := range sources(q) {
		waiting.Add(1)
		t.run(func() {
			defer waiting.Done()
			if got := t.receive(s, driver.ReceiveOptions{Max: 1, Wait: t.hold / 2}); len(got) > 0 {
				t.Errorf("a message came, and none was free")
			}
		})
	}
	time.Sleep(t.hold / 10) // until they wait
	for _, call := range []struct {
		what string
		f    func()
	}{
		{"receive", func() { t.receive(q, driver.ReceiveOptions{Max: 1}) }},
		{"receive from the dead letter", func() { t.receive(d, driver.ReceiveOptions{Max: 1}) }},
		{"extend", func() { t.extended(q, ls[0], 0) }},
		{"ack", func() { t.ack(q, ls[0]) }},
		{"policy", func() {
			ctx, cancel := t.ctx(0)
			defer cancel()
			_, _ = q.Policy(ctx)
		}},
		{"stats", func() {
			ctx, cancel := t.ctx(0)
			defer cancel()
			_, _ = q.Stats(ctx)
		}},
	} {
		start := time.Now()
		call.f()
		t.within("beside a receiver that waits "+call.what+" answered", time.Since(start), 0, 0)
	}
	waiting.Wait()
	t.ack(q, ls[1])
	t.audit(q, tally{Processed: 2})
}

func receiveFirst(t *T) {
	q := t.open()
	t.send(q, t.message())
	start := time.Now()
	got := t.receive(q, driver.ReceiveOptions{Max: t.caps.MaxReceiveBatch, Wait: t.hold / 2})
	if len(got) != 1 {
		t.Fatalf("%d messages; want 1", len(got))
	}
	t.within("the first message", time.Since(start), 0, 0)
	t.ack(q, got...)
	t.audit(q, tally{Processed: 1})
}

func receiveMax(t *T) {
	q := t.open()
	const n = 5
	most := min(2, t.caps.MaxReceiveBatch)
	t.send(q, t.messages(n)...)
	calls := 0
	for left := n; left > 0; calls++ {
		got := t.receive(q, driver.ReceiveOptions{Max: most, Wait: t.grace}) // asserts the most
		if len(got) == 0 {
			t.Fatalf("%d of %d messages did not come", left, n)
		}
		t.ack(q, got...)
		left -= len(got)
	}
	t.audit(q, tally{Processed: n})
}

func receiveRefusals(t *T) {
	q := t.open()
	t.sendDead(q, t.message())
	t.send(q, t.message())
	for name, s := range sources(q) {
		for _, o := range []driver.ReceiveOptions{{Max: 0}, {Max: -1}, {Max: t.caps.MaxReceiveBatch + 1}, {Max: 1, Wait: -1}} {
			ctx, cancel := t.ctx(0)
			got, err := s.Receive(ctx, o)
			cancel()
			t.code(name+": receive", err, driver.InvalidArgument)
			if len(got) > 0 {
				t.Errorf("%s: a refused receive leased %d messages", name, len(got))
			}
		}
		t.ackAll(s, t.leases(s, 1)) // nothing stayed leased
	}
	t.audit(q, tally{Processed: 2})
}

func receiveHonoursContext(t *T) {
	q := t.open()
	for name, s := range sources(q) {
		ctx, cancel := context.WithCancel(context.Background())
		start := time.Now()
		t.run(func() {
			time.Sleep(t.hold / 10)
			cancel()
		})
		_, err := s.Receive(ctx, driver.ReceiveOptions{Max: 1, Wait: t.hold})
		t.code(name+": a cancelled receive", err, driver.Canceled)
		t.within(name+": a cancelled receive ended", time.Since(start), t.hold/10, t.hold/10)

		ctx, cancel = context.WithTimeout(context.Background(), t.hold/10)
		start = time.Now()
		_, err = s.Receive(ctx, driver.ReceiveOptions{Max: 1, Wait: t.hold})
		cancel()
		t.code(name+": a receive past its deadline", err, driver.DeadlineExceeded)
		t.within(name+": a receive past its deadline ended", time.Since(start), t.hold/10, t.hold/10)
	}
}

func receiveEndingLosesNothing(t *T) {
	q := t.open()
	within := t.grace
	if !t.caps.CancelSafe {
		within = t.hold + t.b.Margin + t.grace
	}
	rounds := 8
	if t.b.Virtual {
		rounds = 80 // it takes no time, and which comes first is chance
	}
	for n := range rounds {
		got := t.receiveAndSend(q, n%4)
		if len(got) == 0 {
			got = t.poll(q, 1, within)
		}
		if len(got) == 0 {
			t.Fatalf("a message that came as a receive ended did not come again within %v", within)
		}
		t.ack(q, got...)
	}
	t.audit(q, tally{Processed: rounds})
}

// receiveAndSend sends a message as a receive ends, in one of four ways, and
// returns what the receive has leased.
func (t *T) receiveAndSend(q driver.Queue, way int) []driver.Lease {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	wait, before := t.hold, t.hold/50
	if way == 0 {
		wait = before // it ends by itself in the moment of the send
	}
	var got []driver.Lease
	var both sync.WaitGroup
	both.Go(func() { got, _ = q.Receive(ctx, driver.ReceiveOptions{Max: 1, Wait: wait}) })
	time.Sleep(before)
	switch way {
	case 1:
		both.Go(cancel) // in the same moment
	case 2:
		cancel() // a moment before
	case 3:
		cancel()
		time.Sleep(time.Microsecond)
	}
	t.send(q, t.message())
	both.Wait()
	return got
}
