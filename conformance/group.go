package conformance

import (
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// A broker that orders gives the messages of a group one at a time, or several at
// once in one receive, as Amazon SQS does. The checks take both: while any of a
// group is leased nothing else of it comes, and what came together is given back
// by its receiver, the head first. Where a release of the head takes back what was
// leased behind it, as on Google Pub/Sub, all of the group comes again, in order.
var groupChecks = []Check{
	{Name: "group-order", Doc: "Messages of a group come in the order in which they were sent, and while any is leased no others come; or the key is refused as Unsupported.", run: groupOrder},
	{Name: "group-others-proceed", Doc: "A group that waits for its head holds up neither other groups nor messages without one.", run: groupOthersProceed},
	{Name: "group-order-after-release", Doc: "A released head comes again before its followers, which wait out its delay.", run: groupOrderAfterRelease},
	{Name: "group-order-after-lapse", Doc: "A head whose lease lapsed comes again before its followers.", run: groupOrderAfterLapse},
	{Name: "group-goes-on-after-bury", Doc: "A group goes on in order once its head is buried, by a worker or by the broker's limit.", run: groupGoesOnAfterBury},
	{Name: "group-wakes", Doc: "A receiver that waits gets the next of a group as soon as its head is settled.", run: groupWakes},
}

// group is n messages of one group.
func (t *T) group(key string, n int) []driver.Message {
	batch := t.messages(n)
	for i := range batch {
		batch[i].GroupKey = key
	}
	return batch
}

// withoutGroups checks the refusal where group keys are not supported.
func (t *T) withoutGroups(q driver.Queue) bool {
	if t.caps.Ordered {
		return false
	}
	t.rejects("a group key", q, t.group("a", 1)[0], driver.Unsupported)
	t.audit(q, tally{})
	t.refused()
	return true
}

// head leases one message of a group, which must be want.
func (t *T) head(q driver.Queue, want driver.Message) driver.Lease {
	return t.front(q, []driver.Message{want})[0]
}

// front leases what a group lets out at once: the first of want, and as many of
// those behind it as the broker likes.
func (t *T) front(q driver.Queue, want []driver.Message) []driver.Lease {
	got := t.receive(q, driver.ReceiveOptions{Max: min(len(want), t.caps.MaxReceiveBatch), Wait: t.grace})
	if len(got) == 0 {
		t.Fatalf("no message came; want %s, the head of the group", idOf(want[0].Body))
	}
	for i, l := range got {
		if got, want := idOf(l.Message().Body), idOf(want[i].Body); got != want {
			t.Fatalf("message %s came; want %s, no. %d of the group", got, want, i)
		}
	}
	return got
}

func groupOrder(t *T) {
	q := t.open()
	if t.withoutGroups(q) {
		return
	}
	rest := t.group("a", 5)
	t.send(q, rest[:3]...)
	t.send(q, rest[3:]...)
	all := len(rest)
	for len(rest) > 0 {
		got := t.front(q, rest[:min(2, len(rest))])
		for range 3 { // for longer than one hold
			t.hidden("the others of a group of which some are leased", q, t.hold/2)
			for _, l := range got {
				t.extended(q, l, 0)
			}
		}
		for len(got) > 1 {
			t.ack(q, got[0])
			got, rest = got[1:], rest[1:]
			t.hidden("the others of a group of which some are still leased", q, t.grace)
		}
		t.ack(q, got[0])
		rest = rest[1:]
	}
	t.audit(q, tally{Processed: all})
}

func groupOthersProceed(t *T) {
	q := t.open()
	if t.withoutGroups(q) {
		return
	}
	var batch []driver.Message
	for g := range 3 {
		batch = append(batch, t.group(fmt.Sprintf("group-%d", g), 2)...)
	}
	batch = append(batch, t.messages(2)...)
	t.send(q, batch...)
	var first []driver.Lease
	came := make(map[string]int) // by group, the receive it came with
	free := 0
	for call := 1; len(first) < len(batch); call++ {
		got := t.receive(q, driver.ReceiveOptions{Max: min(10, t.caps.MaxReceiveBatch), Wait: t.grace})
		if len(got) == 0 {
			break
		}
		for _, l := range got {
			key := l.Message().GroupKey
			switch {
			case key == "":
				free++
			case came[key] == 0:
				came[key] = call
			case came[key] != call:
				t.Errorf("another message of group %q came while one was leased", key)
			}
		}
		first = append(first, got...)
	}
	if len(came) != 3 || free != 2 {
		t.Errorf("%d groups and %d messages without one came; want 3 and 2", len(came), free)
	}
	t.ackAll(q, first)
	if n := len(batch) - len(first); n > 0 {
		t.ackAll(q, t.leases(q, n))
	}
	t.audit(q, tally{Processed: len(batch)})
}

// giveBack releases what was leased of a group at once: its head, with a delay,
// and then those behind it.
func (t *T) giveBack(q driver.Queue, leases []driver.Lease, delay time.Duration) {
	for _, l := range leases {
		t.release(q, l, delay)
		delay = 0
	}
}

func groupOrderAfterRelease(t *T) {
	q := t.open()
	if t.withoutGroups(q) {
		return
	}
	rest := t.group("a", 3)
	all := len(rest)
	t.send(q, rest...)
	got := t.front(q, rest[:2])
	t.release(q, got[0], 0)
	// What was leased with it is still out, and nothing may pass it, or all of the
	// group comes again, in order. One that was leased alone comes alone.
	again := t.receive(q, driver.ReceiveOptions{Max: min(3, t.caps.MaxReceiveBatch), Wait: t.grace})
	for i, l := range again {
		if idOf(l.Message().Body) != idOf(rest[i].Body) || i > 0 && len(got) == 1 {
			t.Errorf("message %d of %d after the release of the head is %s; want the head and what comes with it, in order",
				i+1, len(again), idOf(l.Message().Body))
		}
	}
	t.giveBack(q, append(again, got[min(len(got), max(1, len(again))):]...), 0)
	if t.caps.ReleaseDelay.Supported() {
		got := t.front(q, rest)
		start := time.Now()
		t.giveBack(q, got, t.hold/2)
		t.hiddenUntil("the followers of a head released with a delay", q, start.Add(t.hold/2))
		time.Sleep(time.Until(start.Add(t.hold/2 + t.b.Margin)))
	}
	for len(rest) > 0 {
		got := t.front(q, rest)
		t.ack(q, got...)
		rest = rest[len(got):]
	}
	t.audit(q, tally{Processed: all})
}

func groupOrderAfterLapse(t *T) {
	q := t.open()
	if t.withoutGroups(q) {
		return
	}
	rest := t.group("a", 3)
	all := len(rest)
	t.send(q, rest...)
	for len(rest) > 0 {
		got := t.front(q, rest)
		t.hiddenUntil("the others of a group of which some are leased", q, got[0].Expires())
		time.Sleep(time.Until(got[len(got)-1].Received().Add(t.hold + t.b.Margin)))
		got = t.front(q, rest)
		t.ack(q, got...)
		rest = rest[len(got):]
	}
	t.audit(q, tally{Processed: all})
}

func groupGoesOnAfterBury(t *T) {
	o := Options{}
	if t.b.Can.MaxAttempts {
		o.MaxAttempts = max(2, t.caps.MinAttempts)
	}
	q := t.openWith(o)
	if t.withoutGroups(q) {
		return
	}
	batch := t.group("a", 4)
	t.send(q, batch...)
	t.bury(q, t.head(q, batch[0]))
	dead := 1
	rest := batch[1:]
	if o.MaxAttempts > 0 {
		for range o.MaxAttempts {
			t.release(q, t.head(q, rest[0]), 0)
		}
		dead++
		rest = rest[1:]
	}
	for _, m := range rest {
		t.ack(q, t.head(q, m))
	}
	t.audit(q, tally{Processed: len(rest), Dead: dead})
}

func groupWakes(t *T) {
	q := t.open()
	if t.withoutGroups(q) {
		return
	}
	batch := t.group("a", 3)
	t.send(q, batch...)
	l := t.head(q, batch[0])
	l = t.woken("an ack of the head", q, func() { t.ack(q, l) })
	l = t.woken("a bury of the head", q, func() { t.bury(q, l) })
	t.ack(q, l)
	t.audit(q, tally{Processed: 2, Dead: 1})
}
