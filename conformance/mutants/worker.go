package mutants

import (
	"context"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// Engine is the sound worker with the mutant's mistake.
func (m *Mutant) Engine() *conformance.Engine {
	e := conformance.Worker()
	run, client, redrive := e.Run, e.Client, e.Redrive
	if m.Work != nil {
		e.Run = func(ctx context.Context, j conformance.Job) error {
			m.Work(&j)
			return run(ctx, j)
		}
	}
	if m.Run != nil {
		e.Run = func(ctx context.Context, j conformance.Job) error { return m.Run(ctx, j, run) }
	}
	if m.Client != nil {
		e.Client = func(queues *runtime.Queues, o *runtime.ClientOptions) (*runtime.Client, error) {
			changed := new(runtime.ClientOptions)
			if o != nil {
				*changed = *o
			}
			broken, err := each(queues, func(q driver.Queue) driver.Queue { return m.Client(q, changed) })
			if err != nil {
				return nil, err
			}
			return client(broken, changed)
		}
	}
	if m.Redrive != nil {
		e.Redrive = func(ctx context.Context, queues *runtime.Queues, queue string, o *runtime.RedriveOptions) (runtime.RedriveReport, error) {
			changed := new(runtime.RedriveOptions)
			if o != nil {
				*changed = *o
			}
			broken, err := each(queues, func(q driver.Queue) driver.Queue { return m.Redrive(q, changed) })
			if err != nil {
				return runtime.RedriveReport{}, err
			}
			return redrive(ctx, broken, queue, changed)
		}
	}
	return &e
}

// each breaks every queue.
func each(queues *runtime.Queues, f breaker) (*runtime.Queues, error) {
	broken := new(runtime.Queues)
	for _, q := range queues.All() {
		info := *q
		info.Driver = f(q.Driver)
		if err := broken.Add(info); err != nil {
			return nil, err
		}
	}
	return broken, nil
}

// seeing breaks the queue as the worker sees it.
func seeing(b breaker) func(*conformance.Job) {
	return func(j *conformance.Job) { j.Queue = b(j.Queue) }
}

// around wraps the handler.
func around(f func(next runtime.HandlerFunc) runtime.HandlerFunc) func(*conformance.Job) {
	return func(j *conformance.Job) {
		h := j.Handler
		j.Handler = func(ctx context.Context, task *runtime.Task[conformance.Work]) error {
			return f(func(ctx context.Context, _ *runtime.Info) error { return h(ctx, task) })(ctx, task.Info)
		}
	}
}

// failing changes what a handler that fails returns.
func failing(f func(err error) error) func(*conformance.Job) {
	return around(func(next runtime.HandlerFunc) runtime.HandlerFunc {
		return func(ctx context.Context, task *runtime.Info) error {
			err := next(ctx, task)
			if err != nil {
				err = f(err)
			}
			return err
		}
	})
}

// reads changes what the worker sees of each message that it receives.
func reads(f func(m *driver.Message)) func(*conformance.Job) {
	return seeing(views(func(c *fq.Call, v *fq.View) {
		if !c.Dead {
			f(&v.Message)
		}
	}))
}

// copies changes each copy of a task that the worker sends.
func copies(f func(m *driver.Message)) func(*conformance.Job) { return seeing(messages(f)) }

// verdicts changes the settlements with one verdict before they go on.
func verdicts(want driver.Verdict, f func(v *driver.Settlement)) func(*conformance.Job) {
	return seeing(settlements(func(c *fq.Call, v *driver.Settlement) {
		if v.Verdict == want && !c.Dead {
			f(v)
		}
	}))
}
