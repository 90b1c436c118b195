// Package eventsource brings messages of a queue to a function as AWS Lambda's event
// source mapping does: it receives batches, invokes the function with an event, and
// deletes what the answer does not name.
package eventsource

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// Function is what a mapping invokes: with an event, for an answer, each in JSON. Its
// ctx ends at the function's timeout.
type Function func(ctx context.Context, event []byte) (answer []byte, err error)

// Mapping is an event source mapping from a queue to a function. The zero value of each
// field but the first three is its default.
type Mapping struct {
	// Queue is of Amazon SQS, and Name is the queue's there.
	Queue    driver.Queue
	Name     string
	Function Function

	// BatchSize is the most messages of an event: 1 to 10; 0 stands for 10.
	BatchSize int
	// Messages is how many messages are with the function at the same time, in all
	// invocations; 0 stands for ten batches.
	Messages int
	// Timeout is the function's, 1 s to 15 min; 0 stands for 15 min.
	Timeout time.Duration
	// Whole leaves out ReportBatchItemFailures: an answer is that of the whole batch.
	Whole bool
}

// pollTime is how long a long poll waits, and so how long the end of a mapping may. AWS
// Lambda's waits longer.
const pollTime = time.Second

// Run brings messages until ctx ends; then it waits for the invocations under way. An
// error of a receive ends it when another try would answer the same.
func (m Mapping) Run(ctx context.Context) error {
	if m.BatchSize == 0 {
		m.BatchSize = 10
	}
	if m.Messages == 0 {
		m.Messages = 10 * m.BatchSize
	}
	if m.Timeout == 0 {
		m.Timeout = 15 * time.Minute
	}
	var invocations sync.WaitGroup
	defer invocations.Wait()
	room := make(chan struct{}, m.Messages) // a token for each message; never closed
	for {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		n := 1
	more:
		for n < m.BatchSize {
			select {
			case room <- struct{}{}:
				n++
			default:
				break more
			}
		}
		// A receive that is under way when ctx ends is let return, and what it brings is
		// given back.
		leases, err := m.Queue.Receive(context.WithoutCancel(ctx), driver.ReceiveOptions{Max: n, Wait: pollTime})
		for range n - len(leases) {
			<-room
		}
		if len(leases) > 0 && ctx.Err() != nil {
			m.giveBack(context.WithoutCancel(ctx), leases)
		} else if len(leases) > 0 {
			invocations.Go(func() {
				defer func() {
					for range leases {
						<-room
					}
				}()
				m.invoke(context.WithoutCancel(ctx), leases, ctx.Done())
			})
		}
		if err != nil && ctx.Err() == nil {
			if !driver.Retryable(err) {
				return err
			}
			timer := time.NewTimer(time.Second)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
			}
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// giveBack releases what comes too late.
func (m *Mapping) giveBack(ctx context.Context, leases []driver.Lease) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var batch []driver.Settlement
	for _, l := range leases {
		batch = append(batch, driver.Settlement{Lease: l, Verdict: driver.Release})
	}
	m.Queue.Settle(ctx, batch) // what fails comes again by itself
}

// invoke invokes the function with a batch and deletes what is done.
func (m *Mapping) invoke(ctx context.Context, leases []driver.Lease, ending <-chan struct{}) {
	call, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	event, err := json.Marshal(m.Event(leases))
	if err != nil {
		return // it comes again
	}
	answer, err := m.Function(call, event)
	if err != nil || call.Err() != nil {
		return
	}
	failed, err := m.failed(answer, leases)
	if err != nil {
		return
	}
	var done []driver.Settlement
	for _, l := range leases {
		if !failed[l.Message().ID] {
			done = append(done, driver.Settlement{Lease: l, Verdict: driver.Ack})
		}
	}
	m.delete(ctx, done, ending)
}

// deleteFor is how long a delete that fails for now is tried again.
const deleteFor = time.Minute

// delete deletes messages. Those for which it fails in the end, or while the mapping
// ends, come again.
func (m *Mapping) delete(ctx context.Context, done []driver.Settlement, ending <-chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, deleteFor)
	defer cancel()
	for len(done) > 0 {
		var again []driver.Settlement
		for i, err := range m.Queue.Settle(ctx, done) {
			if driver.Retryable(err) {
				again = append(again, done[i])
			}
		}
		if done = again; len(done) == 0 {
			return
		}
		timer := time.NewTimer(time.Second)
		select {
		case <-timer.C:
		case <-ending:
			timer.Stop()
			return
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

var errAnswer = errors.New("eventsource: the answer fails the whole batch")

// failed are the messages that an answer names. An answer that does not decode, and an
// id that is empty or not of the batch, fail all. Source: AWS Lambda Developer Guide,
// "Handling errors for an SQS event source in Lambda".
func (m *Mapping) failed(answer []byte, leases []driver.Lease) (map[string]bool, error) {
	if m.Whole || len(answer) == 0 || string(answer) == "null" {
		return nil, nil
	}
	var r events.SQSEventResponse
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, errAnswer
	}
	known := make(map[string]bool, len(leases))
	for _, l := range leases {
		known[l.Message().ID] = true
	}
	failed := make(map[string]bool)
	for _, f := range r.BatchItemFailures {
		if !known[f.ItemIdentifier] {
			return nil, errAnswer
		}
		failed[f.ItemIdentifier] = true
	}
	return failed, nil
}

// Event is the event of a batch.
func (m Mapping) Event(leases []driver.Lease) events.SQSEvent {
	ordered := m.Queue.Capabilities().Ordered
	var e events.SQSEvent
	for _, l := range leases {
		message := l.Message()
		var native *types.Message
		if !l.As(&native) {
			continue
		}
		group := message.GroupKey
		if !ordered {
			group = message.FairnessKey
		}
		r := events.SQSMessage{
			MessageId: message.ID, ReceiptHandle: *native.ReceiptHandle, Body: string(message.Body),
			EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:123456789012:" + m.Name, AWSRegion: "us-east-1",
			Attributes: map[string]string{
				"ApproximateReceiveCount": strconv.Itoa(l.Attempt()),
				"SentTimestamp":           strconv.FormatInt(message.SentAt.UnixMilli(), 10),
				"SenderId":                "123456789012",
			},
			MessageAttributes: make(map[string]events.SQSMessageAttribute),
		}
		if l.Attempt() == 1 {
			r.Attributes["ApproximateFirstReceiveTimestamp"] = strconv.FormatInt(l.Received().UnixMilli(), 10)
		} else {
			r.Attributes["ApproximateFirstReceiveTimestamp"] = r.Attributes["SentTimestamp"]
		}
		if group != "" {
			r.Attributes["MessageGroupId"] = group
		}
		if message.SendID != "" && ordered {
			r.Attributes["MessageDeduplicationId"] = message.SendID
		}
		all, err := driver.PackAttributes(message)
		if err != nil {
			continue // it comes again
		}
		for name, v := range all {
			r.MessageAttributes[name] = events.SQSMessageAttribute{StringValue: &v, DataType: "String"}
		}
		e.Records = append(e.Records, r)
	}
	return e
}
