package runtime

import (
	"context"
	"flag"
	"testing"

	"github.com/longshore-dev/longshore/driver"
)

// mostOff is what the hooks of a task may take without telemetry, in nanoseconds.
const mostOff = 50

// hooks calls all hooks of a task, from its Enqueue to its report.
func hooks(ctx context.Context, c *Client, m *Mux, l *lane, a *attempt, d *Decision, batch []*held, leases []driver.Lease) {
	var s sending
	if c.options.Telemetry != nil && s.queue == nil {
		ctx = s.begin(ctx, c.options.Telemetry, a.Queue)
	}
	if s.queue != nil {
		s.tried("job", nil)
		s.end()
	}
	l.signals.took(l.start, leases)
	if l.signals != nil {
		l.signals.held.Add(1)
	}
	if signals := m.signalsOf(&a.Delivery); signals != nil {
		a.signals = m.kindSignals(signals, nil, "job")
	}
	var run processing
	ctx = run.process(ctx, a, carrier{}, a.info.EnqueuedAt)
	run.end(d)
	var settle settling
	settle.begin(ctx, l.signals, batch)
	settle.end(nil)
	l.signals.unsettled(driver.Ack)
	l.signals.extendedSome(nil)
	d.tally(nil)
}

func TestFigureOfTelemetryOff(t *testing.T) {
	c, m, l := new(Client), new(Mux), new(lane)
	a, d := &attempt{info: new(Info)}, new(Decision)
	batch, leases := make([]*held, 1), make([]driver.Lease, 1)
	if n := testing.AllocsPerRun(1000, func() { hooks(t.Context(), c, m, l, a, d, batch, leases) }); n != 0 {
		t.Errorf("the hooks of a task without telemetry take %v allocations, want none", n)
	}
	if f := flag.Lookup("figures"); f == nil || f.Value.String() != "true" {
		t.Skip("the time only with -figures")
	}
	ctx := t.Context()
	r := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			hooks(ctx, c, m, l, a, d, batch, leases)
		}
	})
	ns := float64(r.T.Nanoseconds()) / float64(r.N)
	t.Logf("the hooks of a task without telemetry take %.1f ns, at most %d", ns, mostOff)
	if ns > mostOff {
		t.Errorf("the hooks of a task without telemetry take %.1f ns, more than %d", ns, mostOff)
	}
}
