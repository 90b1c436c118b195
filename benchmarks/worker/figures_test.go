package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
)

// What is measured is what a figure says; whether it is reached depends on the
// machine.
func TestFiguresRun(t *testing.T) {
	t.Run("heartbeats", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		err := measureHeartbeats(t.Context(), heartbeatOptions{handlers: 100, hold: time.Second, holds: 1, batch: 10, out: &out})
		if err != nil && !strings.Contains(err.Error(), "of a core") || !strings.Contains(out.String(), "leases lost: 0, second deliveries: 0") {
			t.Errorf("%v: %s", err, out.String())
		}
	})
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		err := measureIdle(t.Context(), idleOptions{workers: []idleWorker{{2, 3}}, length: 100 * time.Millisecond, out: &out})
		if err != nil && !strings.Contains(err.Error(), "of a core") || !strings.Contains(out.String(), "idle with 2 queues and 3 slots") {
			t.Errorf("%v: %s", err, out.String())
		}
	})
}

// A queue that loses the leases is seen.
func TestALostLeaseIsSeen(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := heartbeatOptions{handlers: 5, hold: time.Second, holds: 1, batch: 5, out: &out, wrap: func(q driver.Queue) driver.Queue { return deaf{q} }}
	if err := measureHeartbeats(t.Context(), o); err == nil || !strings.Contains(err.Error(), "leases were lost") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// deaf is a queue that has lost what it is to extend.
type deaf struct{ driver.Queue }

func (d deaf) Extend(_ context.Context, leases []driver.Lease, _ time.Duration) []driver.ExtendResult {
	return driver.FailExtend(len(leases), driver.Errorf(driver.LeaseLost, "test", "the lease is lost"))
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string // "" for none
	}{
		{"heartbeats within", heartbeatsOf(heartbeats{usage: usage{99, 1000}, leases: 20, longest: time.Second}), ""},
		{"heartbeats above", heartbeatsOf(heartbeats{usage: usage{100, 1000}, leases: 20}), "10.0 % of a core, not below 10 %"},
		{"too few extends", heartbeatsOf(heartbeats{usage: usage{1, 1000}, leases: 19}), "19 extends are fewer than the 20"},
		{"an extend too late", heartbeatsOf(heartbeats{usage: usage{1, 1000}, leases: 20, longest: time.Second + time.Millisecond}), "for 1.001s, longer"},
		{"a lease lost", heartbeatsOf(heartbeats{usage: usage{1, 1000}, leases: 20, lost: 1}), "1 leases were lost"},
		{"a second delivery", heartbeatsOf(heartbeats{usage: usage{1, 1000}, leases: 20, again: 1}), "1 tasks were delivered again"},
		{"idle within", idleOf(usage{49, 10_000}), ""},
		{"idle above", idleOf(usage{50, 10_000}), "0.50 % of a core, not below 0.5 %"},
		{"no figure", run(t.Context(), []string{"other"}), synopsis.Error()},
		{"no argument", run(t.Context(), nil), synopsis.Error()},
		{"an argument too many", run(t.Context(), []string{"idle", "now"}), synopsis.Error()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if (tt.err == nil) != (tt.want == "") || tt.err != nil && !strings.Contains(tt.err.Error(), tt.want) {
				t.Errorf("got %v, want %q", tt.err, tt.want)
			}
		})
	}
}

func heartbeatsOf(h heartbeats) error {
	return reportHeartbeats(heartbeatOptions{handlers: 10, hold: 2 * time.Second, holds: 2, out: io.Discard}, &h)
}

func idleOf(u usage) error {
	return reportIdle(idleOptions{out: io.Discard}, idleWorker{1, 10}, u)
}

func TestPulseSeesExtendsAndSecondDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := mem.New("pulse", nil)
		if err != nil {
			t.Fatal(err)
		}
		p := &pulse{Queue: q}
		defer p.Close(t.Context())
		if r := p.Send(t.Context(), []driver.Message{{Body: []byte("x")}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
		receive := func() []driver.Lease {
			leases, err := p.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
			if err != nil || len(leases) != 1 {
				t.Fatalf("%d leases, %v", len(leases), err)
			}
			return leases
		}
		p.Settle(t.Context(), []driver.Settlement{{Lease: receive()[0], Verdict: driver.Release}})
		leases := receive()
		if p.again.Load() != 1 {
			t.Errorf("%d second deliveries, want 1", p.again.Load())
		}
		watched := make(chan time.Duration, 1)
		go func() { watched <- p.between(t.Context(), 15*time.Second) }()
		for _, d := range []time.Duration{2 * time.Second, 4 * time.Second, 5 * time.Second} {
			time.Sleep(d)
			p.Extend(t.Context(), leases, time.Minute)
		}
		if longest := <-watched; longest != 5*time.Second {
			t.Errorf("the longest without an extend was %v, want 5s", longest)
		}
		if p.calls.Load() != 3 || p.leases.Load() != 3 {
			t.Errorf("%d calls with %d leases, want 3 with 3", p.calls.Load(), p.leases.Load())
		}
	})
}
