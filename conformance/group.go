package conformance

import (
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var groupChecks = []Check{
	{Name: "group-order", Doc: "Messages of a group come one at a time, in the order in which they were sent; or the key is refused as Unsupported.", run: groupOrder},
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

// head leases the only message that a group lets out, which must be want.
func (t *T) head(q driver.Queue, want driver.Message) driver.Lease {
	got := t.receive(q, driver.ReceiveOptions{Max: min(10, t.caps.MaxReceiveBatch), Wait: t.grace})
	if len(got) != 1 {
		t.Fatalf("%d messages came; want the head of the group alone", len(got))
	}
	if got, want := idOf(got[0].Message().Body), idOf(want.Body); got != want {
		t.Fatalf("message %s came; want %s, the head of the group", got, want)
	}
	return got[0]
}

func groupOrder(t *T) {
	q := t.open()
	if t.withoutGroups(q) {
		return
	}
	batch := t.group("a", 5)
	t.send(q, batch[:3]...)
	t.send(q, batch[3:]...)
	for _, m := range batch {
		l := t.head(q, m)
		for range 3 { // for longer than one hold
			t.hidden("the followers of a leased head", q, t.hold/2)
			t.extended(q, l, 0)
		}
		t.ack(q, l)
	}
	t.audit(q, tally{Processed: len(batch)})
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
	heads := t.leases(q, 5) // three heads and two messages without a group
	t.hidden("followers", q, t.grace)
	seen := make(map[string]bool)
	for _, l := range heads {
		key := l.Message().GroupKey
		if key != "" && seen[key] {
			t.Errorf("two messages of group %q at once", key)
		}
		seen[key] = true
	}
	t.ackAll(q, heads)
	t.ackAll(q, t.leases(q, 3))
	t.audit(q, tally{Processed: len(batch)})
}

func groupOrderAfterRelease(t *T) {
	q := t.open()
	if t.withoutGroups(q) {
		return
	}
	batch := t.group("a", 3)
	t.send(q, batch...)
	t.release(q, t.head(q, batch[0]), 0)
	l := t.head(q, batch[0])
	if t.caps.ReleaseDelay.Supported() {
		start := time.Now()
		t.release(q, l, t.hold/2)
		t.hiddenUntil("the followers of a head released with a delay", q, start.Add(t.hold/2))
		time.Sleep(time.Until(start.Add(t.hold/2 + t.b.Margin)))
		l = t.head(q, batch[0])
	}
	t.ack(q, l)
	for _, m := range batch[1:] {
		t.ack(q, t.head(q, m))
	}
	t.audit(q, tally{Processed: len(batch)})
}

func groupOrderAfterLapse(t *T) {
	q := t.open()
	if t.withoutGroups(q) {
		return
	}
	batch := t.group("a", 3)
	t.send(q, batch...)
	for _, m := range batch {
		l := t.head(q, m)
		t.hiddenUntil("the followers of a leased head", q, l.Expires())
		time.Sleep(time.Until(l.Received().Add(t.hold + t.b.Margin)))
		t.ack(q, t.head(q, m))
	}
	t.audit(q, tally{Processed: len(batch)})
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
