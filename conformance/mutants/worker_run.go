package mutants

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func workRunMutants() []Mutant {
	return []Mutant{
		{Name: "keeps no lease", On: onMem, CaughtBy: by("work-long"),
			Work: seeing(fault(fq.Extend, func(_ context.Context, c *fq.Call, _ fq.Next) { swallowExtend(c) }))},
		{Name: "keeps a lease for two holds only", On: onMem, CaughtBy: by("work-long"), Work: seeing(extendsTwice)},
		{Name: "acks what it receives", On: onMem, CaughtBy: by("work-ack-after", "lost-worker", "drain-leaves-stubborn"), Work: seeing(acksFirst)},
		{Name: "acks what failed", On: onMem, CaughtBy: by("work-ack-after", "retry-delays"),
			Work: verdicts(driver.Release, func(v *driver.Settlement) { v.Verdict, v.Delay = driver.Ack, 0 })},
		{Name: "runs each handler twice", On: onMem, CaughtBy: by("work-long", "work-ack-after", "work-concurrency"),
			Work: around(func(next runtime.HandlerFunc) runtime.HandlerFunc {
				return func(ctx context.Context, task *runtime.Info) error {
					if err := next(ctx, task); err != nil {
						return err
					}
					return next(ctx, task)
				}
			})},
		{Name: "ends handlers after two holds", On: onMem, CaughtBy: by("work-long"),
			Work: func(j *conformance.Job) { j.Handle = append(j.Handle, runtime.Timeout(60*time.Second)) }},
		{Name: "drops the attributes of tasks", On: onMem, CaughtBy: by("work-contents", "enqueue-order-of-middleware"),
			Work: seeing(views(func(_ *fq.Call, v *fq.View) { v.Message.Attributes = nil }))},
		{Name: "counts attempts from 2", On: onMem, CaughtBy: by("work-contents", "retry-exhausted", "retry-at-once"),
			Work: seeing(views(func(_ *fq.Call, v *fq.View) { v.Attempt++ }))},
		{Name: "runs one handler at a time", On: onMem, CaughtBy: by("work-concurrency"),
			Work: func(j *conformance.Job) { j.Options.Concurrency = 1 }},
		{Name: "runs one handler too many", On: onMem, CaughtBy: by("work-concurrency"),
			Work: func(j *conformance.Job) { j.Options.Concurrency++ }},
		{Name: "has middleware the wrong way round", On: onMem, CaughtBy: by("work-order-of-middleware"),
			Work: func(j *conformance.Job) {
				j.Middleware = slices.Clone(j.Middleware)
				slices.Reverse(j.Middleware)
			}},
		{Name: "leaves middleware out", On: onMem, CaughtBy: by("work-order-of-middleware"),
			Work: func(j *conformance.Job) { j.Middleware = nil }},
		{Name: "hides errors from middleware", On: onMem, CaughtBy: by("work-order-of-middleware"), Work: hidesErrors},
		{Name: "has client middleware the wrong way round", On: onMem, CaughtBy: by("enqueue-order-of-middleware"),
			Client: func(q driver.Queue, o *runtime.ClientOptions) driver.Queue {
				o.Middleware = slices.Clone(o.Middleware)
				slices.Reverse(o.Middleware)
				return q
			}},
		{Name: "leaves client middleware out", On: onMem, CaughtBy: by("enqueue-order-of-middleware"),
			Client: func(q driver.Queue, o *runtime.ClientOptions) driver.Queue { o.Middleware = nil; return q }},
		{Name: "leaves middleware to the handler", On: onMem, CaughtBy: by("work-skip"), Work: wrapsHandler},
		{Name: "takes a task that is skipped for a failure", On: onMem, CaughtBy: by("work-skip"),
			Work: middleware(func(err error) error {
				if errors.Is(err, runtime.ErrSkip) {
					return errors.New("skipped")
				}
				return err
			})},
		{Name: "skips what middleware forgets", On: onMem, CaughtBy: by("work-skip"),
			Work: middleware(func(err error) error {
				if err == nil {
					return runtime.ErrSkip
				}
				return err
			})},
		{Name: "tells nobody of the dead", On: onMem, CaughtBy: by("work-hooks"),
			Work: func(j *conformance.Job) { j.Options.OnDead = nil }},
		{Name: "tells of the dead at each error", On: onMem, CaughtBy: by("work-hooks"),
			Work: func(j *conformance.Job) {
				if j.Options.OnDead != nil {
					j.Options.OnError = j.Options.OnDead
				}
			}},
		{Name: "tells nobody of what went well", On: onMem, CaughtBy: by("work-hooks"),
			Work: func(j *conformance.Job) {
				if on := j.Options.OnSettled; on != nil {
					j.Options.OnSettled = func(s runtime.Settled) {
						if s.Decision.Err != nil {
							on(s)
						}
					}
				}
			}},
		{Name: "has no time limits", On: onMem, CaughtBy: by("work-timeout", "work-hard-timeout"),
			Work: func(j *conformance.Job) { j.Handle = nil }},
		{Name: "ends handlers without a cause", On: onMem, CaughtBy: by("work-timeout", "lost-cancels", "drain-tells"), Work: around(withoutCause)},
		{Name: "is two workers", On: onMem, CaughtBy: by("work-concurrency", "work-hard-timeout"),
			Run: func(ctx context.Context, j conformance.Job, sound engine) error {
				var other sync.WaitGroup
				other.Go(func() { _ = sound(ctx, j) })
				defer other.Wait()
				return sound(ctx, j)
			}},
		{Name: "extends what it settles", On: onMem, CaughtBy: by("work-one-call-a-lease"), Work: seeing(extendsAtSettle)},
		{Name: "settles twice", On: onMem, CaughtBy: by("work-one-call-a-lease"),
			Work: seeing(using(fq.Settle, func(driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					next(ctx, c)
					again := *c
					next(ctx, &again)
				}
			}))},
		{Name: "gives up a settle that fails", On: onMem, CaughtBy: by("work-settle-again"),
			Work: seeing(lie(fq.Settle, nil, func(c *fq.Call) {
				for i, err := range c.Settled {
					if driver.Retryable(err) {
						c.Settled[i] = driver.Errorf(driver.InvalidArgument, "mutant: settle", "%w", err)
					}
				}
			}))},
		{Name: "keeps no lease of what it could not settle", On: onMem, CaughtBy: by("work-settle-again"), Work: seeing(dropsUnsettled)},
	}
}

// wrapsHandler calls middleware as a part of the handler.
func wrapsHandler(j *conformance.Job) {
	layers := j.Middleware
	j.Middleware = nil
	around(func(next runtime.HandlerFunc) runtime.HandlerFunc {
		for _, layer := range slices.Backward(layers) {
			next = layer(next)
		}
		return next
	})(j)
}

// middleware changes what all middleware answers.
func middleware(f func(err error) error) func(*conformance.Job) {
	return func(j *conformance.Job) {
		if len(j.Middleware) == 0 {
			return
		}
		outer := func(next runtime.HandlerFunc) runtime.HandlerFunc {
			return func(ctx context.Context, task *runtime.Info) error { return f(next(ctx, task)) }
		}
		j.Middleware = slices.Concat([]runtime.Middleware{outer}, j.Middleware)
	}
}

// withoutCause ends the handler's context as it should, with no word why.
func withoutCause(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(ctx context.Context, task *runtime.Info) error {
		plain, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		return next(plain, task)
	}
}

// extendsTwice swallows all extends of a message but two.
func extendsTwice(q driver.Queue) driver.Queue {
	var mu sync.Mutex
	n := make(map[string]int) // guarded by mu
	return fq.New(q, fq.Rule{Op: fq.Extend, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		mu.Lock()
		var swallow []int
		for i, l := range c.Leases {
			if n[l.Message().ID]++; n[l.Message().ID] > 2 {
				swallow = append(swallow, i)
			}
		}
		mu.Unlock()
		fq.On(func(i int) bool { return slices.Contains(swallow, i) },
			func(_ context.Context, c *fq.Call, _ fq.Next) { swallowExtend(c) })(ctx, c, next)
	}})
}

// acksFirst acks what it receives, and does nothing when it is settled.
func acksFirst(q driver.Queue) driver.Queue {
	return fq.New(q,
		fq.Rule{Op: fq.Receive, Match: live, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
			next(ctx, c)
			for _, l := range c.Received {
				q.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})
			}
		}},
		fq.Rule{Op: fq.Extend, Match: live, Fault: func(_ context.Context, c *fq.Call, _ fq.Next) { swallowExtend(c) }},
		fq.Rule{Op: fq.Settle, Match: live, Fault: func(_ context.Context, c *fq.Call, _ fq.Next) { c.Fail(nil) }},
	)
}

// live picks the calls that are not on the dead letter.
func live(c *fq.Call) bool { return !c.Dead }

// hidesErrors keeps the handler's error from all middleware, and returns it.
func hidesErrors(j *conformance.Job) {
	var mu sync.Mutex
	hidden := make(map[*runtime.Info]error) // guarded by mu
	inner := func(next runtime.HandlerFunc) runtime.HandlerFunc {
		return func(ctx context.Context, task *runtime.Info) error {
			err := next(ctx, task)
			mu.Lock()
			defer mu.Unlock()
			hidden[task] = err
			return nil
		}
	}
	outer := func(next runtime.HandlerFunc) runtime.HandlerFunc {
		return func(ctx context.Context, task *runtime.Info) error {
			if err := next(ctx, task); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			return hidden[task]
		}
	}
	j.Middleware = slices.Concat([]runtime.Middleware{outer}, j.Middleware, []runtime.Middleware{inner})
}

// extendsAtSettle begins an extend while a settle is under way.
func extendsAtSettle(q driver.Queue) driver.Queue {
	return fq.New(q, fq.Rule{Op: fq.Settle, Match: live, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		leases := make([]driver.Lease, len(c.Batch))
		for i, v := range c.Batch {
			leases[i] = v.Lease
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			q.Extend(ctx, leases, 0)
		}()
		next(ctx, c)
		<-done
	}})
}

// dropsUnsettled swallows extends once a settle has failed.
func dropsUnsettled(q driver.Queue) driver.Queue {
	var mu sync.Mutex
	failed := false // guarded by mu
	return fq.New(q,
		fq.Rule{Op: fq.Settle, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
			next(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			failed = failed || slices.ContainsFunc(c.Settled, driver.Retryable)
		}},
		fq.Rule{Op: fq.Extend, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
			mu.Lock()
			swallow := failed
			mu.Unlock()
			if swallow {
				swallowExtend(c)
				return
			}
			next(ctx, c)
		}},
	)
}
