package sqsfake

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func millis(s string) (time.Time, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return time.UnixMilli(n), err == nil
}

// refusesReceive changes a valid request so that it must be refused.
func refusesReceive(change func(in *sqs.ReceiveMessageInput)) func(t *trial) {
	return func(t *trial) {
		q := t.queue("q")
		if t.err != nil {
			return
		}
		in := &sqs.ReceiveMessageInput{QueueUrl: &q}
		change(in)
		_, err := t.client.ReceiveMessage(t.ctx, in)
		t.refused(err, codeInvalidParameter)
	}
}

var receiveRules = []rule{
	{"at most ten messages are received at once", `API Reference, "ReceiveMessage"`, refusesReceive(func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 11 })},
	{"a wait of more than 20 s is refused", pagePolling, refusesReceive(func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = 21 })},
	{"a visibility timeout of more than 12 h is refused at receive", pageVisibility, refusesReceive(func(in *sqs.ReceiveMessageInput) { in.VisibilityTimeout = 43201 })},
	{"an unknown system attribute is refused", `API Reference, "ReceiveMessage"`, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		if t.err != nil {
			return
		}
		_, err := t.client.ReceiveMessage(t.ctx, &sqs.ReceiveMessageInput{QueueUrl: &q, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"Color"}})
		t.refused(err, codeInvalidAttributeName, codeInvalidParameter)
	}},
	{"a short poll of an empty queue answers at once", pagePolling, func(t *trial) {
		q := t.queue("q")
		start := time.Now()
		t.nothing(q)
		t.want(time.Since(start) < time.Second, "it took %v", time.Since(start))
	}},
	{"a long poll of an empty queue waits", pagePolling, func(t *trial) {
		q := t.queue("q")
		start := time.Now()
		ms := t.receive(q, 2, 0)
		t.want(len(ms) == 0, "received %q", bodiesOf(ms))
		t.want(time.Since(start) >= 1500*time.Millisecond, "it took %v, want 2s", time.Since(start))
	}},
	{"a long poll answers as soon as there is a message", pagePolling, func(t *trial) {
		q := t.queue("q")
		t.post(q, letter{body: "x", delay: 1})
		start := time.Now()
		t.one(q, 10, 0)
		t.want(time.Since(start) < 5*time.Second, "it took %v, want 1s", time.Since(start))
	}},
	{"ReceiveMessageWaitTimeSeconds is the default wait", pagePolling, func(t *trial) {
		q := t.queue("q", "ReceiveMessageWaitTimeSeconds", "2")
		start := time.Now()
		t.receive(q, 0, 0)
		t.want(time.Since(start) >= 1500*time.Millisecond, "it took %v, want 2s", time.Since(start))
	}},
	{"a received message is hidden and comes back with a new handle and count", pageVisibility, func(t *trial) {
		q := t.queue("q", "VisibilityTimeout", "2")
		id := t.send(q, "x")
		first := t.one(q, 1, 0)
		t.nothing(q)
		second := t.one(q, 5, 0)
		t.want(value(first.MessageId) == id && value(second.MessageId) == id, "the id changed")
		t.want(value(first.ReceiptHandle) != value(second.ReceiptHandle), "the handle is the same")
		t.want(first.Attributes["ApproximateReceiveCount"] == "1" && second.Attributes["ApproximateReceiveCount"] == "2",
			"receive counts %s and %s", first.Attributes["ApproximateReceiveCount"], second.Attributes["ApproximateReceiveCount"])
		t.want(first.Attributes["ApproximateFirstReceiveTimestamp"] == second.Attributes["ApproximateFirstReceiveTimestamp"], "the first receive moved")
	}},
	{"the timeout of a receive overrides the queue's", pageVisibility, func(t *trial) {
		q := t.queue("q", "VisibilityTimeout", "600")
		t.send(q, "x")
		t.one(q, 1, 1)
		t.one(q, 5, 0)
	}},
	{"the counts of a queue tell visible messages from those in flight", `API Reference, "GetQueueAttributes"`, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		t.one(q, 1, 0)
		t.send(q, "y")
		seen, hidden := t.attribute(q, "ApproximateNumberOfMessages"), t.attribute(q, "ApproximateNumberOfMessagesNotVisible")
		t.want(seen == "1" && hidden == "1", "%s visible and %s in flight, want 1 and 1", seen, hidden)
	}},
	{"message attributes are given by name and prefix, with their digest", `API Reference, "ReceiveMessage"`, func(t *trial) {
		q := t.queue("q", "VisibilityTimeout", "0")
		t.post(q, letter{body: "x", attributes: map[string]types.MessageAttributeValue{"a.b": text("1"), "a.c": text("2"), "d": text("3")}})
		if t.err != nil {
			return
		}
		for _, tt := range []struct {
			names []string
			want  int
		}{{nil, 0}, {[]string{"d"}, 1}, {[]string{"a.*"}, 2}, {[]string{"All"}, 3}, {[]string{"z"}, 0}} {
			out, err := t.client.ReceiveMessage(t.ctx, &sqs.ReceiveMessageInput{QueueUrl: &q, MessageAttributeNames: tt.names})
			t.must(err)
			if err != nil || len(out.Messages) != 1 {
				t.want(false, "received no message")
				return
			}
			m := out.Messages[0]
			t.want(len(m.MessageAttributes) == tt.want, "names %q gave %d attributes, want %d", tt.names, len(m.MessageAttributes), tt.want)
			t.want((m.MD5OfMessageAttributes != nil) == (tt.want > 0), "names %q gave the digest %q", tt.names, value(m.MD5OfMessageAttributes))
		}
	}},
}
