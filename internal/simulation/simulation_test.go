package simulation_test

import (
	"flag"
	"fmt"
	goruntime "runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/internal/simulation"
)

var (
	seeds   = flag.Int("seeds", 2000, "how many seeds TestSeeds runs")
	first   = flag.Uint64("seed", 1, "the first of them")
	lasts   = flag.Duration("for", 0, "run seeds for this long, whatever -seeds says")
	replays = flag.Int("replays", 20, "how many seeds TestSeedsReplay runs ten times each")
	within  = flag.Duration("within", 0, "fail when the seeds take longer")
)

// run lives through one seed in a bubble of its own.
func run(t *testing.T, seed uint64, bug simulation.Bug) (r simulation.Report) {
	defer func() {
		if v := recover(); v != nil { // synctest: goroutines are left
			r.Seed = seed
			r.Violations = append(r.Violations, simulation.Violation{Text: fmt.Sprintf("something still runs in the end: %v", v)})
		}
	}()
	synctest.Test(t, func(t *testing.T) { r = simulation.Run(t.Context(), seed, bug) })
	return r
}

// enoughSeeds is how many seeds must get into every situation.
const enoughSeeds = 1000

func describe(r simulation.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d; replay it with\n\tgo test ./internal/simulation -race -run '^TestSeeds$' -seeds 1 -seed %d\n", r.Seed, r.Seed)
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "task %d: %s\n", v.Task, v.Text)
	}
	if len(r.Violations) > 0 && r.Violations[0].Task > 0 {
		fmt.Fprintf(&b, "history of task %d:\n%v", r.Violations[0].Task, r.History.Sorted().Of(r.Violations[0].Task))
	}
	return b.String()
}

func TestSeeds(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	var next, ran, done, dead, events atomic.Int64
	var mu sync.Mutex
	var met simulation.Met // guarded by mu
	begin := time.Now()
	var lanes sync.WaitGroup
	for range goruntime.GOMAXPROCS(0) {
		lanes.Go(func() {
			for !t.Failed() {
				i := next.Add(1) - 1
				if *lasts > 0 && time.Since(begin) > *lasts || *lasts == 0 && i >= int64(*seeds) {
					return
				}
				r := run(t, *first+uint64(i), simulation.Bug{})
				ran.Add(1)
				done.Add(int64(r.Done))
				dead.Add(int64(r.Dead))
				events.Add(int64(len(r.History)))
				mu.Lock()
				met.Add(&r.Met)
				mu.Unlock()
				if len(r.Violations) > 0 {
					t.Error(describe(r))
				}
			}
		})
	}
	lanes.Wait()
	took := time.Since(begin)
	t.Logf("%d seeds from %d in %.1f s: %d tasks done, %d dead, %d events", ran.Load(), *first, took.Seconds(), done.Load(), dead.Load(), events.Load())
	if missing := met.Missing(); ran.Load() >= enoughSeeds && missing != "" {
		t.Errorf("%d seeds never had a task that %s", ran.Load(), missing)
	}
	if *within > 0 && took > *within {
		t.Errorf("%d seeds took %v, more than %v", ran.Load(), took, *within)
	}
}

func TestSeedsReplay(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	var next atomic.Int64
	var lanes sync.WaitGroup
	for range 4 * goruntime.GOMAXPROCS(0) { // in each other's way, or goroutines run in much the same order each time
		lanes.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(*replays) {
					return
				}
				seed := *first + uint64(i)
				want := run(t, seed, simulation.Bug{})
				for n := range 9 {
					got := run(t, seed, simulation.Bug{})
					if d := simulation.Difference(want.History.Sorted(), got.History.Sorted()); d != "" {
						t.Errorf("seed %d, replay %d: %s", seed, n+1, d)
						break
					}
				}
			}
		})
	}
	lanes.Wait()
}

func TestPlantedBugsAreFound(t *testing.T) {
	for _, bug := range simulation.Bugs() {
		t.Run(bug.Name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= 500; seed++ {
				if r := run(t, seed, bug); len(r.Violations) > 0 {
					t.Logf("seed %d: task %d: %s", seed, r.Violations[0].Task, r.Violations[0].Text)
					return
				}
			}
			t.Error("no seed of 500 finds it")
		})
	}
}
