package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// errEmpty ends a shift that is to end with the tasks.
var errEmpty = errors.New("the queue is empty")

// shift is one run of longshore work.
type shift struct {
	doer
	options *workOptions
	tally   *tally

	queues *runtime.Queues
	store  io.Closer // of large payloads
	worker *runtime.Worker

	started chan struct{} // closed by the worker when its start-up check has passed

	mu       sync.Mutex // held while writing an event
	eventErr error      // guarded by mu; why an event was not written
}

func newShift(o *workOptions, std streams) *shift {
	return &shift{doer: newDoer(&o.workerFlags, std), options: o, tally: newTally(), started: make(chan struct{})}
}

// open opens the queue and makes a worker that does tasks with handle.
func (s *shift) open(ctx context.Context, open opener, handle runtime.HandlerFunc) error {
	var err error
	if s.queues, err = openQueues(ctx, open, s.options.settings, "longshore work"); err != nil {
		return err
	}
	var payloads *runtime.Payloads
	if payloads, s.store, err = s.options.openPayloads(ctx); err != nil {
		return errors.Join(err, s.queues.Close(ctx))
	}
	logger := s.logger()
	options := s.options.workerOptions()
	options.Logger, options.OnSettled = logger, s.settled
	options.OnStart = func() { // before it can be told of a task
		s.sayStarted()
		close(s.started)
	}
	s.worker, err = runtime.NewWorker(s.queues, s.options.mux(logger, forReading(payloads), s.telemetry.runtime, func(ctx context.Context, t *runtime.Info) error {
		defer s.tally.begin()()
		return handle(ctx, t)
	}), options)
	if err != nil {
		return errors.Join(err, s.store.Close(), s.queues.Close(ctx))
	}
	s.telemetry.serve(s.worker, s.screen)
	return nil
}

// run runs the worker until there is a reason to end. The end of signalled is one,
// again ends at once.
func (s *shift) run(signalled context.Context, again <-chan struct{}) (int, error) {
	ctx, stop := context.WithCancelCause(signalled)
	defer stop(nil)
	s.stop = stop
	defer s.store.Close()
	defer s.queues.Close(context.WithoutCancel(ctx))
	defer s.telemetry.close(again)

	begun := time.Now()
	var workerErr error          // written before ended is closed
	ended := make(chan struct{}) // closed when the worker has ended
	go func() {                  // left behind only by an abort
		defer close(ended)
		workerErr = s.worker.Run(ctx)
		stop(errWorkerEnded)
	}()
	started := s.hasStarted(ended)
	if !started && workerErr != nil {
		return exitUsage, &usageError{workerErr, s.startHint(workerErr)}
	}
	var watching sync.WaitGroup
	if started && s.options.untilEmpty > 0 {
		watching.Go(func() { s.stopWhenEmpty(ctx) })
	}
	<-ctx.Done()
	watching.Wait()
	why := context.Cause(ctx)
	switch {
	case !started:
		s.screen.printf("it was told to end before it had started")
	case !errors.Is(why, errEmpty) && !errors.Is(why, errWorkerEnded):
		s.sayStopping(why)
	}
	aborted := !s.ends(ended, again)
	s.killCommands()
	code := s.report(why, time.Since(begun))
	switch {
	case aborted:
		return exitAborted, nil
	case driver.Is(workerErr, driver.DeadlineExceeded):
		s.screen.printf("some tasks did not return within %v; they run again elsewhere", s.options.grace)
		return exitFailed, nil
	case workerErr != nil:
		s.screen.printf("%v", workerErr)
		return exitFailed, nil
	}
	return code, nil
}

// hasStarted waits until the worker has started or ended, and says whether it has
// started.
func (s *shift) hasStarted(ended <-chan struct{}) bool {
	select {
	case <-s.started:
		return true
	case <-ended:
	}
	select {
	case <-s.started: // and ended at once
		return true
	default:
		return false
	}
}

// startHint says what to do about a queue that the worker refuses.
func (s *shift) startHint(refusal error) string {
	if driver.Is(refusal, driver.InvalidArgument) {
		return "longshore doctor with the same --queue or --config says more about the configuration"
	}
	return ""
}

func (s *shift) sayStarted() {
	e := startEvent{Event: "start"}
	for _, q := range s.queues.All() {
		e.Queues = append(e.Queues, q.Name)
	}
	what := "queues " + strings.Join(e.Queues, ", ")
	if len(e.Queues) == 1 {
		e.Queue = e.Queues[0]
		what = fmt.Sprintf("queue %q", e.Queue)
	}
	if s.options.json {
		s.tell(e)
	} else {
		s.screen.printf("working on %s, on at most %s at a time", what, count(s.options.concurrency, "task"))
	}
}

func (s *shift) sayStopping(why error) {
	if errors.Is(why, context.Canceled) {
		why = errors.New("stopping")
	}
	s.screen.printf("%v: running tasks have up to %v to end; Ctrl-C again ends at once", why, s.options.grace)
}

// stopWhenEmpty ends the shift once there was nothing to do for a while and the
// queues have nothing either, as far as they tell.
func (s *shift) stopWhenEmpty(ctx context.Context) {
	for {
		wait := s.options.untilEmpty - s.tally.idle()
		if wait <= 0 {
			// A task that it did meanwhile may have sent another to a queue that it
			// had looked at already.
			if s.isEmpty(ctx) && s.tally.idle() >= s.options.untilEmpty {
				s.stop(errEmpty)
				return
			}
			wait = lookAgain
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// isEmpty reports whether no queue has a task, ready, held or delayed. One that may
// not be asked, or cannot say, counts as empty.
func (s *shift) isEmpty(ctx context.Context) bool {
	for _, q := range s.queues.All() {
		stats, err := q.Driver.Stats(ctx)
		if driver.Is(err, driver.PermissionDenied) || driver.Is(err, driver.Unsupported) {
			continue
		}
		if err != nil || max(0, stats.Ready)+max(0, stats.Leased)+max(0, stats.Delayed) > 0 {
			return false
		}
	}
	return true
}

// startEvent is the first that --json prints. Its fields are stable.
type startEvent struct {
	Event  string   `json:"event"`
	Queue  string   `json:"queue,omitempty"` // when it is one
	Queues []string `json:"queues"`
}

// taskEvent is what --json prints of a task. Its fields are stable.
type taskEvent struct {
	Event       ending         `json:"event"`
	Queue       string         `json:"queue"`
	ID          runtime.TaskID `json:"id"`
	MessageID   string         `json:"message_id,omitempty"`
	Kind        string         `json:"kind,omitempty"`
	Attempt     int            `json:"attempt,omitempty"`
	MaxAttempts int            `json:"max_attempts,omitempty"`
	RetryInMS   *int64         `json:"retry_in_ms,omitempty"`
	Reason      string         `json:"reason,omitempty"`
	Error       string         `json:"error"`
}

// endEvent is the last that --json prints. Its fields are stable.
type endEvent struct {
	Event string `json:"event"`
	Why   string `json:"why"`
	tallied
	ElapsedMS int64 `json:"elapsed_ms"`
}

// settled is told how each delivery ended.
func (s *shift) settled(d runtime.Settled) {
	end := s.tally.settle(&d)
	if end == endedQuietly {
		return
	}
	e := taskEvent{Event: end, Queue: d.Queue}
	if err := d.Decision.Err; err != nil {
		e.Error = err.Error()
	}
	if d.Err != nil {
		e.Error = d.Err.Error()
	}
	if t := d.Decision.Task; t != nil {
		e.ID, e.Kind, e.Attempt, e.MaxAttempts = t.ID, t.Kind, t.Attempt, t.MaxAttempts
	} else {
		e.MessageID = d.MessageID
	}
	switch end {
	case endedDead:
		e.Reason = d.Decision.Settlement.Reason
	case endedFailed:
		ms := delayOf(&d.Decision).Milliseconds()
		e.RetryInMS = &ms
	}
	if s.options.json {
		s.tell(e)
	} else {
		line := e.line()
		if len(s.queues.All()) > 1 {
			line = e.Queue + ": " + line
		}
		s.screen.printf("%s", line)
	}
}

// line is the event for people.
func (e *taskEvent) line() string {
	who := "message " + e.MessageID
	if e.MessageID == "" {
		who = e.Kind + " " + string(e.ID)
	}
	switch {
	case e.Event == endedDead && e.Attempt > 0:
		return fmt.Sprintf("%s is dead after %s (%s): %s", who, count(e.Attempt, "attempt"), e.Reason, brief(e.Error))
	case e.Event == endedDead:
		return fmt.Sprintf("%s is dead (%s): %s", who, e.Reason, brief(e.Error))
	case e.Event == endedUnsettled:
		return fmt.Sprintf("%s was not settled and may run again: %s", who, brief(e.Error))
	}
	again := (time.Duration(*e.RetryInMS) * time.Millisecond).Round(time.Millisecond)
	return fmt.Sprintf("%s: attempt %d of %d failed, again in %v: %s", who, e.Attempt, e.MaxAttempts, again, brief(e.Error))
}

// tell writes an event. What cannot be written ends the shift.
func (s *shift) tell(event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := writeJSON(s.std.out, event); err != nil && s.eventErr == nil {
		s.eventErr = err
		s.stop(errNoOutput)
	}
}

// report prints the summary and answers the exit code.
func (s *shift) report(why error, elapsed time.Duration) int {
	t := s.tally.snapshot()
	code := exitOK
	word := "signal"
	switch {
	case errors.Is(why, errEmpty):
		word = "empty"
	case errors.Is(why, errWorkerEnded), errors.Is(why, errNoOutput):
		word, code = "failed", exitFailed
	}
	if s.options.untilEmpty > 0 && t.Dead+t.Unsettled > 0 {
		code = exitFailed
	}
	if s.options.json {
		s.tell(endEvent{"end", word, t, elapsed.Milliseconds()})
	} else {
		s.screen.printf("%s: %s succeeded, %s dead, %s interrupted, %s unsettled", count(t.Attempts, "attempt"),
			commas(t.Succeeded), commas(t.Dead), commas(t.Interrupted), commas(t.Unsettled))
		s.screen.printf("%s in %v", count(t.Retries, "retry"), rounded(elapsed))
	}
	if lost := s.noOutput.Load(); lost != nil {
		s.screen.printf("output of commands is missing, also of tasks that succeeded: %v", *lost)
		code = exitFailed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.eventErr != nil {
		s.screen.printf("events could not be written: %v", s.eventErr)
		code = exitFailed
	}
	return code
}
