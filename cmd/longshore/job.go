package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/mem" // mem://
	"github.com/longshore-dev/longshore/runtime"
)

// maxTold is how many dead lines are told one by one.
const maxTold = 10

// job is one run of lines through a queue.
type job struct {
	options *runOptions
	std     streams
	screen  *screen
	account *account
	failed  *failedFile
	command *command // nil with --http

	openQueue func(ctx context.Context, url string) (driver.Queue, error)

	queues *runtime.Queues
	queue  driver.Queue
	client *runtime.Client
	worker *runtime.Worker

	started chan struct{} // closed by the worker when its start-up check has passed

	stop     context.CancelCauseFunc // ends the reading and the worker; set before any of both
	readAll  atomic.Bool             // the input was read to its end
	lastLine int                     // number of the last line that was taken; of feed
	told     atomic.Int64            // dead lines
	noOutput atomic.Pointer[error]   // why a command's output was not all written; nil when it was
}

// newJob checks what needs no queue.
func newJob(o *runOptions, std streams) (*job, error) {
	j := &job{options: o, std: std, screen: newScreen(std.err), stop: func(error) {}, started: make(chan struct{}), openQueue: driver.Default.Open}
	var err error
	j.failed, err = newFailedFile(o.failed, func(record string) { j.screen.printf("%s", record) })
	j.account = newAccount(j.failed)
	return j, err
}

// handler is what does a task.
func (j *job) handler(ctx context.Context) (runtime.HandlerFunc, error) {
	if j.options.http != "" {
		p, err := newPoster(j.options.http, j.options.concurrency)
		if err != nil {
			return nil, err
		}
		return p.handle, nil
	}
	output := &lineOutput{to: j.commandOutput(), broken: func(err error) {
		j.noOutput.CompareAndSwap(nil, &err)
		j.stop(errNoOutput)
	}}
	var err error
	if j.command, err = newCommand(ctx, j.options.exec, output); err != nil {
		return nil, err
	}
	return j.command.handle, nil
}

// commandOutput is where the standard output of commands goes.
func (j *job) commandOutput() io.Writer {
	switch {
	case j.options.json && j.screen.isTTY, isTerminal(j.std.out) && j.screen.isTTY:
		return escaped{j.screen}
	case j.options.json:
		return j.screen
	case isTerminal(j.std.out):
		return escaped{j.std.out}
	}
	return j.std.out
}

// open opens the queue and makes a worker that does tasks with handle.
func (j *job) open(ctx context.Context, handle runtime.HandlerFunc) error {
	q, err := j.openQueue(ctx, j.options.queue)
	if err != nil {
		return &usageError{err, "longshore run --help lists the queue URLs and their parameters"}
	}
	j.queue, j.queues = q, new(runtime.Queues)
	if err := j.queues.Add(runtime.QueueInfo{Name: runtime.QueueName(j.options.queue), Driver: j.queue}); err != nil {
		return errors.Join(err, q.Close(ctx))
	}
	if err := j.build(handle); err != nil {
		return errors.Join(err, j.queues.Close(ctx))
	}
	return nil
}

// build makes the client and the worker.
func (j *job) build(handle runtime.HandlerFunc) error {
	o := j.options
	logger := j.logger()
	options := []runtime.HandleOption{runtime.Retry(o.retryPolicy())}
	if o.timeout > 0 {
		options = append(options, runtime.Timeout(o.timeout))
	}
	mux := runtime.NewMux(&runtime.MuxOptions{Logger: logger})
	mux.HandleRaw(o.kind, func(ctx context.Context, t *runtime.Info) error {
		j.account.begin(t)
		return handle(ctx, t)
	}, options...)
	var err error
	if j.client, err = runtime.NewClient(j.queues, nil); err != nil {
		return err
	}
	j.worker, err = runtime.NewWorker(j.queues, mux, &runtime.WorkerOptions{
		Concurrency: o.concurrency, Hold: o.hold, Grace: o.grace, Logger: logger,
		OnStart: func() { close(j.started) }, OnSettled: j.settled,
	})
	return err
}

// logger takes the worker's own log: its troubles, and all with --verbose.
func (j *job) logger() *slog.Logger {
	level := slog.LevelWarn
	if j.options.verbose {
		level = slog.LevelDebug
	}
	return slog.New(ownTroubles{slog.NewTextHandler(j.screen, &slog.HandlerOptions{Level: level}), j.options.verbose})
}

// ownTroubles drops records about a task, which the job tells itself, and those
// about a message unless it is verbose.
type ownTroubles struct {
	slog.Handler
	verbose bool
}

func (h ownTroubles) Handle(ctx context.Context, r slog.Record) error {
	about := false
	r.Attrs(func(a slog.Attr) bool {
		about = a.Key == "task" || a.Key == "message" && !h.verbose
		return !about
	})
	if about {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h ownTroubles) WithAttrs(attrs []slog.Attr) slog.Handler {
	return ownTroubles{h.Handler.WithAttrs(attrs), h.verbose}
}

func (h ownTroubles) WithGroup(name string) slog.Handler {
	return ownTroubles{h.Handler.WithGroup(name), h.verbose}
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
