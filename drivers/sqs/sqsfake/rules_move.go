package sqsfake

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (t *trial) startMove(source, destination string, rate *int32) (string, error) {
	arn := t.attribute(source, "QueueArn")
	in := &sqs.StartMessageMoveTaskInput{SourceArn: &arn, MaxNumberOfMessagesPerSecond: rate}
	if destination != "" {
		to := t.attribute(destination, "QueueArn")
		in.DestinationArn = &to
	}
	if t.err != nil {
		return "", t.err
	}
	out, err := t.client.StartMessageMoveTask(t.ctx, in)
	if err != nil {
		return "", err
	}
	return *out.TaskHandle, nil
}

func (t *trial) move(source, destination string) {
	_, err := t.startMove(source, destination, nil)
	t.must(err)
}

// lastMove is the latest task of source.
func (t *trial) lastMove(source string) types.ListMessageMoveTasksResultEntry {
	arn := t.attribute(source, "QueueArn")
	if t.err != nil {
		return types.ListMessageMoveTasksResultEntry{}
	}
	out, err := t.client.ListMessageMoveTasks(t.ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &arn})
	t.must(err)
	t.want(err != nil || len(out.Results) == 1, "the task is not listed")
	if t.err != nil {
		return types.ListMessageMoveTasksResultEntry{}
	}
	return out.Results[0]
}

// endedMove waits for the latest task of source to end.
func (t *trial) endedMove(source string) types.ListMessageMoveTasksResultEntry {
	for range 50 {
		e := t.lastMove(source)
		if t.err != nil || value(e.Status) != "RUNNING" && value(e.Status) != "CANCELLING" {
			return e
		}
		t.wait(200 * time.Millisecond)
	}
	t.want(false, "the task is still running")
	return types.ListMessageMoveTasksResultEntry{}
}

// kill has a message of q, which withDead made, moved to its dead-letter queue.
func (t *trial) kill(q string) string {
	id := t.send(q, "x")
	t.exhaust(q)
	t.nothing(q)
	return id
}

var moveRules = []rule{
	{"a move task brings messages to its destination", pageRedrive, func(t *trial) {
		q, dead := t.withDead("")
		t.kill(q)
		to := t.queue("to")
		t.move(dead, to)
		t.received(t.receive(to, 5, 0), "x")
		t.nothing(dead)
		e := t.endedMove(dead)
		t.want(value(e.Status) == "COMPLETED" && e.ApproximateNumberOfMessagesMoved == 1, "the task is %s with %d moved", value(e.Status), e.ApproximateNumberOfMessagesMoved)
	}},
	{"a message that a task moved has a new id", pageRedrive, func(t *trial) {
		q, dead := t.withDead("")
		id := t.kill(q)
		t.move(dead, q)
		m := t.one(q, 5, 0)
		t.want(value(m.MessageId) != id, "it is still %s", id)
	}},
	{"a message that a task moved is received for the first time", pageRedrive, func(t *trial) {
		q, dead := t.withDead("")
		t.kill(q)
		t.move(dead, q)
		n := t.one(q, 5, 0).Attributes["ApproximateReceiveCount"]
		t.want(n == "1", "its receive count is %s, want 1", n)
	}},
	{"a move task without a destination brings messages back to where they came from", pageRedrive, func(t *trial) {
		q, dead := t.withDead("")
		t.kill(q)
		t.move(dead, "")
		t.one(q, 5, 0)
	}},
	{"a message that was sent to a dead-letter queue is not moved without a destination", `API Reference, "ListMessageMoveTasks"`, func(t *trial) {
		_, dead := t.withDead("")
		t.send(dead, "x")
		t.move(dead, "")
		e := t.endedMove(dead)
		t.want(value(e.Status) == "FAILED" && value(e.FailureReason) == "CouldNotDetermineMessageSource", "the task is %s, %q", value(e.Status), value(e.FailureReason))
		t.one(dead, 1, 0)
	}},
	{"the source of a move task is a dead-letter queue", `API Reference, "StartMessageMoveTask"`, func(t *trial) {
		_, err := t.startMove(t.queue("q"), t.queue("to"), nil)
		t.refused(err, codeInvalidParameter)
	}},
	{"the source of a move task must exist", `API Reference, "StartMessageMoveTask"`, func(t *trial) {
		arn := t.attribute(t.queue("q"), "QueueArn") + "-missing"
		if t.err != nil {
			return
		}
		_, err := t.client.StartMessageMoveTask(t.ctx, &sqs.StartMessageMoveTaskInput{SourceArn: &arn})
		t.refused(err, codeNotFound)
	}},
	{"a queue has one active move task, which can be cancelled", `API Reference, "StartMessageMoveTask"`, func(t *trial) {
		_, dead := t.withDead("")
		to := t.queue("to")
		for range 10 {
			t.send(dead, "x")
		}
		rate := int32(1)
		handle, err := t.startMove(dead, to, &rate)
		t.must(err)
		_, err = t.startMove(dead, to, nil)
		t.refused(err, codeInvalidParameter)
		e := t.lastMove(dead)
		t.want(value(e.Status) == "RUNNING" && value(e.TaskHandle) == handle, "the task is %s", value(e.Status))
		if t.err != nil {
			return
		}
		_, err = t.client.CancelMessageMoveTask(t.ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
		t.must(err)
		e = t.endedMove(dead)
		t.want(value(e.Status) == "CANCELLED" && e.ApproximateNumberOfMessagesMoved < 10, "the task is %s with %d moved", value(e.Status), e.ApproximateNumberOfMessagesMoved)
		t.want(e.TaskHandle == nil, "a task that has ended shows its handle")
	}},
	{"the rate of a move task is at most 500 a second", `API Reference, "StartMessageMoveTask"`, func(t *trial) {
		_, dead := t.withDead("")
		rate := int32(501)
		_, err := t.startMove(dead, t.queue("to"), &rate)
		t.refused(err, codeInvalidParameter)
	}},
	{"a bad task handle is refused", `API Reference, "CancelMessageMoveTask"`, func(t *trial) {
		junk := "junk"
		_, err := t.client.CancelMessageMoveTask(t.ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: &junk})
		t.refused(err, codeInvalidParameter)
	}},
}
