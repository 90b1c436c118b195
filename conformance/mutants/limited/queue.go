// Package limited is a queue that can do as little as a broker may: no keys, no
// delays, a fixed hold, text bodies, no attempt count, no statistics, no bulk
// move, stale leases that nobody notices, cancelled receives that strand
// messages, and moves in two steps. With it the suite proves what it asks of
// such brokers.
//
// It stands on two other queues: one for live messages, one for dead ones.
package limited

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// Flaws are mistakes that a driver with moves in two steps can make.
type Flaws struct {
	BuryDeletesFirst    bool // a crash loses what it buries
	RedriveDeletesFirst bool // a crash loses what it redrives
}

// Config is what a Queue stands on.
type Config struct {
	Live, Dead driver.Queue  // Live has a dead letter of its own, unless Missing
	Hold       time.Duration // of both
	Missing    bool          // the queue has no dead letter
	Flaws      Flaws
}

// Queue is the limited queue.
type Queue struct {
	source
	config Config
	dead   *deadLetter
	cut    atomic.Bool // the next move is cut off between its two steps
}

// New makes a queue; it closes what it stands on.
func New(c Config) *Queue {
	q := &Queue{config: c}
	q.source = source{q: q, inner: c.Live}
	q.dead = &deadLetter{source{q: q, inner: c.Dead, dead: true}}
	return q
}

// Cut cuts off the next bury or redrive between its send and its delete.
func (q *Queue) Cut() { q.cut.Store(true) }

const grain = time.Second

// Capabilities are those of every limited queue with this hold.
func Capabilities(hold time.Duration) driver.Capabilities {
	none := driver.Support{Note: "the broker has nothing for it"}
	two := driver.Support{Level: driver.LevelEmulated, Note: "sends, then deletes"}
	return driver.Capabilities{
		MaxSendBatch: 10, MaxReceiveBatch: 10, MaxSettleBatch: 10,
		MaxBody: 64 << 10, MaxAttributes: 4, MaxAttributeValue: 512, MinAttempts: 2, MaxAttempts: 100,
		MinHold: hold, MaxHold: hold, MaxTotalHold: driver.Unlimited, HoldGrain: grain, FixedHold: true, TextBody: true,
		ExactAttempts: none, StaleSettleDetected: none, SendDelay: none, ReleaseDelay: none, Fairness: none, Dedup: none,
		AtomicBury: two, AtomicRedrive: two, Depth: none,
	}
}

func (q *Queue) Capabilities() driver.Capabilities { return Capabilities(q.config.Hold) }

func (q *Queue) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	c := q.Capabilities()
	if err := driver.CheckBatch("limited: send", len(batch), c.MaxSendBatch); err != nil {
		return driver.FailSend(len(batch), err)
	}
	results := make([]driver.SendResult, len(batch))
	for i := range batch {
		if err := driver.CheckMessage("limited: send", &c, &batch[i]); err != nil && q.open(ctx) == nil {
			results[i].Err = err
			continue
		}
		results[i] = q.inner.Send(ctx, batch[i:i+1])[0]
	}
	return results
}

// open is the error of a call on a closed queue or with an ended context.
func (q *Queue) open(ctx context.Context) error {
	_, err := q.config.Live.Policy(ctx)
	return err
}

func (q *Queue) DeadLetter() driver.DeadLetter {
	if q.config.Missing {
		return q.config.Live.DeadLetter() // answers NotFound
	}
	return q.dead
}

func (q *Queue) Policy(ctx context.Context) (driver.Policy, error) { return q.config.Live.Policy(ctx) }

func (q *Queue) Stats(ctx context.Context) (driver.Stats, error) {
	if err := q.open(ctx); err != nil {
		return driver.Stats{}, err
	}
	return driver.Stats{}, driver.Errorf(driver.Unsupported, "limited: stats", "the broker does not count")
}

// As takes a **Queue.
func (q *Queue) As(target any) bool {
	p, ok := target.(**Queue)
	if ok {
		*p = q
	}
	return ok
}

func (q *Queue) Close(ctx context.Context) error {
	if err := q.config.Dead.Close(ctx); err != nil {
		return err
	}
	return q.config.Live.Close(ctx)
}

// move sends a copy to one queue and deletes the original from the other.
func (q *Queue) move(ctx context.Context, to driver.Queue, m driver.Message, from driver.Source, l driver.Lease, deleteFirst bool) error {
	send := func() error { return to.Send(ctx, []driver.Message{m})[0].Err }
	drop := func() error {
		return quiet(from.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})[0])
	}
	steps := []func() error{send, drop}
	if deleteFirst {
		steps = []func() error{drop, send}
	}
	if err := steps[0](); err != nil {
		return err
	}
	if q.cut.CompareAndSwap(true, false) {
		return driver.Errorf(driver.Unavailable, "limited: settle", "cut off in the middle of a move")
	}
	return steps[1]()
}

// quiet is err, or nil for a stale lease, which this broker does not notice.
func quiet(err error) error {
	if driver.Is(err, driver.LeaseLost) {
		return nil
	}
	return err
}

var _ driver.Queue = (*Queue)(nil)
