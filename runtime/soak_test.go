package runtime_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// Workers come and go while calls fail before and after they took effect, stall
// and hang, and handlers fail, panic and dawdle. In the end every task was done
// or is dead, and no promise was broken on the way. SOAK_SEED runs one seed, and
// SOAK_SEEDS as many.
func TestEveryTaskIsAccountedForWhateverFails(t *testing.T) {
	first, n := uint64(1), uint64(12)
	if s, err := strconv.ParseUint(os.Getenv("SOAK_SEEDS"), 10, 64); err == nil {
		n = s
	}
	if s, err := strconv.ParseUint(os.Getenv("SOAK_SEED"), 10, 64); err == nil {
		first, n = s, 1
	}
	for seed := first; seed < first+n; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newSoak(t, seed).run() })
		})
	}
}

const (
	soakTasks = 200
	soakHold  = 6 * time.Second
)

type soak struct {
	*testing.T
	seed  uint64
	queue *mem.Queue

	mu       sync.Mutex
	rand     *rand.Rand                     // guarded by mu
	ends     map[driver.Lease]time.Time     // guarded by mu; of leases, as the worker was told
	busy     map[driver.Lease]faultqueue.Op // guarded by mu; calls under way
	received map[string]int                 // guarded by mu; deliveries to workers, by worker
	settled  map[string]int                 // guarded by mu; deliveries that ended, by worker
	done     map[runtime.TaskID]int         // guarded by mu; handlers that returned nil
	sent     map[runtime.TaskID]struct{}    // set before the workers end
	calm     atomic.Bool
}

func newSoak(t *testing.T, seed uint64) *soak {
	q, err := mem.New("jobs", &mem.Options{Hold: soakHold, MaxReceives: 100, Ordered: seed%3 == 0})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close(context.Background()) })
	return &soak{
		T: t, seed: seed, queue: q, rand: rand.New(rand.NewPCG(seed, 7)),
		ends: make(map[driver.Lease]time.Time), busy: make(map[driver.Lease]faultqueue.Op),
		received: make(map[string]int), settled: make(map[string]int), done: make(map[runtime.TaskID]int),
		sent: make(map[runtime.TaskID]struct{}),
	}
}

// dice is a number below n.
func (s *soak) dice(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n)
}

// queues is a way to the queue of its own, with faults and watches.
func (s *soak) queues(who string) *runtime.Queues {
	var inner driver.Queue = s.queue
	switch s.seed % 4 {
	case 1: // small batches; long delays travel as copies
		inner = limited{inner, func(c *driver.Capabilities) {
			c.MaxSendBatch, c.MaxReceiveBatch, c.MaxSettleBatch = 10, 10, 10
			c.MaxReleaseDelay = 2 * time.Second
		}}
	case 2:
		inner = limited{inner, func(c *driver.Capabilities) { c.CancelSafe = false }}
	}
	var rules []faultqueue.Rule
	for _, op := range []faultqueue.Op{faultqueue.Send, faultqueue.Receive, faultqueue.Extend, faultqueue.Settle} {
		rules = append(rules, faultqueue.Rule{Op: op, Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
			s.watch(who, c, func() { s.fault(c)(ctx, c, next) })
		}})
	}
	qs := new(runtime.Queues)
	if err := qs.Add(runtime.QueueInfo{Name: "jobs", Driver: faultqueue.New(inner, rules...),
		Retry: &runtime.RetryPolicy{MaxAttempts: 6, Backoff: runtime.Exponential(time.Second, 10*time.Second)}}); err != nil {
		s.Error(err)
	}
	return qs
}

// fault is what happens to a call.
func (s *soak) fault(c *faultqueue.Call) faultqueue.Fault {
	pass := faultqueue.Stall(time.Duration(s.dice(50)) * time.Millisecond)
	if s.calm.Load() {
		return pass
	}
	throttled := &driver.Error{Code: driver.Throttled, Op: "test", RetryAfter: time.Second}
	switch s.dice(16) {
	case 0:
		return faultqueue.FailBefore(errDown)
	case 1:
		return faultqueue.FailAfter(errDown)
	case 2:
		return faultqueue.FailBefore(throttled)
	case 3:
		return faultqueue.Stall(time.Duration(s.dice(8000)) * time.Millisecond)
	case 4:
		if s.dice(4) == 0 {
			return faultqueue.Hang()
		}
	case 5:
		return faultqueue.On(func(int) bool { return s.dice(2) == 0 }, faultqueue.FailAfter(errDown))
	case 6:
		return faultqueue.On(func(int) bool { return s.dice(2) == 0 }, faultqueue.FailBefore(errDown))
	}
	return pass
}

// watch checks what a worker may not do with its leases around a call.
func (s *soak) watch(who string, c *faultqueue.Call, call func()) {
	leases := c.Leases
	for _, v := range c.Batch {
		leases = append(leases, v.Lease)
	}
	s.mu.Lock()
	for i, l := range leases {
		if with, ok := s.busy[l]; ok {
			s.Errorf("%v of %v begins while a %v is under way", c.Op, l.Message().ID, with)
		}
		s.busy[l] = c.Op
		if c.Op == faultqueue.Settle && c.Batch[i].Verdict != driver.Ack && !time.Now().Before(s.ends[l]) {
			s.Errorf("%v of %v after its end", c.Batch[i].Verdict, l.Message().ID)
		}
	}
	s.mu.Unlock()
	call()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, l := range leases {
		delete(s.busy, l)
		if c.Op == faultqueue.Extend && c.Extended[i].Err == nil {
			s.ends[l] = c.Extended[i].Expires
		}
	}
	for _, l := range c.Received {
		s.ends[l] = l.Expires()
	}
	s.received[who] += len(c.Received)
}

// work runs a worker for a time.
func (s *soak) work(who string, d time.Duration) {
	mux := runtime.NewMux(&runtime.MuxOptions{Logger: slog.New(slog.DiscardHandler)})
	runtime.Handle(mux, s.handle, runtime.Timeout(20*time.Second))
	w, err := runtime.NewWorker(s.queues(who), mux, &runtime.WorkerOptions{
		Concurrency: 1 + s.dice(10), Grace: time.Duration(1+s.dice(10)) * time.Second,
		SettleTimeout: time.Duration(1+s.dice(20)) * time.Second, Logger: slog.New(slog.DiscardHandler),
		OnSettled: func(runtime.Settled) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.settled[who]++
		},
	})
	if err != nil {
		s.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(s.Context(), d)
	defer cancel()
	begin, grace := time.Now(), 10*time.Second
	if err := w.Run(ctx); err != nil && !driver.Is(err, driver.DeadlineExceeded) {
		s.Errorf("run: %v", err)
	}
	if took := time.Since(begin); took > d+grace {
		s.Errorf("a worker for %v and a grace of at most %v ran %v", d, grace, took)
	}
}

func (s *soak) handle(ctx context.Context, task *runtime.Task[job]) error {
	if s.calm.Load() {
		s.ok(task)
		return nil
	}
	switch s.dice(10) {
	case 0:
		return errBoom
	case 1:
		panic("boom")
	case 2:
		goexit()
	case 3:
		time.Sleep(time.Duration(s.dice(15000)) * time.Millisecond) // whatever ctx says
	case 4:
		if s.dice(8) == 0 {
			return runtime.Permanent(errBoom)
		}
	default:
		if err := wait(ctx, time.Duration(s.dice(3000))*time.Millisecond); err != nil {
			return err
		}
	}
	s.ok(task)
	return nil
}

func (s *soak) ok(task *runtime.Task[job]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[task.ID]++
}

// enqueue sends the tasks, and remembers those that the queue may have.
func (s *soak) enqueue() {
	client, err := runtime.NewClient(s.queues("client"), nil)
	if err != nil {
		s.Error(err)
		return
	}
	for i := range soakTasks {
		id, err := runtime.Enqueue(s.Context(), client, job{strconv.Itoa(i)})
		if err == nil {
			s.sent[id] = struct{}{}
		}
		time.Sleep(time.Duration(s.dice(300)) * time.Millisecond)
	}
}

func (s *soak) run() {
	var all sync.WaitGroup
	all.Go(s.enqueue)
	for lane := range 3 {
		all.Go(func() {
			for i := range 4 {
				s.work(fmt.Sprint("worker ", lane, " ", i), time.Duration(5+s.dice(60))*time.Second)
			}
		})
	}
	all.Wait()
	time.Sleep(30 * time.Second) // what outlived its drain returns
	s.calm.Store(true)
	s.work("the last", 20*time.Minute)

	stats, err := s.queue.Stats(s.Context())
	if err != nil || stats.Ready+stats.Leased+stats.Delayed != 0 {
		s.Errorf("the queue still holds %+v (%v)", stats, err)
	}
	dead := make(map[runtime.TaskID]bool)
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, task *runtime.Task[job]) error { dead[task.ID] = true; return nil })
	for {
		leases, err := s.queue.DeadLetter().Receive(s.Context(), driver.ReceiveOptions{Max: 100})
		if err != nil {
			s.Fatal(err)
		}
		if len(leases) == 0 {
			break
		}
		for _, l := range leases {
			mux.Dispatch(s.Context(), runtime.Delivery{Lease: l, Queue: s.queues("dead").All()[0]})
		}
	}
	lost := 0
	for id := range s.sent {
		if s.done[id] == 0 && !dead[id] {
			lost++
		}
	}
	s.Logf("%d sent, %d done, %d dead, deliveries %v", len(s.sent), len(s.done), len(dead), s.received)
	if lost > 0 {
		s.Errorf("%d of %d tasks are lost", lost, len(s.sent))
	}
	for who, n := range s.received {
		if who != "client" && s.settled[who] > n { // fewer when a message was received twice
			s.Errorf("%s received %d and reported %d", who, n, s.settled[who])
		}
	}
}
