package sqsfake

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// exhaust receives a message of q, which withDead made, as often as it allows.
func (t *trial) exhaust(q string) types.Message {
	var m types.Message
	for range 2 {
		m = t.one(q, 1, 0)
		t.must(t.change(q, m, 0))
	}
	return m
}

// refusesPolicy sets a redrive policy, which must be refused; %s in it is the ARN
// of a queue with the name and attributes of target.
func refusesPolicy(policy, target string, attributes ...string) func(t *trial) {
	return func(t *trial) {
		arn := t.attribute(t.queue(target, attributes...), "QueueArn")
		q := t.queue("q")
		t.refused(t.set(q, "RedrivePolicy", fmt.Sprintf(policy, arn)), codeInvalidParameter, codeInvalidAttribute)
	}
}

var deadLetterRules = []rule{
	{"a message is moved by the receive after the last that is allowed", pageDeadLetter, func(t *trial) {
		q, dead := t.withDead("")
		t.send(q, "x")
		t.exhaust(q)
		t.nothing(dead)
		t.nothing(q)
		t.one(dead, 2, 0)
	}},
	{"a moved message keeps its id, its source and, on a standard queue, its time of sending", pageDeadLetter, func(t *trial) {
		q, dead := t.withDead("")
		id := t.send(q, "x")
		m := t.exhaust(q)
		t.wait(time.Second)
		t.nothing(q)
		d := t.one(dead, 2, 0)
		t.want(value(d.MessageId) == id, "the id is %s, want %s", value(d.MessageId), id)
		t.want(d.Attributes["SentTimestamp"] == m.Attributes["SentTimestamp"], "sent at %s, want %s", d.Attributes["SentTimestamp"], m.Attributes["SentTimestamp"])
		t.want(d.Attributes["DeadLetterQueueSourceArn"] == t.attribute(q, "QueueArn"), "the source is %q", d.Attributes["DeadLetterQueueSourceArn"])
	}},
	{"the receive count goes on in the dead-letter queue", `API Reference, "ReceiveMessage"`, func(t *trial) {
		q, dead := t.withDead("")
		t.send(q, "x")
		t.exhaust(q)
		t.nothing(q)
		d := t.one(dead, 2, 0)
		t.want(d.Attributes["ApproximateReceiveCount"] == "3", "the receive count is %s, want 3", d.Attributes["ApproximateReceiveCount"])
	}},
	{"a moved message of a FIFO queue has a new time of sending", pageDeadLetter, func(t *trial) {
		q, dead := t.withDead(".fifo", "FifoQueue", "true")
		t.fifo(q, "g", "1")
		m := t.exhaust(q)
		t.wait(time.Second)
		t.nothing(q)
		d := t.one(dead, 2, 0)
		t.want(d.Attributes["SentTimestamp"] != m.Attributes["SentTimestamp"], "it kept its time of sending")
		t.want(d.Attributes["MessageGroupId"] == "g", "the group is %q", d.Attributes["MessageGroupId"])
	}},
	{"a moved head lets its group go on", pageDeadLetter, func(t *trial) {
		q, dead := t.withDead(".fifo", "FifoQueue", "true")
		t.fifo(q, "g", "1")
		t.exhaust(q)
		t.fifo(q, "g", "2")
		t.received(t.receive(q, 2, 0), "2")
		t.received(t.receive(dead, 2, 0), "1")
	}},
	{"a dead-letter queue must exist", `API Reference, "SetQueueAttributes"`, func(t *trial) {
		q := t.queue("q")
		arn := t.attribute(q, "QueueArn") + "-missing"
		t.refused(t.set(q, "RedrivePolicy", fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":2}`, arn)), codeInvalidParameter, codeNoQueue)
	}},
	{"the dead-letter queue of a standard queue is a standard queue", pageDeadLetter, refusesPolicy(`{"deadLetterTargetArn":%q,"maxReceiveCount":2}`, "dead.fifo", "FifoQueue", "true")},
	{"maxReceiveCount is at least 1", `API Reference, "SetQueueAttributes"`, refusesPolicy(`{"deadLetterTargetArn":%q,"maxReceiveCount":0}`, "dead")},
	{"maxReceiveCount is at most 1000", `API Reference, "SetQueueAttributes"`, refusesPolicy(`{"deadLetterTargetArn":%q,"maxReceiveCount":1001}`, "dead")},
	{"maxReceiveCount is required", `API Reference, "SetQueueAttributes"`, refusesPolicy(`{"deadLetterTargetArn":%q}`, "dead")},
	{"a dead-letter queue that denies all cannot be used", `API Reference, "SetQueueAttributes"`, refusesPolicy(
		`{"deadLetterTargetArn":%q,"maxReceiveCount":2}`, "dead", "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`)},
	{"an empty redrive policy removes it", `API Reference, "SetQueueAttributes"`, func(t *trial) {
		q, _ := t.withDead("")
		t.want(t.attribute(q, "RedrivePolicy") != "", "the policy is not given back")
		t.must(t.set(q, "RedrivePolicy", ""))
		t.want(t.attribute(q, "RedrivePolicy") == "", "the policy is still there")
	}},
	{"the sources of a dead-letter queue are listed", `API Reference, "ListDeadLetterSourceQueues"`, func(t *trial) {
		q, dead := t.withDead("")
		if t.err != nil {
			return
		}
		out, err := t.client.ListDeadLetterSourceQueues(t.ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dead})
		t.must(err)
		if err == nil {
			t.want(len(out.QueueUrls) == 1 && out.QueueUrls[0] == q, "the sources are %q, want %s", out.QueueUrls, q)
		}
	}},
}
