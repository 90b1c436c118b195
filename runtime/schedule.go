package runtime

import (
	"context"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// schedule decides for a worker which queue may lease next (room.go) and which of
// the leased tasks starts next (turns.go), by weight or rank, and by the limits of
// queues and kinds. It calls nobody while it holds mu, and is safe for concurrent
// use.
type schedule struct {
	size   int       // runners
	start  time.Time // what times count from
	strict bool
	kinds  map[*handler]*gate // those with limits; the map does not change
	// processors is how many runners may be on their way to look for a task.
	processors int
	poke       chan struct{} // capacity 1, never closed; wakes the watch

	starting atomic.Int64 // runners that have got a task and not begun it
	crowded  atomic.Bool  // pollers wait because too many runners are on their way

	mu       sync.Mutex
	turn     sync.Cond     // on mu; runners wait for a task that can start
	idle     int           // guarded by mu; runners that do
	woken    int           // guarded by mu; of them, those that were told to look again
	closed   bool          // guarded by mu; no task is started any more
	timed    bool          // guarded by mu; what can start depends on the time: there is more than one queue, a limit, or was a pause
	waiters  int           // guarded by mu; pollers that wait for room
	seq      int           // guarded by mu; tasks ever offered
	buffered int           // guarded by mu; tasks in line
	shares   []*share      // by rank, largest first; what they point at is guarded by mu
	prefetch int           // guarded by mu; leases beyond the runners
	measured time.Duration // guarded by mu; when the rate was measured
	served   float64       // guarded by mu; the largest pass at which room was given
	wake     time.Duration // guarded by mu; when the watch has to look again, 0 for never
}

// share is one queue's part of a schedule, guarded by its mu.
type share struct {
	weight float64
	rank   int // those of a larger one come first
	batch  int // of a receive
	limit  gate

	lines    []*line // what waits for a runner: by limited kind, and the others in the first
	buffered int     // how many that are

	used     int // leases, from receive to settle, and what receives under way may bring
	inflight int // of them, what receives under way may bring
	late     int // of used, those whose settle the queue did not take at first
	prefetch int // leases beyond limit.places
	finished int // leases ever ended
	counted  int // of them, when the rate was measured

	pass    float64       // leases ever given to it, by weight
	more    bool          // its last receive brought something: there may be more
	fill    float64       // what part of the room that it reserved its receives brought, of late
	moved   time.Duration // when its last receive began or ended
	ended   time.Duration // when a task of it last ended, where strict
	waiting []*waiter     // pollers that wait for room, in their order
}

// line is tasks of a queue that wait for a runner, in the order in which they came.
type line struct {
	gate  *gate // of their kind; nil for none
	tasks fifo
}

func newSchedule(size int, strict bool, mux *Mux) *schedule {
	s := &schedule{size: size, start: time.Now(), strict: strict, processors: goruntime.GOMAXPROCS(0), kinds: make(map[*handler]*gate), poke: make(chan struct{}, 1)}
	s.turn.L = &s.mu
	for _, h := range mux.handlers {
		if g := newGate(h.concurrency, h.rate); g.limited() {
			s.kinds[h], s.timed = &g, true
		}
	}
	return s
}

// add gives a queue its share, before the schedule is used.
func (s *schedule) add(q *QueueInfo) *share {
	sh := &share{
		weight: float64(q.Weight), batch: q.capabilities.MaxReceiveBatch,
		limit: newGate(q.Concurrency, q.Rate), lines: []*line{{}},
		more: true, fill: 1, // until it was asked
	}
	for _, g := range s.kinds {
		sh.lines = append(sh.lines, &line{gate: g})
	}
	if s.strict {
		sh.rank, sh.weight = q.Weight, 1
	}
	s.shares = append(s.shares, sh)
	s.timed = s.timed || len(s.shares) > 1 || sh.limit.limited()
	slices.SortStableFunc(s.shares, func(a, b *share) int { return b.rank - a.rank })
	return sh
}

// begin is called before the first receive.
func (s *schedule) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sh := range s.shares {
		sh.moved = s.now()
	}
}

// now is the time on the schedule's own scale.
func (s *schedule) now() time.Duration { return time.Since(s.start) }

// pause lets no task of sh start for d from now.
func (s *schedule) pause(sh *share, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh.limit.paused = max(sh.limit.paused, s.now()+d)
	s.timed = true
	s.give() // others have the room of what waits
}

// clock is now, or anything when nothing depends on the time: it is asked before
// each task. The caller holds mu.
func (s *schedule) clock() time.Duration {
	if !s.timed {
		return 0
	}
	return s.now()
}

func (s *schedule) paused(sh *share) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sh.limit.paused > s.now()
}

// wakeBy has the watch look again at the latest then. The caller holds mu.
func (s *schedule) wakeBy(at time.Duration) {
	if at == never || s.wake > 0 && s.wake <= at {
		return
	}
	s.wake = at
	select {
	case s.poke <- struct{}{}:
	default: // it is awake already
	}
}

// watch lets go on what only time holds up: tokens, pauses, and receives that do
// not return. It returns at the end of ctx.
func (s *schedule) watch(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if wait, ok := s.look(); ok {
			timer.Reset(wait)
		} else {
			timer.Stop()
		}
		select {
		case <-timer.C:
		case <-s.poke:
		case <-ctx.Done():
			return
		}
	}
}

// look does what is due and says how long it is until the next.
func (s *schedule) look() (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.wake > 0 && s.wake <= now {
		s.wake = 0
		s.give()
		s.signal()
	}
	return s.wake - now, s.wake > 0
}

// fifo is a queue of tasks on a ring. Its zero value is empty.
type fifo struct {
	ring  []*held
	first int
	len   int
}

func (f *fifo) push(h *held) {
	if f.len == len(f.ring) {
		larger := make([]*held, max(16, 2*f.len))
		n := copy(larger, f.ring[f.first:])
		copy(larger[n:], f.ring[:f.first])
		f.ring, f.first = larger, 0
	}
	f.ring[(f.first+f.len)%len(f.ring)] = h
	f.len++
}

// head is the oldest of at least one.
func (f *fifo) head() *held { return f.ring[f.first] }

func (f *fifo) pop() *held {
	h := f.ring[f.first]
	f.ring[f.first] = nil
	f.first = (f.first + 1) % len(f.ring)
	f.len--
	return h
}
