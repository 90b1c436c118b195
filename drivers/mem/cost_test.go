//go:build !race

package mem_test

import (
	"context"
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
)

var costFigure = flag.Bool("cost", false, "print and check the cost of operations on a large queue")

// Operations on a queue of a million messages with a hundred thousand leases
// must cost at most three times those on a thousand with a thousand.
func TestCostDoesNotGrowWithTheQueue(t *testing.T) {
	if !*costFigure {
		t.Skip("run by make bench-mem")
	}
	const limit, rounds = 3.0, 5
	small, large := newLoad(t, 1_000, 1_000), newLoad(t, 1_000_000, 100_000)
	ratios := make(map[string][]float64)
	for range rounds {
		a, b := small.measure(t), large.measure(t)
		for verb := range a {
			ratios[verb] = append(ratios[verb], float64(b[verb])/float64(a[verb]))
			t.Logf("%-8s %6v  against %6v", verb, b[verb], a[verb])
		}
	}
	for _, verb := range []string{"send", "receive", "extend", "settle"} {
		slices.Sort(ratios[verb])
		median := ratios[verb][rounds/2]
		t.Logf("mem %-8s at 1,000,000 + 100,000: %.2f times the cost at 1,000 + 1,000 (at most %.0f)", verb, median, limit)
		if median > limit {
			t.Errorf("mem: %s costs %.2f times as much on a large queue, more than %.0f", verb, median, limit)
		}
	}
}

// load is a queue with ready messages and leases. Its size stays the same.
type load struct {
	q      *mem.Queue
	leases []driver.Lease
	next   int // of leases, to extend and settle
}

func newLoad(t *testing.T, ready, leased int) *load {
	q, err := mem.New("load", &mem.Options{Hold: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	l := &load{q: q}
	l.send(t, ready+leased)
	for len(l.leases) < leased {
		l.receive(t)
	}
	return l
}

// costBatch is how many messages a call takes: one, so that what is compared is the
// cost of a call.
const costBatch = 1

func (l *load) send(t *testing.T, n int) {
	batch := make([]driver.Message, costBatch)
	for i := range batch {
		batch[i] = driver.Message{SendID: "send-id", Body: make([]byte, 64)}
	}
	for range n / costBatch {
		for _, r := range l.q.Send(context.Background(), batch) {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
}

func (l *load) receive(t *testing.T) {
	leases, err := l.q.Receive(context.Background(), driver.ReceiveOptions{Max: costBatch})
	if err != nil || len(leases) != costBatch {
		t.Fatalf("receive: %d, %v", len(leases), err)
	}
	l.leases = append(l.leases, leases...)
}

// measure gives the mean time of one call of each verb.
func (l *load) measure(t *testing.T) map[string]time.Duration {
	const batches = 100_000
	ctx := context.Background()
	spent := make(map[string]time.Duration)
	timed := func(verb string, f func()) {
		start := time.Now()
		f()
		spent[verb] += time.Since(start)
	}
	settlements := make([]driver.Settlement, costBatch)
	for range batches {
		timed("send", func() { l.send(t, costBatch) })
		timed("receive", func() { l.receive(t) })
		// Leases to extend and settle come from all ages.
		at := (l.next * 7919) % (len(l.leases) - 2*costBatch)
		l.next++
		some := slices.Clone(l.leases[at : at+costBatch])
		timed("extend", func() {
			for _, r := range l.q.Extend(ctx, some, time.Hour) {
				if r.Err != nil {
					t.Fatal(r.Err)
				}
			}
		})
		for i := range some {
			settlements[i] = driver.Settlement{Lease: some[i], Verdict: driver.Ack}
		}
		timed("settle", func() {
			for _, err := range l.q.Settle(ctx, settlements) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
		rest := len(l.leases) - costBatch
		copy(l.leases[at:], l.leases[rest:])
		l.leases = l.leases[:rest]
	}
	for verb, d := range spent {
		spent[verb] = d / (batches * costBatch)
	}
	return spent
}
