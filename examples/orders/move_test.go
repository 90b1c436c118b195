package orders_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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
	eventually(t, "the system runs on the old queue", func() bool { return len(s.written(t)) >= 20 && strings.Contains(old.err.String(), "msg=dead") })

	// The new worker, then the producer's configuration.
	fresh := p.start(t, s.env, "worker", "-config", to, "-grace", "6s")
	producer.stop(t)
	first := producer.lines()
	next := len(first) + 1
	producer = p.start(t, s.env, "shop", "-config", to, "-first", strconv.Itoa(next), "-n", endless, "-rate", "25")

	// The old queue is drained by the old worker, and counted.
	eventually(t, "the old queue is empty", func() bool {
		c := p.counts(t, s.env, from)
		return c.Ready == 0 && c.Leased == 0 && c.Delayed == 0
	})
	eventually(t, "the new queue is in use", func() bool { return len(producer.lines()) >= 40 })
	producer.stop(t)
	old.stop(t)
	p.moveDead(t, s.env, from, to)

	second := producer.lines()
	s.place(t, orders.Made(1, len(first)+len(second)))
	if last, want := second[len(second)-1], slices.Sorted(maps.Keys(s.placed)); last != want[len(want)-1] {
		t.Errorf("the last order is %s, want %s", last, want[len(want)-1])
	}
	payable, declined := s.payable()
	eventually(t, "every order is confirmed", func() bool { return len(s.written(t)) >= len(payable) })
	var dead []string
	eventually(t, "every order that cannot be paid is dead", func() bool {
		dead = p.dead(t, s.env, to)
		return len(dead) >= len(declined)
	})
	fresh.stop(t)

	s.addsUp(t)
	deadAre(t, dead, declined)
	t.Logf("%d orders on the old queue, %d on the new", len(first), len(second))
}

// moveDead moves the dead letters of a queue that nobody works on: back to it, and from
// there to the new queue, where they are tried anew.
func (p programs) moveDead(t *testing.T, env []string, from, to string) {
	t.Helper()
	were := p.counts(t, env, from).Dead
	var redriven struct{ Moved int }
	p.longshore(t, env, &redriven, "dlq", "redrive", "--config", from)
	var moved struct{ Succeeded, Dead int }
	p.longshore(t, env, &moved, "work", "--config", from, "--until-empty", "1s", "--grace", "3s",
		"--exec", filepath.Join(p.dir, "longshore")+` send --config `+to+` --kind "$LONGSHORE_KIND" --id "$LONGSHORE_ID" >&2`)
	if left := p.counts(t, env, from); were == 0 || redriven.Moved != were || moved.Succeeded != were || left != (counts{}) {
		t.Errorf("%d were dead, %d redriven, and %+v sent to the new queue; left are %+v", were, redriven.Moved, moved, left)
	}
}

// counts are what a queue has.
type counts struct{ Ready, Leased, Delayed, Dead int }

func (p programs) counts(t *testing.T, env []string, config string) (c counts) {
	t.Helper()
	p.longshore(t, env, &c, "stats", "--config", config)
	return c
}
