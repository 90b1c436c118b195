package mutants

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func workLeaseMutants() []Mutant {
	settle := func(verdict driver.Verdict) func(q driver.Queue, l driver.Lease) {
		return func(q driver.Queue, l driver.Lease) {
			v := driver.Settlement{Lease: l, Verdict: verdict}
			if verdict == driver.Bury {
				v.Reason = "lost"
			}
			q.Settle(context.Background(), []driver.Settlement{v})
		}
	}
	return []Mutant{
		{Name: "leases for four holds", On: onMem, CaughtBy: by("lost-worker"),
			Work: func(j *conformance.Job) { j.Options.Hold = 2 * time.Minute }},
		{Name: "never ends a handler's context", On: onMem, CaughtBy: by("lost-cancels", "lost-in-silence", "drain-tells", "work-timeout"),
			Work: around(func(next runtime.HandlerFunc) runtime.HandlerFunc {
				return func(ctx context.Context, task *runtime.Info) error { return next(context.WithoutCancel(ctx), task) }
			})},
		{Name: "takes no notice of lost leases", On: onMem, CaughtBy: by("lost-cancels", "lost-no-copy"), Work: seeing(hidesFromExtend(driver.LeaseLost))},
		{Name: "takes every extend for a success", On: onMem, CaughtBy: by("lost-in-silence"), Work: seeing(hidesFromExtend(driver.Unavailable))},
		{Name: "takes a lease for lost when an extend fails", On: onMem, CaughtBy: by("lost-in-silence"),
			Work: seeing(lie(fq.Extend, nil, func(c *fq.Call) {
				for i, r := range c.Extended {
					if r.Err != nil {
						c.Extended[i].Err = driver.Errorf(driver.LeaseLost, "mutant: extend", "%w", r.Err)
					}
				}
			}))},
		{Name: "releases what it lost", On: onMem, CaughtBy: by("lost-cancels", "lost-in-silence"), Work: whenEnded(runtime.ErrLeaseLost, settle(driver.Release))},
		{Name: "buries what it lost", On: onMem, CaughtBy: by("lost-cancels"), Work: whenEnded(runtime.ErrLeaseLost, settle(driver.Bury))},
		{Name: "copies what it lost", On: onMem, CaughtBy: by("lost-cancels", "lost-in-silence"),
			Work: whenEnded(runtime.ErrLeaseLost, func(q driver.Queue, l driver.Lease) {
				q.Send(context.Background(), []driver.Message{driver.CopyOf(l.Message())})
			})},
		{Name: "acks what it lost", On: onBatches, CaughtBy: by("group-after-loss", "lost-cancels"), Work: whenEnded(runtime.ErrLeaseLost, settle(driver.Ack))},
		{Name: "takes no notice of lost leases", On: onBatches, CaughtBy: by("group-after-loss"), Work: seeing(hidesFromExtend(driver.LeaseLost))},
		{Name: "does not ack what it lost", On: onMem, CaughtBy: by("lost-success"), Work: seeing(dropsLateAcks)},
		{Name: "acks three times", On: onMem, CaughtBy: by("lost-success"),
			Work: seeing(fault(fq.Settle, func(ctx context.Context, c *fq.Call, next fq.Next) {
				for range 3 {
					if next(ctx, c); c.Settled[0] == nil {
						return
					}
				}
			}))},
		{Name: "releases after a success on a lost lease", On: onMem, CaughtBy: by("lost-success"), Work: seeing(releasesLate)},
		{Name: "takes what comes again for another message", On: onMem, CaughtBy: by("lost-received-again"),
			Work: seeing(views(func(_ *fq.Call, v *fq.View) { v.Message.ID = fmt.Sprint(v.Message.ID, "-", v.Attempt) }))},
		{Name: "does not receive while it runs", On: onMem, CaughtBy: by("work-concurrency", "lost-received-again"),
			Work: func(j *conformance.Job) { j.Options.Concurrency = 1 }},
		{Name: "forgets of what it sent a copy", On: onMem, CaughtBy: by("lost-copies"),
			Work: seeing(views(func(_ *fq.Call, v *fq.View) { v.Message.ID = fmt.Sprint(v.Message.ID, "-", v.Attempt) }))},
		{Name: "sends each copy thrice", On: onMem, CaughtBy: by("lost-copies"),
			Work: seeing(fault(fq.Send, func(ctx context.Context, c *fq.Call, next fq.Next) {
				for range 2 {
					again := *c
					again.Messages = make([]driver.Message, len(c.Messages))
					for i, m := range c.Messages {
						m.SendID = ""
						again.Messages[i] = m
					}
					next(ctx, &again)
				}
				next(ctx, c)
			}))},
	}
}

// hidesFromExtend turns errors with a code into success.
func hidesFromExtend(code driver.Code) breaker {
	return lie(fq.Extend, nil, func(c *fq.Call) {
		for i, r := range c.Extended {
			if driver.Is(r.Err, code) {
				c.Extended[i] = driver.ExtendResult{Expires: time.Now().Add(30 * time.Second)}
			}
		}
	})
}

// whenEnded does something with the lease of a task when its handler's context
// ends with a cause.
func whenEnded(cause error, do func(q driver.Queue, l driver.Lease)) func(*conformance.Job) {
	return func(j *conformance.Job) {
		var mu sync.Mutex
		leases := make(map[string]driver.Lease) // guarded by mu; by the note of the task's attempt
		inner := j.Queue
		j.Queue = fq.New(inner, fq.Rule{Op: fq.Receive, Match: live, Fault: fq.Lie(nil, func(c *fq.Call) {
			mu.Lock()
			defer mu.Unlock()
			for _, l := range c.Received {
				leases[string(l.Message().Body)] = l
			}
		})})
		of := func(id runtime.TaskID) driver.Lease {
			mu.Lock()
			defer mu.Unlock()
			for body, l := range leases {
				if conformance.TaskOf([]byte(body)) == id {
					return l
				}
			}
			return nil
		}
		around(func(next runtime.HandlerFunc) runtime.HandlerFunc {
			return func(ctx context.Context, task *runtime.Info) error {
				l := of(task.ID)
				err := next(ctx, task)
				if l != nil && errors.Is(context.Cause(ctx), cause) {
					do(inner, l)
				}
				return err
			}
		})(j)
	}
}

// late says whether the first lease of a message has run out.
func late(l driver.Lease) bool { return time.Since(l.Received()) > 40*time.Second }

// dropsLateAcks never tries to ack what was leased long ago.
func dropsLateAcks(q driver.Queue) driver.Queue {
	return instead(func(_ *fq.Call, v driver.Settlement) bool { return late(v.Lease) },
		func(context.Context, driver.Queue, driver.Settlement, func(driver.Settlement) error) error {
			return driver.Errorf(driver.LeaseLost, "mutant: settle", "the lease ran out")
		})(q)
}

// releasesLate releases what was leased long ago in place of the ack.
func releasesLate(q driver.Queue) driver.Queue {
	return instead(func(_ *fq.Call, v driver.Settlement) bool { return late(v.Lease) },
		func(_ context.Context, _ driver.Queue, v driver.Settlement, sound func(driver.Settlement) error) error {
			return sound(driver.Settlement{Lease: v.Lease, Verdict: driver.Release})
		})(q)
}
