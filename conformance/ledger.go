package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// ledger accounts for every message of a check by an id in its body:
// processed + live + dead = sent.
type ledger struct {
	mu   sync.Mutex
	next int            // guarded by mu
	in   map[string]int // guarded by mu; sends by id
	out  map[string]int // guarded by mu; acks by id
}

func (l *ledger) init() { l.in, l.out = make(map[string]int), make(map[string]int) }

// idLen is the length of an id and the semicolon that ends it.
const idLen = len("id=000001;")

// idOf is the id in a body, that of a task among them, or what stands in its
// place.
func idOf(body []byte) string {
	var task struct{ ID string }
	if bytes.HasPrefix(body, []byte("{")) && json.Unmarshal(body, &task) == nil && task.ID != "" {
		return task.ID
	}
	return strings.TrimSuffix(string(body[:min(len(body), idLen)]), ";")
}

// message makes a message with an id of its own.
func (t *T) message() driver.Message { return t.messageWith(nil) }

// messageWith makes a message with an id of its own and more in the body.
func (t *T) messageWith(payload []byte) driver.Message {
	l := &t.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return driver.Message{Body: append(fmt.Appendf(nil, "id=%06d;", l.next), payload...)}
}

func (t *T) messages(n int) []driver.Message {
	all := make([]driver.Message, n)
	for i := range all {
		all[i] = t.message()
	}
	return all
}

func (l *ledger) sent(m driver.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.in[idOf(m.Body)]++
}

// dropped takes back a send of which the broker has said that it was a
// duplicate.
func (l *ledger) dropped(m driver.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.in[idOf(m.Body)]--
}

func (l *ledger) processed(m driver.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out[idOf(m.Body)]++
}

// enqueued is a send of a task.
func (l *ledger) enqueued(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	l.in[id]++
}

// done is a success of a task's handler.
func (l *ledger) done(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out[id]++
}

// tally is where messages must have ended.
type tally struct {
	Processed, Live, Dead int
	// Copies allows a message to be there more than once, as after a crash.
	Copies bool
}

// audit balances the ledger of a queue. It waits for two holds, so that what was
// settled would have come back, and empties queue and dead letter.
func (t *T) audit(q driver.Queue, want tally) {
	live := t.drain(q, 2*t.hold+t.grace)
	dead := t.drain(q.DeadLetter(), t.grace)
	t.balance(live, dead, want)
	if t.caps.Depth.Level == driver.LevelNative {
		t.counts("emptied by the audit", q, driver.Stats{})
	}
}

// auditLive is like audit for a queue without a dead letter.
func (t *T) auditLive(q driver.Queue, want tally) {
	t.balance(t.drain(q, 2*t.hold+t.grace), nil, want)
}

func (t *T) balance(live, dead map[string]int, want tally) {
	l := &t.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	got := tally{Live: len(live), Dead: len(dead), Processed: len(l.out), Copies: want.Copies}
	if !want.Copies && got != want {
		t.Errorf("ledger: processed %d, live %d, dead %d; want %d, %d, %d",
			got.Processed, got.Live, got.Dead, want.Processed, want.Live, want.Dead)
	}
	for _, id := range slices.Sorted(maps.Keys(l.in)) {
		n, found := l.in[id], l.out[id]+live[id]+dead[id]
		switch {
		case found < n && (!want.Copies || found == 0):
			t.Errorf("ledger: message %s is lost", id)
		case found > n && !want.Copies:
			t.Errorf("ledger: message %s is there %d times: processed %d, live %d, dead %d", id, found, l.out[id], live[id], dead[id])
		}
	}
	for _, found := range []map[string]int{live, dead} {
		for _, id := range slices.Sorted(maps.Keys(found)) {
			if l.in[id] == 0 {
				t.Errorf("ledger: message %q was never taken", id)
			}
		}
	}
}

// drain takes everything from a source until nothing has come for a time.
func (t *T) drain(s driver.Source, quiet time.Duration) map[string]int {
	l := &t.ledger
	l.mu.Lock()
	most := 4*l.next + 10
	l.mu.Unlock()
	found := make(map[string]int)
	for range most { // a queue that ignores acks has no end
		leases := t.poll(s, 1, quiet)
		if len(leases) == 0 {
			return found
		}
		found[idOf(leases[0].Message().Body)]++
		ctx, cancel := t.ctx(0)
		errs := s.Settle(ctx, []driver.Settlement{{Lease: leases[0], Verdict: driver.Ack}})
		cancel()
		if len(errs) != 1 || errs[0] != nil {
			t.Errorf("ack in the audit: %v", errs)
		}
	}
	t.Errorf("ledger: messages keep coming after they were acked")
	return found
}

// full is a message that uses what the profile offers.
func (t *T) full() driver.Message {
	m := t.messageWith([]byte("payload \t\r\n \u00e9\u6f22\U0001f600"))
	m.Attributes = make(map[string]string)
	for i := range min(3, t.caps.MaxAttributes) {
		m.Attributes[fmt.Sprintf("name.%d", i)] = fmt.Sprintf("value %d", i)
	}
	if t.caps.Ordered {
		m.GroupKey = "group-1"
	}
	if t.caps.Fairness.Supported() {
		m.FairnessKey = "tenant-1"
	}
	m.Carry = driver.Carry{Attempts: 2, Hops: 3, Snoozes: 4, FirstError: "first <error> \u00e9"}
	return m
}

// same asserts that a received message is what was sent: body byte for byte,
// attributes and keys, and nothing that is for a send only.
func (t *T) same(what string, got, want driver.Message) {
	if !bytes.Equal(got.Body, want.Body) {
		t.Errorf("%s: body %q; want %q", what, clip(got.Body), clip(want.Body))
	}
	if !maps.Equal(got.Attributes, want.Attributes) {
		t.Errorf("%s: attributes %q; want %q", what, got.Attributes, want.Attributes)
	}
	if got.GroupKey != want.GroupKey {
		t.Errorf("%s: group key %q; want %q", what, got.GroupKey, want.GroupKey)
	}
	if got.FairnessKey != want.FairnessKey {
		t.Errorf("%s: fairness key %q; want %q", what, got.FairnessKey, want.FairnessKey)
	}
	if got.Delay != 0 || got.DedupKey != "" {
		t.Errorf("%s: delay %v, deduplication key %q; want neither on a received message", what, got.Delay, got.DedupKey)
	}
	if got.Defect != nil {
		t.Errorf("%s: defect %v", what, got.Defect)
	}
}

// carries asserts what a copy carries.
func (t *T) carries(what string, got, want driver.Carry) {
	if !got.NotBefore.Equal(want.NotBefore) {
		t.Errorf("%s: not before %v; want %v", what, got.NotBefore, want.NotBefore)
	}
	got.NotBefore, want.NotBefore = time.Time{}, time.Time{}
	if got != want {
		t.Errorf("%s: carry %+v; want %+v", what, got, want)
	}
}

// clip is a short part of a body.
func clip(b []byte) []byte { return b[:min(len(b), 80)] }
