package main

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// maxTold is how many dead lines are told one by one.
const maxTold = 10

// job is one run of lines through a queue.
type job struct {
	doer
	options *runOptions
	account *account
	failed  *failedFile

	openQueue opener

	queues   *runtime.Queues
	payloads *runtime.Payloads // nil for none
	store    io.Closer         // of payloads
	queue    driver.Queue
	client   *runtime.Client
	worker   *runtime.Worker

	started chan struct{} // closed by the worker when its start-up check has passed

	readAll  atomic.Bool  // the input was read to its end
	lastLine int          // number of the last line that was taken; of feed
	told     atomic.Int64 // dead lines
}

// newJob checks what needs no queue.
func newJob(o *runOptions, std streams) (*job, error) {
	j := &job{doer: newDoer(&o.workerFlags, std), options: o, started: make(chan struct{}), openQueue: byURL}
	var err error
	j.failed, err = newFailedFile(o.failed, func(record string) { j.screen.printf("%s", record) })
	j.account = newAccount(j.failed)
	return j, err
}

// open opens the queue and makes a worker that does tasks with handle.
func (j *job) open(ctx context.Context, handle runtime.HandlerFunc) error {
	var err error
	if j.queues, err = openQueues(ctx, j.openQueue, j.options.settings, "longshore run"); err != nil {
		return err
	}
	j.queue = j.queues.All()[0].Driver
	if j.payloads, j.store, err = j.options.openPayloads(ctx); err == nil {
		err = j.build(handle)
	}
	if err != nil {
		return errors.Join(err, j.store.Close(), j.queues.Close(ctx))
	}
	return nil
}

// build makes the client and the worker.
func (j *job) build(handle runtime.HandlerFunc) error {
	o := j.options
	logger := j.logger()
	mux := runtime.NewMux(&runtime.MuxOptions{Logger: logger, Payloads: j.payloads, Telemetry: j.telemetry.runtime})
	mux.HandleRaw(o.kind, func(ctx context.Context, t *runtime.Info) error {
		j.account.begin(t)
		return handle(ctx, t)
	}, o.handleOptions()...)
	var err error
	if j.client, err = runtime.NewClient(j.queues, &runtime.ClientOptions{Payloads: j.payloads, Telemetry: j.telemetry.runtime}); err != nil {
		return err
	}
	options := o.workerOptions()
	options.Logger, options.OnStart, options.OnSettled = logger, func() { close(j.started) }, j.settled
	if j.worker, err = runtime.NewWorker(j.queues, mux, options); err != nil {
		return err
	}
	j.telemetry.serve(j.worker, j.screen)
	return nil
}

// settled is told how each delivery ended.
func (j *job) settled(s runtime.Settled) {
	o, ok := j.account.settle(&s)
	switch {
	case !ok:
	case o.dead:
		if j.tellDead() {
			j.screen.printf("line %d is dead after %s (%s): %s", o.number, count(o.attempt, "attempt"), o.reason, brief(o.err))
		}
	case j.options.verbose:
		j.screen.printf("line %d: attempt %d of %d failed, again in %v: %s",
			o.number, o.attempt, o.of, delayOf(&s.Decision).Round(time.Millisecond), brief(o.err))
	}
}

// delayOf is how long a task that is tried again waits. A delay over what the
// queue gives a release is that of a copy.
func delayOf(d *runtime.Decision) time.Duration {
	if d.Copy != nil {
		return max(0, time.Until(d.Copy.Carry.NotBefore))
	}
	return d.Settlement.Delay
}

// tellDead counts a dead line and says whether to tell of it.
func (j *job) tellDead() bool { return j.told.Add(1) <= maxTold || j.options.verbose }
