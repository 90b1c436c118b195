// Package mutants holds queues that each break one promise of the driver
// contract, and workers that each break one of the runtime. The conformance suite
// must fail on every one of them, and each of its checks must fail on at least
// one: that is how the suite itself is proven.
//
// A mutant names the checks that must catch it, one or more. Others may catch it
// too; its test logs them all.
package mutants

import (
	"context"
	"slices"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// The sound queues that mutants break.
const (
	onMem     = "mem"
	onOrdered = "mem ordered"
	onBatches = "mem ordered batches"
	onLimited = "limited"
)

// Mutant is a sound queue with one mistake, or a sound worker on a sound queue
// with one.
type Mutant struct {
	Name     string   // what it does wrong
	On       string   // the profile of the sound queue: "mem", "mem ordered", "mem ordered batches" or "limited"
	CaughtBy []string // checks that must fail on it

	// Break makes the mutant of a sound queue; nil where Options does.
	Break func(q driver.Queue) driver.Queue
	// Declares changes what the queue declares and the profile pins.
	Declares func(*driver.Capabilities)
	// Options changes what the sound queue is opened with; nil for nothing.
	Options func(*conformance.Options)
	// Flaw names a mistake that the limited queue has built in.
	Flaw string

	// Work, Run, Client and Redrive make the mutant of a sound worker: they change
	// the job that it is given, how it runs that, the queue and the options of the
	// client, and those of what sends dead letters back.
	Work    func(j *conformance.Job)
	Run     func(ctx context.Context, j conformance.Job, sound engine) error
	Client  func(q driver.Queue, o *runtime.ClientOptions) driver.Queue
	Redrive func(q driver.Queue, o *runtime.RedriveOptions) driver.Queue
}

// engine is how a worker runs a job.
type engine = func(ctx context.Context, j conformance.Job) error

// Layer is that of the promise which the mutant breaks.
func (m *Mutant) Layer() conformance.Layer {
	if m.Work != nil || m.Run != nil || m.Client != nil || m.Redrive != nil {
		return conformance.LayerWorker
	}
	return conformance.LayerDriver
}

// All are all mutants, by the theme of the promise.
func All() []Mutant {
	return slices.Concat(sendMutants(), contentMutants(), receiveMutants(), leaseMutants(), holdMutants(), declareMutants(), staleMutants(),
		settleMutants(), releaseMutants(), deadMutants(), redriveMutants(), delayMutants(), dedupMutants(), groupMutants(),
		errorMutants(), configMutants(), loadMutants(),
		workRunMutants(), workRetryMutants(), workDeadMutants(), workLeaseMutants(), workDrainMutants(), workDelayMutants(), workGroupMutants(), workPayloadMutants())
}

func by(checks ...string) []string { return checks }

type breaker = func(driver.Queue) driver.Queue

// fault breaks every call of an op.
func fault(op fq.Op, f fq.Fault) breaker {
	return func(q driver.Queue) driver.Queue { return fq.New(q, fq.Rule{Op: op, Fault: f}) }
}

// lie changes arguments before and results after every call of an op.
func lie(op fq.Op, arguments, results func(c *fq.Call)) breaker {
	return fault(op, fq.Lie(arguments, results))
}

// using breaks every call of an op with a fault that needs the sound queue.
func using(op fq.Op, f func(q driver.Queue) fq.Fault) breaker {
	return func(q driver.Queue) driver.Queue { return fq.New(q, fq.Rule{Op: op, Fault: f(q)}) }
}

// messages changes each message of a Send.
func messages(f func(m *driver.Message)) breaker {
	return lie(fq.Send, func(c *fq.Call) {
		for i := range c.Messages {
			f(&c.Messages[i])
		}
	}, nil)
}

// messagesOf changes the batch of a Send.
func messagesOf(f func(batch []driver.Message)) breaker {
	return lie(fq.Send, func(c *fq.Call) { f(c.Messages) }, nil)
}

// views changes what each received lease tells.
func views(f func(c *fq.Call, v *fq.View)) breaker {
	return lie(fq.Receive, nil, func(c *fq.Call) {
		for i, l := range c.Received {
			c.Received[i] = fq.Wrap(l, func(v *fq.View) { f(c, v) })
		}
	})
}

// settlements changes each settlement before it goes on.
func settlements(f func(c *fq.Call, v *driver.Settlement)) breaker {
	return lie(fq.Settle, func(c *fq.Call) {
		for i := range c.Batch {
			f(c, &c.Batch[i])
		}
	}, nil)
}

// instead does f in place of each settlement that pick chooses; the others go
// on. The sound settle does a settlement of the same source.
func instead(pick func(c *fq.Call, v driver.Settlement) bool, f func(ctx context.Context, q driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error) breaker {
	return using(fq.Settle, func(q driver.Queue) fq.Fault {
		return func(ctx context.Context, c *fq.Call, next fq.Next) {
			if !slices.ContainsFunc(c.Batch, func(v driver.Settlement) bool { return v.Lease != nil && pick(c, v) }) {
				next(ctx, c)
				return
			}
			sound := func(v driver.Settlement) error {
				one := &fq.Call{Op: fq.Settle, Dead: c.Dead, Batch: []driver.Settlement{v}}
				next(ctx, one)
				return one.Settled[0]
			}
			c.Settled = make([]error, len(c.Batch))
			for i, v := range c.Batch {
				if v.Lease != nil && pick(c, v) {
					c.Settled[i] = f(ctx, q, v, sound)
				} else {
					c.Settled[i] = sound(v)
				}
			}
		}
	})
}

// verdict picks settlements with a verdict.
func verdict(want driver.Verdict) func(*fq.Call, driver.Settlement) bool {
	return func(_ *fq.Call, v driver.Settlement) bool { return v.Verdict == want }
}

// moved sends m and acks the lease with the sound settle: a move in two steps.
func moved(ctx context.Context, to driver.Queue, m driver.Message, l driver.Lease, sound func(driver.Settlement) error) error {
	if err := to.Send(ctx, []driver.Message{m})[0].Err; err != nil {
		return err
	}
	return sound(driver.Settlement{Lease: l, Verdict: driver.Ack})
}

// source is where a call goes.
func source(q driver.Queue, c *fq.Call) driver.Source {
	if c.Dead {
		return q.DeadLetter()
	}
	return q
}

// forgive turns results with the code LeaseLost into success.
func forgive(err error) error {
	if driver.Is(err, driver.LeaseLost) {
		return nil
	}
	return err
}
