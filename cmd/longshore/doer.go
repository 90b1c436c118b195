package main

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/longshore-dev/longshore/runtime"
)

// doer does tasks with the command or the server of the flags, for run and work.
type doer struct {
	flags   *workerFlags
	std     streams
	screen  *screen
	command *command // nil with --http

	telemetry *telemetry // set by observe

	stop     context.CancelCauseFunc // ends the worker and what feeds it; set before any of both
	noOutput atomic.Pointer[error]   // why a command's output was not all written; nil when it was
}

func newDoer(flags *workerFlags, std streams) doer {
	return doer{flags: flags, std: std, screen: newScreen(std.err), telemetry: newTelemetry(), stop: func(error) {}}
}

// observe begins to tell what the flags and the environment ask for. The caller
// closes what it began.
func (d *doer) observe(ctx context.Context) (err error) {
	d.telemetry, err = openTelemetry(ctx, true, d.flags.metrics, d.screen, d.logger())
	return err
}

// handler is what does a task.
func (d *doer) handler(ctx context.Context) (runtime.HandlerFunc, error) {
	if d.flags.http != "" {
		p, err := newPoster(d.flags.http, d.flags.concurrency)
		if err != nil {
			return nil, err
		}
		return p.handle, nil
	}
	output := &lineOutput{to: d.commandOutput(), broken: func(err error) {
		d.noOutput.CompareAndSwap(nil, &err)
		d.stop(errNoOutput)
	}}
	var err error
	if d.command, err = newCommand(ctx, d.flags.exec, output); err != nil {
		return nil, err
	}
	return d.command.handle, nil
}

// commandOutput is where the standard output of commands goes.
func (d *doer) commandOutput() io.Writer {
	switch {
	case d.flags.json && d.screen.isTTY, isTerminal(d.std.out) && d.screen.isTTY:
		return escaped{d.screen}
	case d.flags.json:
		return d.screen
	case isTerminal(d.std.out):
		return escaped{d.std.out}
	}
	return d.std.out
}

// ends waits for the worker and for commands that outlast its grace by the time
// they have to end after SIGTERM. It says false when again comes first.
func (d *doer) ends(worker, again <-chan struct{}) bool {
	select {
	case <-worker:
	case <-again:
		return false
	}
	if d.command == nil {
		return true
	}
	select {
	case <-d.command.processes.drained():
		return true
	case <-again:
		return false
	}
}

// killCommands kills what still runs, after an abort.
func (d *doer) killCommands() {
	if d.command != nil {
		d.command.processes.killAll()
	}
}

// logger takes the worker's own log: its troubles, and all with --verbose.
func (d *doer) logger() *slog.Logger {
	level := slog.LevelWarn
	if d.flags.verbose {
		level = slog.LevelDebug
	}
	return slog.New(ownTroubles{slog.NewTextHandler(d.screen, &slog.HandlerOptions{Level: level}), d.flags.verbose})
}

// ownTroubles drops records about a task, which the command tells itself, and those
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
