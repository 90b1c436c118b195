package sqs

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/longshore-dev/longshore/driver"
)

const (
	maxMoveRate  = 500 // messages a second
	movePoll     = time.Second
	moveListed   = 10 // the tasks that Amazon SQS lists of a queue
	moveFailures = 5  // looks at the task that may fail one after the other
)

// The states of a move task. Source: API Reference, ListMessageMoveTasks.
const (
	moveRunning   = "RUNNING"
	moveCompleted = "COMPLETED"
	moveCancelled = "CANCELLED"
	moveFailed    = "FAILED"
)

// MoveAll starts a move task from the dead letter to the queue and follows it to
// its end. When ctx ends or the queue is closed it cancels the task and answers
// what was moved so far. Throttled while another task of this dead letter runs.
// The counts are the broker's, approximate.
func (d *deadLetter) MoveAll(ctx context.Context, opts driver.MoveOptions) (driver.MoveReport, error) {
	q := (*Queue)(d)
	op := q.ops.move
	report := driver.MoveReport{Total: driver.Unreported}
	if err := q.gate.Begin(ctx, op, 1, maxBatch); err != nil {
		return report, err
	}
	defer q.gate.Leave()
	if opts.Rate < 0 || opts.Rate > maxMoveRate {
		return report, driver.Errorf(driver.InvalidArgument, op, "rate %d is not within 1 to %d, or 0 for that of the broker", opts.Rate, maxMoveRate)
	}
	from, to, err := q.moveRoute(ctx, op)
	if err != nil {
		return report, err
	}
	in := &awssqs.StartMessageMoveTaskInput{SourceArn: &from, DestinationArn: &to}
	if opts.Rate > 0 {
		in.MaxNumberOfMessagesPerSecond = aws.Int32(int32(opts.Rate))
	}
	// Its answer is waited for when ctx ends too: without the handle the task could
	// not be cancelled.
	request, cancel := within(context.WithoutCancel(ctx), 0)
	out, err := q.api.StartMessageMoveTask(request, in)
	cancel()
	if err != nil {
		e := classify(ctx, op, actionStartMove, err)
		if api, ok := errors.AsType[smithy.APIError](err); ok && strings.Contains(api.ErrorMessage(), "already a task running") {
			e.Code = driver.Throttled // no type and no code of its own
		}
		return report, e
	}
	task := moveTask{queue: q, op: op, from: from, handle: aws.ToString(out.TaskHandle)}
	return task.follow(ctx, report, opts.Progress)
}

// moveRoute is where a move task goes from and to. The destination is always
// given: without one Amazon SQS sends each message to the queue that it came from,
// which may be another.
func (q *Queue) moveRoute(ctx context.Context, op string) (from, to string, err error) {
	dead, err := q.dead.describe(ctx, op)
	if err != nil {
		return "", "", err
	}
	live := q.settings.Load()
	if live == nil {
		if live, err = q.describe(ctx, op); err != nil {
			return "", "", err
		}
	}
	return dead.arn, live.arn, nil
}

// moveTask is a move task that was started.
type moveTask struct {
	queue    *Queue
	op       string
	from     string // the ARN of the dead letter
	handle   string
	started  int64 // as it is listed; 0 until that was seen
	failures int   // one after the other
}

// follow looks at the task each second until it has ended.
func (t *moveTask) follow(ctx context.Context, report driver.MoveReport, progress func(driver.MoveReport)) (driver.MoveReport, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return t.cancel(ctx, report, driver.ContextError(ctx, t.op))
		case <-t.queue.gate.Done():
			return t.cancel(ctx, report, driver.Errorf(driver.Closed, t.op, "the queue was closed"))
		}
		entry, failed := t.look(ctx)
		if failed != nil {
			if ctx.Err() != nil {
				continue // it is cancelled
			}
			if t.failures++; t.failures >= moveFailures || !driver.Retryable(failed) {
				return t.cancel(ctx, report, failed)
			}
			timer.Reset(movePoll)
			continue
		}
		t.failures = 0
		moved := report.Moved
		report.Moved = entry.ApproximateNumberOfMessagesMoved
		if n := entry.ApproximateNumberOfMessagesToMove; n != nil {
			report.Total = *n
		}
		if progress != nil && report.Moved > moved {
			progress(report)
		}
		switch status := aws.ToString(entry.Status); status {
		case moveCompleted:
			return report, nil
		case moveFailed:
			return report, driver.Errorf(driver.Unavailable, t.op, "the move task failed after %d messages: %s",
				report.Moved, driver.CutText(aws.ToString(entry.FailureReason), 300))
		case moveCancelled:
			return report, driver.Errorf(driver.Canceled, t.op, "somebody cancelled the move task after %d messages", report.Moved)
		}
		timer.Reset(movePoll)
	}
}

// look reads the state of the task. A task that has ended is listed without its
// handle: it is known by its start, else it is the latest.
func (t *moveTask) look(ctx context.Context) (*types.ListMessageMoveTasksResultEntry, *driver.Error) {
	request, cancel := within(ctx, 0)
	defer cancel()
	out, err := t.queue.api.ListMessageMoveTasks(request, &awssqs.ListMessageMoveTasksInput{SourceArn: &t.from, MaxResults: aws.Int32(moveListed)})
	if err != nil {
		return nil, classify(ctx, t.op, actionListMoves, err)
	}
	var latest *types.ListMessageMoveTasksResultEntry
	for i := range out.Results {
		r := &out.Results[i]
		if r.TaskHandle != nil && *r.TaskHandle == t.handle {
			t.started = r.StartedTimestamp
			return r, nil
		}
		if t.started != 0 && r.StartedTimestamp == t.started {
			return r, nil
		}
		if latest == nil || r.StartedTimestamp > latest.StartedTimestamp {
			latest = r
		}
	}
	if latest == nil || aws.ToString(latest.Status) == moveRunning {
		return nil, driver.Errorf(driver.Unavailable, t.op, "the move task is not listed")
	}
	return latest, nil
}

// cancel stops the task with a time of its own, as ctx may have ended, and answers
// cause, or that the task may go on.
func (t *moveTask) cancel(ctx context.Context, report driver.MoveReport, cause *driver.Error) (driver.MoveReport, error) {
	request, done := within(context.WithoutCancel(ctx), 0)
	defer done()
	for {
		out, err := t.queue.api.CancelMessageMoveTask(request, &awssqs.CancelMessageMoveTaskInput{TaskHandle: &t.handle})
		if err == nil {
			report.Moved = max(report.Moved, out.ApproximateNumberOfMessagesMoved)
			return report, cause
		}
		refusal := classify(context.Background(), t.op, actionCancelMove, err)
		switch {
		case refusal.Code == driver.NotFound || refusal.Code == driver.InvalidArgument || refusal.Code == driver.Unsupported:
			return report, cause // it has ended
		case driver.Retryable(refusal) && pause(request, movePoll):
			continue
		}
		code := driver.Unavailable // and none by which nothing was done
		switch cause.Code {
		case driver.Canceled, driver.DeadlineExceeded, driver.Closed:
			code = cause.Code
		}
		return report, driver.Errorf(code, t.op, "%w; the move task could not be cancelled and may go on, cancel it in the console: %w", cause.Err, refusal.Err)
	}
}

// pause waits for d, and says whether it did before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
