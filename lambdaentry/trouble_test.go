package lambdaentry_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/eventsource"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/lambdaentry"
	"github.com/longshore-dev/longshore/runtime"
)

var troubleSeed = flag.Int("trouble-seed", 0, "the only seed of TestTrouble; 0 for some")

// history is what became of the tasks of a troubled function.
type history struct {
	*testing.T
	mu      sync.Mutex
	running map[string]bool // guarded by mu
	done    map[string]bool // guarded by mu
	dead    map[string]bool // guarded by mu
	// hopeless are those that are to be buried; the next may run when they are.
	hopeless map[string]bool // guarded by mu
	group    map[string]int  // the group of each task, which is numbered; guarded by mu
}

// handle does one of many things, by chance.
func (h *history) handle(ctx context.Context, task *runtime.Task[work], random *rand.Rand) (err error) {
	do := task.Args.Do
	h.mu.Lock()
	if h.running[do] {
		h.Errorf("task %s runs beside itself", do)
	}
	if h.done[do] {
		h.Errorf("task %s runs again", do)
	}
	n, _ := strconv.Atoi(do) // all are numbers
	for other, g := range h.group {
		m, _ := strconv.Atoi(other)
		if g == h.group[do] && m < n && !h.done[other] && !h.hopeless[other] {
			h.Errorf("task %s runs before task %s of its group", do, other)
		}
		if g == h.group[do] && m > n && (h.done[other] || h.hopeless[other]) {
			h.Errorf("task %s runs after task %s of its group", do, other)
		}
	}
	h.running[do] = true
	what, pause := random.IntN(16), time.Duration(random.IntN(4000))*time.Millisecond
	h.mu.Unlock()
	ended := false
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.running[do] = false
		h.done[do] = ended && err == nil
	}()
	switch what {
	case 0:
		return errBoom
	case 1:
		panic("boom")
	case 2:
		goruntime.Goexit()
	case 3:
		return runtime.Snooze(time.Second)
	case 4:
		return runtime.PauseQueue(time.Second, errBoom)
	case 5:
		h.mu.Lock()
		h.hopeless[do] = true
		h.mu.Unlock()
		return runtime.Permanent(errBoom)
	case 6, 7, 8:
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	ended = true
	return nil
}

// troubles are faults of the queue.
func troubles(random *rand.Rand) []faultqueue.Rule {
	errs := []error{
		driver.Errorf(driver.Unavailable, "call", "down"), driver.Errorf(driver.PermissionDenied, "call", "no"),
		&driver.Error{Code: driver.Throttled, Op: "call", RetryAfter: time.Duration(random.IntN(20)) * time.Second},
	}
	var rules []faultqueue.Rule
	for range random.IntN(4) {
		r := faultqueue.Rule{Op: []faultqueue.Op{faultqueue.Settle, faultqueue.Send, faultqueue.Extend}[random.IntN(3)], Times: 1 + random.IntN(5)}
		switch random.IntN(4) {
		case 0:
			r.Fault = faultqueue.Hang()
		case 1:
			r.Fault = faultqueue.Stall(time.Duration(random.IntN(8)) * time.Second)
		default:
			r.Fault = faultqueue.FailBefore(errs[random.IntN(len(errs))])
		}
		rules = append(rules, r)
	}
	return rules
}

// Whatever handlers and the queue do: each invocation ends in time and leaves nothing
// behind, no task is lost, none that is done runs again, none runs beside itself, and
// groups keep their order.
func TestTrouble(t *testing.T) {
	seeds := []int{*troubleSeed}
	if *troubleSeed == 0 {
		seeds = nil
		for i := range 6 {
			seeds = append(seeds, i+1)
		}
	}
	for _, seed := range seeds {
		name := "orders"
		if seed%2 == 0 {
			name = "orders.fifo"
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { trouble(t, name, uint64(seed)) })
	}
}

func trouble(t *testing.T, name string, seed uint64) {
	const tasks = 30
	random := rand.New(rand.NewPCG(seed, 0))
	forgets := seed/2%2 == 0 // what it has done, of which no delete fails then
	h := &history{T: t, running: map[string]bool{}, done: map[string]bool{}, dead: map[string]bool{}, hopeless: map[string]bool{}, group: map[string]int{}}
	handler := func(ctx context.Context, task *runtime.Task[work]) error { return h.handle(ctx, task, random) }
	retry := runtime.Retry(runtime.RetryPolicy{Backoff: runtime.Fixed(2 * time.Second), MaxAttempts: 100})
	on(t, name, handler, &lambdaentry.Options{Concurrency: 1 + random.IntN(5)}, func(f *function) {
		for i := range tasks {
			do := strconv.Itoa(i)
			if g := random.IntN(4); strings.HasSuffix(name, ".fifo") {
				h.group[do] = g
				f.enqueue(do, runtime.Group(fmt.Sprint("g", g)))
			} else {
				h.group[do] = 100 + i
				f.enqueue(do)
			}
		}
		for round := 0; ; round++ {
			if round > 2000 {
				t.Fatalf("%d of %d tasks are settled after %d rounds", len(h.done), tasks, round)
			}
			live, _ := f.stats()
			if live == 0 {
				break
			}
			leases, err := f.queue.Receive(f.Context(), driver.ReceiveOptions{Max: 10, Wait: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if len(leases) == 0 {
				time.Sleep(time.Second)
				continue
			}
			f.fq.Clear()
			if forgets && random.IntN(3) == 0 { // another process
				f.start()
			}
			if round < 100 {
				f.fq.Add(troubles(random)...)
			}
			limit := time.Duration(1+random.IntN(15)) * time.Second
			start := time.Now()
			failed, err := f.try(eventsource.Mapping{Queue: f.queue, Name: f.name}.Event(leases), limit)
			if d := time.Since(start); err != nil || d >= limit {
				t.Errorf("an invocation of %v ended with %v after %v", limit, err, d)
			}
			f.mu.Lock()
			for _, s := range f.settled {
				if s.Err == nil && s.Decision.Settlement.Verdict == driver.Bury && s.Decision.Task != nil {
					h.mu.Lock()
					for _, l := range leases {
						if l.Message().ID == s.MessageID {
							h.dead[noteOfBody(l.Message().Body)] = true
						}
					}
					h.mu.Unlock()
				}
			}
			f.mu.Unlock()
			for _, l := range leases {
				if !slices.Contains(failed, noteOfBody(l.Message().Body)) && (forgets || random.IntN(10) > 0) { // it may fail
					f.queue.Settle(f.Context(), []driver.Settlement{{Lease: l, Verdict: driver.Ack}})
				}
			}
		}
		_, dead := f.stats()
		n := 0
		for i := range tasks {
			if do := strconv.Itoa(i); h.done[do] {
				n++
			} else if !h.dead[do] {
				t.Errorf("task %s is lost", do)
			}
		}
		if int(dead)+n < tasks {
			t.Errorf("%d tasks are done and %d are dead, of %d", n, dead, tasks)
		}
	}, retry)
}
