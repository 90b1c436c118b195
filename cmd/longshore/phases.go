package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// Why a job ends before all is settled, beside a signal.
var (
	errWorkerEnded = errors.New("the worker has ended")
	errNoOutput    = errors.New("the output of the commands cannot be written")
)

// run runs the job: the worker works while the input is read, and ends when all
// is settled. The end of signalled ends it gently, again at once.
func (j *job) run(signalled context.Context, again <-chan struct{}) (int, error) {
	ctx, stop := context.WithCancelCause(signalled)
	defer stop(nil)
	j.stop = stop
	background := context.WithoutCancel(ctx)
	defer j.store.Close()
	defer j.queues.Close(background)
	defer j.telemetry.close(again)

	var workerErr error          // written before ended is closed
	ended := make(chan struct{}) // closed when the worker has ended
	go func() {                  // left behind only by an abort
		defer close(ended)
		workerErr = j.worker.Run(ctx)
		stop(errWorkerEnded)
	}()
	select {
	case <-j.started:
	case <-ended:
		if workerErr != nil {
			return exitUsage, &usageError{workerErr, j.startHint(workerErr)}
		}
	}

	begun := time.Now()
	j.screen.showBar(func() progress { return progress{j.account.snapshot(), j.readAll.Load()} })
	feedErr := j.feed(ctx)
	if feedErr != nil {
		j.screen.printf("%v", feedErr)
	}
	if !j.waitSettled(ctx) {
		j.sayStopping(context.Cause(ctx))
	}
	stop(nil)
	aborted := !j.ends(ended, again)
	j.killCommands()
	totals := j.account.close(j.stats(background))
	j.screen.hideBar()
	switch {
	case aborted || workerErr == nil:
	case driver.Is(workerErr, driver.DeadlineExceeded):
		j.screen.printf("some tasks did not return within %v; their lines are unfinished", j.options.grace)
	default:
		j.screen.printf("%v", workerErr)
	}
	code := j.report(totals, time.Since(begun))
	switch {
	case aborted:
		code = exitAborted
	case workerErr != nil:
		code = exitFailed
	}
	return code, nil
}

// inMemory reports whether the queue ends with this process.
func (j *job) inMemory() bool { return strings.HasPrefix(j.options.settings[0].URL, "mem:") }

// startHint says what to do about a queue that the worker refuses, where that
// takes more than its refusal says.
func (j *job) startHint(refusal error) string {
	if j.inMemory() && strings.Contains(refusal.Error(), "attempt limit") {
		return "set max_receives (at most 1000) in the queue's URL, or lower --max-attempts"
	}
	return ""
}

// feed makes a task of each line of the input, as far as there is room, until
// its end or that of ctx. The error says why it was not read to its end, unless
// ctx does.
func (j *job) feed(ctx context.Context) error {
	limit := dataLimit(j.queues.All()[0], j.payloads)
	reading, stop := context.WithCancel(ctx)
	defer stop()
	lines, why := newLineReader(j.std.in, limit).read(reading)
	for {
		var l line
		var more bool
		select {
		case l, more = <-lines:
		case <-ctx.Done():
			return nil
		}
		switch {
		case more:
			if err := j.enqueue(ctx, &l, limit); ctx.Err() != nil {
				return nil
			} else if err != nil {
				return err
			}
		case errors.Is(why(), io.EOF):
			j.readAll.Store(true)
			return nil
		case ctx.Err() != nil:
			return nil
		default:
			return fmt.Errorf("reading the input failed after line %d: %w", j.lastLine, why())
		}
	}
}

// enqueue makes a task of a line once there is room for it; when ctx ends before
// that, the line is not taken. The error is that the queue did not take it.
func (j *job) enqueue(ctx context.Context, l *line, limit int) error {
	if l.cut() {
		j.refuse(l, fmt.Errorf("it has %d bytes, and queue %q takes at most %d", l.size, j.queues.All()[0].Name, limit))
		return nil
	}
	if !j.account.waitRoom(ctx, l.size) {
		return nil
	}
	j.lastLine = l.number
	j.account.send(l.number, l.data)
	_, err := runtime.EnqueueRaw(ctx, j.client,
		runtime.Raw{Kind: j.options.kind, Data: l.data, ContentType: "application/octet-stream"},
		runtime.ID(j.account.id(l.number)))
	switch {
	case err == nil:
		return nil
	case driver.Is(err, driver.TooLarge) || driver.Is(err, driver.InvalidArgument) || driver.Is(err, driver.Unsupported):
		j.refuse(l, err)
		return nil
	}
	j.account.notSent(l.number, err)
	return fmt.Errorf("line %d could not be enqueued, so no more are read: %w", l.number, err)
}

func (j *job) refuse(l *line, why error) {
	j.lastLine = l.number
	j.account.refuse(l, why)
	if j.tellDead() {
		j.screen.printf("line %d is refused: %s", l.number, brief(why.Error()))
	}
}

// waitSettled waits until every line is settled, and says false when ctx ends
// first. On a queue that nobody else uses it ends too when nothing is left there
// to wait for; the account then shows what was lost.
func (j *job) waitSettled(ctx context.Context) bool {
	return waitOrEmpty(ctx, j.account.waitSettled, func() (counts, *driver.Stats) {
		return j.account.snapshot(), j.stats(ctx)
	})
}

// stats is what is on the queue, if that is exact and nobody else's.
func (j *job) stats(ctx context.Context) *driver.Stats {
	if !j.inMemory() {
		return nil
	}
	s, err := j.queue.Stats(ctx)
	if err != nil {
		return nil
	}
	return &s
}

// sayStopping says why the job ends before all is settled, and what it waits for.
func (j *job) sayStopping(why error) {
	if errors.Is(why, context.Canceled) {
		why = errors.New("stopping")
	}
	j.screen.printf("%v: running tasks have up to %v to end; Ctrl-C again ends at once", why, j.options.grace)
}

// accounting is what --json prints. Its fields are stable.
type accounting struct {
	Sent       int   `json:"sent"`
	Succeeded  int   `json:"succeeded"`
	Dead       int   `json:"dead"`
	Unfinished int   `json:"unfinished"`
	Duplicates int   `json:"duplicates"`
	Lost       int   `json:"lost"`
	Attempts   int   `json:"attempts"`
	ElapsedMS  int64 `json:"elapsed_ms"`
}

// report prints the accounting and answers the exit code.
func (j *job) report(c counts, elapsed time.Duration) int {
	code := exitOK
	if c.Succeeded < c.Sent || !j.readAll.Load() {
		code = exitFailed
	}
	if more := int(j.told.Load()) - maxTold; more > 0 && !j.options.verbose {
		j.screen.printf("… and %s", count(more, "more dead line"))
	}
	if !j.readAll.Load() {
		j.screen.printf("the input was read up to line %d", j.lastLine)
	}
	if j.options.json {
		err := writeJSON(j.std.out, accounting{
			c.Sent, c.Succeeded, c.Dead, c.Unfinished, c.Duplicates, c.Lost, c.Attempts, elapsed.Milliseconds(),
		})
		if err != nil {
			j.screen.printf("the accounting could not be written: %v", err)
			code = exitFailed
		}
	} else {
		j.screen.printf("%s: %s succeeded, %s dead, %s unfinished, %s lost", count(c.Sent, "line"),
			commas(c.Succeeded), commas(c.Dead), commas(c.Unfinished), commas(c.Lost))
		j.screen.printf("%s, %s, %s in %v", count(c.Attempts, "attempt"), count(c.Retries, "retry"),
			count(c.Duplicates, "duplicate"), rounded(elapsed))
	}
	if why := j.noOutput.Load(); why != nil {
		j.screen.printf("output of commands is missing, also of lines that succeeded: %v", *why)
		code = exitFailed
	}
	path, written, err := j.failed.close()
	if written > 0 {
		j.screen.printf("not done: %s in %s", count(written, "line"), path)
	}
	if stays := c.Unfinished + c.Dead; stays > 0 && !isInMemory(j.queue) {
		j.screen.printf("their tasks that were sent are on the queue or in its dead letter still: do them with longshore work or longshore dlq redrive, not by sending them again")
	}
	if err != nil {
		j.screen.printf("writing %s failed, so the lines not in it stand above: %v", path, err)
		code = exitFailed
	}
	if err := c.check(); err != nil {
		j.screen.printf("%v", err)
		code = exitFailed
	}
	return code
}

// rounded is d with as many digits as a person reads.
func rounded(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Second:
		return d.Round(time.Second)
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
