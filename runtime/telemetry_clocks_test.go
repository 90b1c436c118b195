package runtime_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// dated is a lease whose message the broker has dated otherwise.
type dated struct {
	driver.Lease
	at time.Time
}

func (d dated) Message() driver.Message {
	m := d.Lease.Message()
	m.SentAt = d.at
	return m
}

func TestClocksThatAreAheadAreCounted(t *testing.T) {
	const never = -1000 * time.Hour // stands for a time that is not there
	tests := map[string]struct {
		task, message    time.Duration // from now
		producer, broker float64
	}{
		"right":                       {0, 0, 0, 0},
		"long ago":                    {-time.Hour, -time.Hour, 0, 0},
		"long on its way":             {-time.Hour, 0, 0, 0},
		"a little ahead":              {5 * time.Second, 5 * time.Second, 0, 0},
		"producer":                    {6 * time.Second, 0, 1, 0},
		"producer, some time ago":     {-time.Hour + 6*time.Second, -time.Hour, 1, 0},
		"broker":                      {0, 6 * time.Second, 0, 1},
		"ours is behind both":         {6 * time.Second, 6 * time.Second, 1, 1},
		"a broker that does not tell": {6 * time.Second, never, 1, 0},
		"a task that does not tell":   {never, 6 * time.Second, 0, 1},
		"long ago, no broker's time":  {-time.Hour, never, 0, 0},
		"nobody tells":                {never, never, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
				w.handle(func(context.Context, *runtime.Task[job]) error { return nil })
				now, at, sent := time.Now(), "", time.Time{}
				if tt.task != never {
					at = fmt.Sprintf(`"time":%q,`, now.Add(tt.task).Format(time.RFC3339))
				}
				if tt.message != never {
					sent = now.Add(tt.message)
				}
				body := `{"specversion":"1.0","id":"1","source":"s","type":"job",` + at + `"data":{}}`
				if r := w.queue.Send(t.Context(), []driver.Message{{Body: []byte(body)}}); r[0].Err != nil {
					t.Fatal(r[0].Err)
				}
				leases, err := w.queue.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
				if err != nil {
					t.Fatal(err)
				}
				w.mux.Dispatch(t.Context(), runtime.Delivery{Lease: dated{leases[0], sent}, Queue: w.queues.All()[0]})
				w.measures(map[string]float64{
					"longshore.clock.skewed map[longshore.clock:producer]": tt.producer,
					"longshore.clock.skewed map[longshore.clock:broker]":   tt.broker,
				})
			})
		})
	}
}

// The delay that a task was given is no error of a clock, on any of its ways.
func TestDelaysAreNoSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t, nil, runtime.RetryPolicy{}, nil)
		r := newRuns()
		w.handle(func(context.Context, *runtime.Task[job]) error {
			switch r.add() {
			case 1:
				return runtime.Snooze(time.Hour)
			case 2:
				return runtime.RetryAfter(time.Hour, errBoom)
			}
			return nil
		})
		w.enqueue("a", runtime.Delay(20*time.Hour)) // longer than the queue can
		w.runFor(24 * time.Hour)
		w.measures(map[string]float64{
			outcomeOf("success"): 1,
			"longshore.clock.skewed map[longshore.clock:producer]": 0, "longshore.clock.skewed map[longshore.clock:broker]": 0,
		})
		if _, ok := w.measured()["longshore.clock.skewed map[longshore.clock:broker]"]; !ok {
			t.Error("a counter that has counted nothing is not told as 0")
		}
	})
}
