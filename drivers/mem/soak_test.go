package mem_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
)

// Consumers lease, extend, forget, release, bury and ack at random, on both
// sides, while bulk moves run. No message may be leased twice at once or beside
// another of its group, or stay visible while somebody waits for it; in the end
// each was acked once.
func TestAnyUseKeepsEveryMessage(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &memSoak{
					T: t, queue: open(t, &mem.Options{Hold: 5 * time.Second, MaxReceives: 8, Ordered: seed%2 == 1}),
					ordered: seed%2 == 1, rand: rand.New(rand.NewPCG(seed, 3)),
					held: make(map[string]time.Time), last: make(map[string]driver.Lease), heads: make(map[string]string), acked: make(map[string]int),
				}
				s.run()
			})
		})
	}
}

type memSoak struct {
	*testing.T
	queue   *mem.Queue
	ordered bool
	waiting atomic.Int64 // consumers in Receive on the queue

	mu    sync.Mutex
	rand  *rand.Rand              // guarded by mu
	held  map[string]time.Time    // guarded by mu; until when each body is leased
	last  map[string]driver.Lease // guarded by mu; the last of each body
	heads map[string]string       // guarded by mu; last leased of each group
	acked map[string]int          // guarded by mu
	calm  bool                    // guarded by mu
}

func (s *memSoak) dice(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n)
}

const soakMessages = 150

func (s *memSoak) run() {
	ctx, cancel := context.WithCancel(s.Context())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { s.consume(ctx, s.queue, false) })
	}
	all.Go(func() { s.consume(ctx, s.queue.DeadLetter(), true) })
	all.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(time.Duration(s.dice(20000)) * time.Millisecond)
			_, _ = s.queue.DeadLetter().MoveAll(ctx, driver.MoveOptions{Rate: s.dice(3) * 10})
			_, _ = s.queue.Stats(ctx)
		}
	})
	all.Go(func() { s.look(ctx) })
	for i := range soakMessages {
		m := driver.Message{Body: fmt.Append(nil, i)}
		if s.ordered {
			m.GroupKey = fmt.Sprint("g", s.dice(5))
		} else {
			m.Delay = time.Duration(s.dice(3)*s.dice(4000)) * time.Millisecond
		}
		send(s.T, s.queue, m)
		time.Sleep(time.Duration(s.dice(500)) * time.Millisecond)
	}
	time.Sleep(5 * time.Minute)
	s.mu.Lock()
	s.calm = true
	s.mu.Unlock()
	time.Sleep(10 * time.Minute)
	// All consumers wait now, so nothing may be visible.
	if stats, err := s.queue.Stats(ctx); err != nil || stats.Ready+stats.Leased+stats.Delayed+stats.Dead != 0 {
		s.Errorf("at the end the queue holds %+v (%v)", stats, err)
	}
	cancel()
	all.Wait()
	for i := range soakMessages {
		if n := s.acked[fmt.Sprint(i)]; n != 1 {
			s.Errorf("message %d was acked %d times, want once", i, n)
		}
	}
}

// look finds messages that are visible while a consumer waits. It looks between
// the milliseconds at which everything else happens.
func (s *memSoak) look(ctx context.Context) {
	for time.Sleep(333 * time.Nanosecond); ctx.Err() == nil && !s.ordered; time.Sleep(97 * time.Millisecond) {
		synctest.Wait()
		stats, err := s.queue.Stats(ctx)
		if err == nil && stats.Ready > 0 && s.waiting.Load() > 0 {
			s.Errorf("%d messages are visible while %d consumers wait", stats.Ready, s.waiting.Load())
			return
		}
	}
}

func (s *memSoak) consume(ctx context.Context, from driver.Source, dead bool) {
	for ctx.Err() == nil {
		hold := time.Duration(1+s.dice(4)) * time.Second
		if !dead {
			s.waiting.Add(1)
		}
		leases, err := from.Receive(ctx, driver.ReceiveOptions{Max: 1 + s.dice(3), Wait: time.Hour, Hold: hold})
		if !dead {
			s.waiting.Add(-1)
		}
		if err != nil {
			return
		}
		for _, l := range leases {
			s.leased(l, dead)
		}
		for _, l := range leases {
			s.finish(ctx, from, l, dead)
		}
	}
}

func (s *memSoak) leased(l driver.Lease, dead bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := string(l.Message().Body)
	switch g := l.Message().GroupKey; {
	case g == "":
	case dead:
		if s.heads[g] == body {
			delete(s.heads, g) // buried, so its group goes on
		}
	default:
		if other := s.heads[g]; other != body && time.Now().Before(s.held[other]) {
			s.Errorf("message %s is leased while %s of its group is", body, other)
		}
		s.heads[g] = body
	}
	if end := s.held[body]; time.Now().Before(end) {
		s.Errorf("message %s is leased although its lease runs %v more", body, time.Until(end))
	}
	s.held[body], s.last[body] = l.Expires(), l
}

func (s *memSoak) finish(ctx context.Context, from driver.Source, l driver.Lease, dead bool) {
	body := string(l.Message().Body)
	time.Sleep(time.Duration(s.dice(1500)) * time.Millisecond)
	if s.dice(3) == 0 {
		r := from.Extend(ctx, []driver.Lease{l}, time.Duration(1+s.dice(4))*time.Second)[0]
		if r.Err == nil {
			s.mu.Lock()
			s.held[body] = r.Expires
			s.mu.Unlock()
		}
		time.Sleep(time.Duration(s.dice(1500)) * time.Millisecond)
	}
	v := driver.Settlement{Lease: l, Verdict: driver.Ack}
	s.mu.Lock()
	calm := s.calm
	s.mu.Unlock()
	switch n := s.dice(6); {
	case calm:
	case n == 0:
		return // forgotten
	case n == 1:
		v.Verdict, v.Delay = driver.Release, time.Duration(s.dice(2)*s.dice(3000))*time.Millisecond
	case n == 2 && dead:
		v.Verdict = driver.Redrive
	case n == 2:
		v.Verdict, v.Reason = driver.Bury, "test"
	}
	s.mu.Lock()
	defer s.mu.Unlock() // so that nobody leases it before it is noted here
	switch err := from.Settle(ctx, []driver.Settlement{v})[0]; {
	case err == nil:
		s.held[body] = time.Now()
		if v.Verdict == driver.Ack {
			s.acked[body]++
		}
	case !driver.Is(err, driver.LeaseLost) && ctx.Err() == nil:
		s.Errorf("%v of %s: %v", v.Verdict, body, err)
	case time.Now().Before(s.held[body]) && s.last[body] == l:
		s.Errorf("%v of %s: %v, %v before its end", v.Verdict, body, err, time.Until(s.held[body]))
	}
}
