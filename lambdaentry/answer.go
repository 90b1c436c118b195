package lambdaentry

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// flushTime bounds a flush where an invocation has no end.
const flushTime = 2 * time.Second

// answer settles what is left and names what comes again.
func (b *batch) answer() (events.SQSEventResponse, error) {
	b.awaitSettled(b.times.settle)
	whole := false
	if b.returning() > 0 {
		if whole = b.mapping.isWhole(b.times.settle); whole {
			b.ackAll()
			b.awaitSettled(b.times.settle)
		}
	}
	sum := Invocation{Messages: len(b.items), Duration: time.Since(b.began)}
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	var settled []runtime.Settled
	b.mu.Lock()
	for _, it := range b.items {
		d := it.decision
		switch {
		case it.state != acked && it.state != gone:
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: it.id})
			if d.Task == nil && d.Err == nil {
				sum.Unstarted++
			} else {
				sum.Retried++
			}
		case d.Settlement.Verdict == driver.Bury:
			sum.Dead++
		default:
			sum.Done++
		}
		if it.state != waiting && it.state != running && !it.told {
			it.told = true
			settled = append(settled, runtime.Settled{Queue: it.source.info.Name, MessageID: it.id, Decision: d, Err: it.failure()})
		}
	}
	b.mu.Unlock()
	for _, s := range settled {
		b.report(s)
	}
	if n := len(answer.BatchItemFailures); n > 0 && n == len(b.items) {
		b.options.Logger.Error("all messages of an invocation come again", "messages", n, "unstarted", sum.Unstarted)
		writeAllFailed(metricsTo, n)
	}
	call("OnInvocation", b.options.Logger, b.options.OnInvocation, sum)
	b.flush()
	if whole && len(answer.BatchItemFailures) > 0 {
		return events.SQSEventResponse{}, fmt.Errorf("lambdaentry: invoke: %d of %d messages come again; the others were deleted one by one, as %s",
			len(answer.BatchItemFailures), len(b.items), wholeText)
	}
	return answer, nil
}

// failure is why the decision on an item was not taken; nil when it was, or when the
// answer will see to it. The caller holds mu.
func (it *item) failure() error {
	if it.state == acked || it.state == gone {
		return nil
	}
	return it.err
}

// returning is how many messages come again.
func (b *batch) returning() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, it := range b.items {
		if it.state != acked && it.state != gone {
			n++
		}
	}
	return n
}

// abandon is the end of an invocation with handlers that ignore their contexts: all
// others are settled by themselves, and should one of these end after all, the
// invocation is answered. Otherwise it times out, which ends the process and with it
// the handlers; their messages come again when their visibility ends.
func (b *batch) abandon(ctx context.Context) (events.SQSEventResponse, error) {
	b.options.Logger.Error("handlers ignore the end of their contexts; the invocation times out")
	b.ackAll()
	b.awaitSettled(b.times.settle)
	ended := make(chan struct{})
	b.stay()
	go func() { // ends with the handlers
		defer b.leave()
		defer close(ended)
		b.runners.Wait()
	}()
	select {
	case <-ended:
		return b.answer()
	case <-b.over:
		b.desert()
		return events.SQSEventResponse{}, driver.Errorf(driver.Closed, "lambdaentry: invoke", "handlers outlived the end of the process")
	case <-ctx.Done():
		b.desert()
		return events.SQSEventResponse{}, fmt.Errorf("lambdaentry: invoke: handlers ignored the end of their contexts: %w", ctx.Err())
	}
}

// desert leaves handlers that still run: what they come to is nothing any more.
func (b *batch) desert() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deserted = true
}

// report tells the hooks of a message.
func (b *batch) report(s runtime.Settled) {
	if s.Err != nil {
		b.options.Logger.Warn("a message was not settled and comes again", "queue", s.Queue, "message", s.MessageID,
			"verdict", s.Decision.Settlement.Verdict.String(), "error", s.Err)
	}
	call("OnSettled", b.options.Logger, b.options.OnSettled, s)
	if s.Decision.Err != nil {
		call("OnError", b.options.Logger, b.options.OnError, s)
	}
	if s.Err == nil && s.Decision.Action == runtime.Settle && s.Decision.Settlement.Verdict == driver.Bury {
		call("OnDead", b.options.Logger, b.options.OnDead, s)
	}
}

// flush has telemetry sent before the process may be frozen.
func (b *batch) flush() {
	if b.options.Flush == nil {
		return
	}
	limit := flushTime
	if end := b.times.end; !end.IsZero() {
		limit = min(limit, time.Until(end.Add(-end.Sub(b.times.settle)/2)))
	}
	ctx, cancel := b.within(limit)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			b.options.Logger.Error("a hook panicked", "hook", "Flush", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	if err := b.options.Flush(ctx); err != nil {
		b.options.Logger.Warn("telemetry was not flushed", "error", err)
	}
}
