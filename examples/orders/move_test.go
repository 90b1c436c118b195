package orders_test

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/longshore-dev/longshore/examples/orders"
)

// A running system moves while orders come, as docs/switching.md tells it: the worker
// of the new queue first, then the producer, then the old worker drains the old queue.
func movesFromSQSToPubSub(t *testing.T, p programs) {
	s := open(t)
	const from, to = "sqs.yaml", "pubsub.yaml"
	const endless = "1000000"

	old := p.start(t, s.env, "worker", "-config", from, "-grace", "6s")
	producer := p.start(t, s.env, "shop", "-config", from, "-n", endless, "-rate", "25")
	eventually(t, "the system runs on the old queue", func() bool { return len(s.written(t)) >= 20 })

	// The new worker, then the producer's configuration.
	fresh := p.start(t, s.env, "worker", "-config", to, "-grace", "6s")
	producer.stop(t)
	first := producer.lines()
	next := len(first) + 1
	producer = p.start(t, s.env, "shop", "-config", to, "-first", strconv.Itoa(next), "-n", endless, "-rate", "25")

	// The old queue is drained by the old worker, and counted.
	eventually(t, "the old queue is empty", func() bool {
		var stats struct{ Ready, Leased, Delayed int }
		p.longshore(t, s.env, &stats, "stats", "--config", from)
		return stats.Ready == 0 && stats.Leased == 0 && stats.Delayed == 0
	})
	old.stop(t)

	eventually(t, "the new queue is in use", func() bool { return len(producer.lines()) >= 40 })
	producer.stop(t)
	second := producer.lines()
	s.place(orders.Made(1, len(first)+len(second)))
	if last, want := second[len(second)-1], slices.Sorted(maps.Keys(s.placed)); last != want[len(want)-1] {
		t.Errorf("the last order is %s, want %s", last, want[len(want)-1])
	}
	payable, declined := s.payable()
	eventually(t, "every order is confirmed", func() bool { return len(s.written(t)) >= len(payable) })
	var dead []string
	eventually(t, "every order that cannot be paid is dead", func() bool {
		dead = append(p.dead(t, s.env, from), p.dead(t, s.env, to)...)
		return len(dead) >= len(declined)
	})
	fresh.stop(t)

	s.addsUp(t)
	deadAre(t, dead, declined)
	t.Logf("%d orders on the old queue, %d on the new", len(first), len(second))
}
