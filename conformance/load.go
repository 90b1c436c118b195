package conformance

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

var loadChecks = []Check{
	{Name: "load", Doc: "1,000 messages with 8 receivers: none is lost, none is leased twice at once.", run: func(t *T) { load(t, false) }},
	{Name: "load-with-lapses", Doc: "1,000 messages with 8 receivers that now and then crash: each is processed in the end, none is leased twice at once.", run: func(t *T) { load(t, true) }},
}

const (
	loadMessages  = 1000
	loadReceivers = 8
	loadSenders   = 4
	loadGroups    = 50
)

// holders knows who holds which message, and how far each group is.
type holders struct {
	mu    sync.Mutex
	until map[string]time.Time // guarded by mu; end of the lease by id
	group map[string][]held    // guarded by mu; what was leased last, by group
	order map[string]string    // guarded by mu; last id processed by group
}

// held is a message that was leased, and by which receive.
type held struct {
	id   string
	call *driver.Lease
}

func load(t *T, lapses bool) {
	q := t.open()
	h := &holders{until: make(map[string]time.Time), group: make(map[string][]held), order: make(map[string]string)}
	var left atomic.Int64
	left.Store(loadMessages)
	for s := range loadSenders {
		t.run(func() { t.loadSend(q, s) })
	}
	end := time.Now().Add(20*t.hold + loadMessages*t.b.Margin/10)
	var receivers sync.WaitGroup
	for range loadReceivers {
		receivers.Add(1)
		t.run(func() {
			defer receivers.Done()
			for left.Load() > 0 && time.Now().Before(end) {
				t.loadReceive(q, h, &left, lapses)
			}
		})
	}
	receivers.Wait()
	if n := left.Load(); n > 0 {
		t.Errorf("%d of %d messages did not come", n, loadMessages)
	}
	t.audit(q, tally{Processed: loadMessages})
}

func (t *T) loadSend(q driver.Queue, sender int) {
	const n = loadMessages / loadSenders
	for sent := 0; sent < n; {
		batch := t.messages(min(10, t.caps.MaxSendBatch, n-sent))
		for i := range batch {
			if t.caps.Ordered { // a group has one sender
				batch[i].GroupKey = fmt.Sprintf("group-%d-%d", sender, (sent+i)%(loadGroups/loadSenders))
			}
		}
		t.send(q, batch...)
		sent += len(batch)
	}
}

func (t *T) loadReceive(q driver.Queue, h *holders, left *atomic.Int64, lapses bool) {
	start := time.Now()
	ls := t.receive(q, driver.ReceiveOptions{Max: min(10, t.caps.MaxReceiveBatch), Wait: t.hold / 4})
	if len(ls) == 0 {
		time.Sleep(max(0, t.hold/50-time.Since(start))) // so that time passes on a queue that returns early
		return
	}
	for _, l := range ls {
		h.take(t, l, &ls[0])
	}
	time.Sleep(t.hold / 100) // the work
	batch := make([]driver.Settlement, 0, len(ls))
	lapsed := make(map[string]bool) // groups, of which no more is done then
	for i, l := range ls {
		key := l.Message().GroupKey
		if lapses && (lapsed[key] || l.Attempt() <= 1 && i%4 == 3 && h.mayLapse(l)) {
			lapsed[key] = key != ""
			continue
		}
		h.give(t, l)
		batch = append(batch, driver.Settlement{Lease: l, Verdict: driver.Ack})
	}
	for len(batch) > 0 {
		n := min(len(batch), t.caps.MaxSettleBatch)
		for _, err := range t.settle(q, batch[:n]...) {
			if err != nil {
				t.Errorf("ack: %v", err)
				continue
			}
			left.Add(-1)
		}
		batch = batch[n:]
	}
}

// take notes that l holds its message, which nobody else may, nor any other of its
// group but what came by the same call.
func (h *holders) take(t *T, l driver.Lease, call *driver.Lease) {
	id := idOf(l.Message().Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	if until, held := h.until[id]; held && l.Received().Before(until) {
		t.Errorf("message %s is leased twice at once", id)
	}
	h.until[id] = l.Expires()
	if key := l.Message().GroupKey; key != "" {
		for _, other := range h.group[key] {
			if other.id != id && other.call != call && l.Received().Before(h.until[other.id]) {
				t.Errorf("message %s of group %q is leased beside %s", id, key, other.id)
			}
		}
		h.group[key] = append(slices.DeleteFunc(h.group[key], func(o held) bool { return o.call != call }), held{id, call})
	}
}

// give notes that l is about to be acked. Within a group ids rise.
func (h *holders) give(t *T, l driver.Lease) {
	m := l.Message()
	id := idOf(m.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.until, id)
	if m.GroupKey == "" {
		return
	}
	if last := h.order[m.GroupKey]; id < last {
		t.Errorf("message %s of group %q came after %s", id, m.GroupKey, last)
	}
	h.order[m.GroupKey] = id
}

// mayLapse lets each message lapse once, also where attempts are not counted.
func (h *holders) mayLapse(l driver.Lease) bool {
	id := "lapsed " + idOf(l.Message().Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	_, did := h.until[id]
	h.until[id] = time.Time{}
	return !did
}
