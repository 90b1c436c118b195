package runtime_test

import (
	"context"
	"flag"
	"math"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// figures makes the tests of weights, ranks and rates as long as the figures that
// are promised, and adds those that run in real time.
var figures = flag.Bool("figures", false, "measure the figures of weights, ranks and rates")

// scaled is n when figures are measured and a part of it otherwise.
func scaled(n int) int {
	if *figures {
		return n
	}
	return n / 4
}

// checkWeights wants what started shared by weights that add up to 10.
func checkWeights(t *testing.T, starts []started, weights map[string]int) {
	t.Helper()
	worst := 0.0
	for q, w := range weights {
		want := w * len(starts) / 10
		off := 100 * float64(share(starts, q)-want) / float64(want)
		worst = max(worst, math.Abs(off))
		if math.Abs(off) > 10 {
			t.Errorf("%d of the first %d tasks are of queue %q; want %d ± 10 %%", share(starts, q), len(starts), q, want)
		}
	}
	t.Logf("weights 6:3:1 over %d tasks: at most %.1f %% off (limit 10 %%)", len(starts), worst)
}

// checkRate wants so many starts a second, and in no second more by more than burst.
func checkRate(t *testing.T, starts []started, rate, burst, seconds int) {
	t.Helper()
	want := rate * seconds
	if n := len(starts); n < want*97/100 || n > want*103/100+burst {
		t.Errorf("%d tasks started in %d s; want %d ± 3 %%", n, seconds, want)
	}
	most, first := 0, 0
	for i, s := range starts {
		for s.at-starts[first].at >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	if most > rate+burst {
		t.Errorf("%d tasks started in one second; want at most %d and a burst of %d", most, rate, burst)
	}
	t.Logf("rate %d a second for %d s: %d started (want %d ± 3 %%), at most %d in a second (limit %d and a burst of %d)", rate, seconds, len(starts), want, most, rate, burst)
}

func TestFiguresInRealTime(t *testing.T) {
	if !*figures {
		t.Skip("only with -figures")
	}
	t.Run("weights", func(t *testing.T) {
		const tasks = 10_000
		weights := map[string]int{"six": 6, "three": 3, "one": 1}
		f := newFleet(t)
		for q, w := range weights {
			m, err := mem.New(q, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.queues.Add(runtime.QueueInfo{Name: q, Driver: m, Weight: w}); err != nil {
				t.Fatal(err)
			}
			f.fill(q, tasks*10)
		}
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
			f.record(task.Info)
			return nil
		})
		checkWeights(t, f.work(runtime.WorkerOptions{}, time.Minute, after(tasks))[:tasks], weights)
	})
	t.Run("rate", func(t *testing.T) {
		const rate, burst, seconds = 100, 10, 20
		f := newFleet(t, runtime.QueueInfo{Name: "q", Rate: runtime.Rate{PerSecond: rate, Burst: burst}})
		runtime.Handle(f.mux, func(_ context.Context, task *runtime.Task[job]) error {
			f.record(task.Info)
			return nil
		})
		f.fill("q", rate*(seconds+10))
		checkRate(t, f.work(runtime.WorkerOptions{}, seconds*time.Second, func([]started) bool { return false }), rate, burst, seconds)
	})
}
