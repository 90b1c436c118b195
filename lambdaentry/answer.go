package lambdaentry

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// answer settles what is left and names what comes again.
func (b *batch) answer(ctx context.Context) (events.SQSEventResponse, error) {
	b.awaitSettled(b.times.settle)
	whole := ""
	if b.returning() > 0 {
		if whole = b.mapping.isWhole(b.times.leave); whole != "" {
			b.ackAll()
			b.awaitSettled(b.times.settle)
		}
	}
	sum := Invocation{Messages: len(b.items), Duration: time.Since(b.began)}
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
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
	}
	b.mu.Unlock()
	b.reportAll(true)
	if n := len(answer.BatchItemFailures); n > 0 && n == len(b.items) {
		b.options.Logger.Error("all messages of an invocation come again", "messages", n, "unstarted", sum.Unstarted)
		writeAllFailed(metricsTo, n)
	}
	b.tellOf(sum)
	b.flush(ctx)
	if whole != "" && len(answer.BatchItemFailures) > 0 {
		return events.SQSEventResponse{}, fmt.Errorf("lambdaentry: invoke: %d of %d messages come again; the others were deleted one by one, as %s",
			len(answer.BatchItemFailures), len(b.items), whole)
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
	b.mu.Lock()
	b.giving = true
	b.mu.Unlock()
	b.ackAll()
	b.awaitSettled(b.times.settle)
	b.reportAll(false) // there may be no other time
	b.flush(ctx)
	ended := make(chan struct{})
	b.stay()
	go func() { // ends with the handlers
		defer b.leave()
		defer close(ended)
		b.runners.Wait()
	}()
	select {
	case <-ended:
		return b.answer(ctx)
	case <-b.over:
		b.desert()
		return events.SQSEventResponse{}, driver.Errorf(driver.Closed, "lambdaentry: invoke", "handlers outlived the end of the process")
	case <-ctx.Done():
		b.desert()
		b.awaitEnd(ended)
		return events.SQSEventResponse{}, fmt.Errorf("lambdaentry: invoke: handlers ignored the end of their contexts: %w", ctx.Err())
	}
}

// killTime is how long after a time-out AWS Lambda may take to end the process.
const killTime = time.Second

// awaitEnd waits for the end of the process, which an answer would keep from coming: the
// handlers would go on, and their messages could not run here any more.
func (b *batch) awaitEnd(ended <-chan struct{}) {
	if b.exit == nil {
		return
	}
	timer := time.NewTimer(killTime)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		b.exit()
	}
}

// desert leaves handlers that still run: what they come to is nothing any more.
func (b *batch) desert() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deserted = true
}

// reportAll tells the hooks of all messages that are settled and not told of; answered
// says that the answer will take care of what is acked.
func (b *batch) reportAll(answered bool) {
	var settled []runtime.Settled
	b.mu.Lock()
	for _, it := range b.items {
		if it.told || it.state < acked || it.state == settling || it.state == acked && !answered {
			continue
		}
		it.told = true
		settled = append(settled, runtime.Settled{Queue: it.source.info.Name, MessageID: it.id, Decision: it.decision, Err: it.failure()})
	}
	b.mu.Unlock()
	for _, s := range settled {
		b.report(s)
	}
}

// report tells the hooks of a message.
func (b *batch) report(s runtime.Settled) {
	if s.Err != nil {
		b.options.Logger.Warn("a message was not settled and comes again", "queue", s.Queue, "message", s.MessageID,
			"verdict", s.Decision.Settlement.Verdict.String(), "error", s.Err)
	}
	s.Tell(b.options.Logger, b.options.OnSettled, b.options.OnError, b.options.OnDead)
}
