package mem

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// The limits of every in-memory queue.
const (
	minHold     = 10 * time.Millisecond
	maxHold     = 12 * time.Hour
	maxDelay    = 24 * time.Hour
	grain       = time.Millisecond
	maxBatch    = 1000
	maxBody     = 1 << 20
	maxReceives = 1000
	minWindow   = time.Second
	maxWindow   = 24 * time.Hour
)

// Options configure a queue. The zero value of each field is its default.
type Options struct {
	// Hold is how long a lease runs unless the caller says: 10 ms to 12 h,
	// default 30 s.
	Hold time.Duration
	// MaxReceives is the number of deliveries after which the queue itself
	// buries a message: 1 to 1,000, default 100. Without a dead letter it has no
	// effect.
	MaxReceives int
	// Ordered delivers the messages of a group one at a time and in order.
	Ordered bool
	// GroupBatches, with Ordered, delivers several messages of a group in one
	// Receive, in order, and no others of it until all those are settled, as
	// Amazon SQS does on a FIFO queue.
	GroupBatches bool
	// NoDeadLetter makes a queue without a dead letter.
	NoDeadLetter bool
	// DedupWindow is how long a deduplication key is remembered: 1 s to 24 h,
	// default 5 min.
	DedupWindow time.Duration
}

// withDefaults checks the options and fills in the defaults.
func (o Options) withDefaults() (Options, error) {
	fill := func(d *time.Duration, absent time.Duration) {
		if *d == 0 {
			*d = absent
		}
	}
	fill(&o.Hold, 30*time.Second)
	fill(&o.DedupWindow, 5*time.Minute)
	if o.MaxReceives == 0 {
		o.MaxReceives = 100
	}
	switch {
	case o.Hold < minHold || o.Hold > maxHold:
		return o, fmt.Errorf("hold %v is not within %v to %v", o.Hold, minHold, maxHold)
	case o.MaxReceives < 1 || o.MaxReceives > maxReceives:
		return o, fmt.Errorf("max receives %d is not within 1 to %d", o.MaxReceives, maxReceives)
	case o.DedupWindow < minWindow || o.DedupWindow > maxWindow:
		return o, fmt.Errorf("dedup window %v is not within %v to %v", o.DedupWindow, minWindow, maxWindow)
	}
	return o, nil
}

// Queue is a handle to an in-memory queue. It is safe for concurrent use.
type Queue struct {
	source // of the live messages
	dead   source

	closed atomic.Bool
	done   chan struct{} // closed by Close
}

// New makes a queue that only the returned handle reaches. InvalidArgument for
// a name that is empty or options that are out of range; nil options are the
// defaults.
func New(name string, opts *Options) (*Queue, error) {
	if opts == nil {
		opts = new(Options)
	}
	if name == "" {
		return nil, driver.Errorf(driver.InvalidArgument, "mem: new", "the name is empty; give the queue one")
	}
	o, err := opts.withDefaults()
	if err != nil {
		return nil, &driver.Error{Code: driver.InvalidArgument, Op: fmt.Sprintf("mem: new %q", name), Err: err}
	}
	return newBroker(name, o).handle(), nil
}

// Send stores the messages. InvalidArgument, TooLarge or Unsupported for a
// message that the queue cannot take.
func (q *Queue) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	if len(batch) == 0 {
		return nil
	}
	b := q.broker
	if err := q.check(ctx, b.ops.send, len(batch)); err != nil {
		return driver.FailSend(len(batch), err)
	}
	results := make([]driver.SendResult, len(batch))
	var few [4]*entry // spares single sends an allocation
	entries := append(few[:0], make([]*entry, len(batch))...)
	for i := range batch {
		if err := driver.CheckMessage(b.ops.send, &b.capabilities, &batch[i]); err != nil {
			results[i].Err = err
			continue
		}
		entries[i] = &entry{content: sent(&batch[i])}
	}
	b.send(batch, entries, results)
	return results
}

// Withdraw takes back a message that was sent with a delay and is not due. The id
// is that of its result. NotFound when it is due or gone, or was never delayed.
func (q *Queue) Withdraw(ctx context.Context, id string) error {
	op := q.broker.ops.withdraw
	if err := q.check(ctx, op, 1); err != nil {
		return err
	}
	if !q.broker.withdraw(id) {
		return driver.Errorf(driver.NotFound, op, "no message %q is delayed; it may be due, gone, or sent without a delay", id)
	}
	return nil
}

// DeadLetter is the queue's dead letter; without one every call on it answers
// NotFound.
func (q *Queue) DeadLetter() driver.DeadLetter { return (*deadLetter)(q) }

// Policy is what the queue was opened with.
func (q *Queue) Policy(ctx context.Context) (driver.Policy, error) {
	b := q.broker
	if err := q.check(ctx, b.ops.policy, 1); err != nil {
		return driver.Policy{}, err
	}
	p := driver.Policy{Hold: b.options.Hold, Retention: driver.Unlimited}
	if !b.options.NoDeadLetter {
		p.MaxAttempts = b.options.MaxReceives
		p.DeadLetterTarget = b.name + "-dead"
		p.DeadLetterReadable = true
		p.DeadLetterRetention = driver.Unlimited
	}
	return p, nil
}

// Stats counts the messages, exactly. The oldest age may be up to a millisecond
// too high.
func (q *Queue) Stats(ctx context.Context) (driver.Stats, error) {
	if err := q.check(ctx, q.broker.ops.stats, 1); err != nil {
		return driver.Stats{}, err
	}
	return q.broker.stats(), nil
}

// Capabilities says what the queue can do; see the package documentation.
func (q *Queue) Capabilities() driver.Capabilities { return q.broker.capabilities }

// As takes a **Queue.
func (q *Queue) As(target any) bool {
	switch p := target.(type) {
	case **Queue:
		*p = q
	case *driver.System:
		*p = "longshore_mem"
	default:
		return false
	}
	return true
}

// Close ends the handle: receives that wait answer Closed at once, and every
// later call does. With the last handle the messages are gone.
func (q *Queue) Close(context.Context) error {
	if q.closed.CompareAndSwap(false, true) {
		close(q.done)
		q.broker.release(q)
	}
	return nil
}

// check refuses a call of n items on a closed handle, with an ended context or
// with too many items.
func (q *Queue) check(ctx context.Context, op string, n int) error {
	if q.closed.Load() {
		return driver.Errorf(driver.Closed, op, "the queue is closed")
	}
	if err := driver.CheckBatch(op, n, maxBatch); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return driver.ContextError(ctx, op)
	}
	return nil
}

func capabilities(o Options) driver.Capabilities {
	native := driver.Support{Level: driver.LevelNative}
	c := driver.Capabilities{
		MaxSendBatch: maxBatch, MaxReceiveBatch: maxBatch, MaxSettleBatch: maxBatch,
		MaxBody: maxBody, MaxAttributes: 8, MaxAttributeValue: 4096,
		MinAttempts: 1, MaxAttempts: maxReceives,
		MinHold: minHold, MaxHold: maxHold, MaxTotalHold: maxHold, HoldGrain: grain,
		MaxSendDelay: maxDelay, MaxReleaseDelay: maxHold,
		Ordered: o.Ordered, CancelSafe: true,
		ExactAttempts: native, StaleSettleDetected: native, SendDelay: native, ReleaseDelay: native,
		Fairness: driver.Support{Level: driver.LevelEmulated, Note: "the key is kept and has no effect"},
		Dedup:    native, AtomicBury: native, AtomicRedrive: native, Depth: native,
	}
	if o.Ordered {
		c.MaxSendDelay = 0
		c.SendDelay = driver.Support{Note: "a delayed message would hold up its group"}
	}
	if o.NoDeadLetter {
		none := driver.Support{Note: "the queue was opened without a dead letter"}
		c.AtomicBury, c.AtomicRedrive = none, none
	}
	return c
}

var (
	_ driver.Queue      = (*Queue)(nil)
	_ driver.Withdrawer = (*Queue)(nil)
)
