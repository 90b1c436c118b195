package sqsfake

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (t *trial) fifoQueue(attributes ...string) string {
	return t.queue("q.fifo", append([]string{"FifoQueue", "true"}, attributes...)...)
}

func (t *trial) received(ms []types.Message, want ...string) {
	got := bodiesOf(ms)
	t.want(slices.Equal(got, want), "received %q, want %q", got, want)
}

var fifoRules = []rule{
	{"a FIFO queue's name ends with .fifo", `API Reference, "CreateQueue"`, func(t *trial) {
		_, err := t.create("q", "FifoQueue", "true")
		t.refused(err, codeInvalidParameter)
	}},
	{"a group is received in the order of sending, several at once", pageFIFO, func(t *trial) {
		q := t.fifoQueue()
		for _, body := range []string{"1", "2", "3"} {
			t.fifo(q, "g", body)
		}
		t.received(t.receive(q, 1, 0), "1", "2", "3")
	}},
	{"a group waits while one of its messages is in flight, others do not", pageFIFO, func(t *trial) {
		q := t.fifoQueue()
		t.fifo(q, "g", "1")
		m := t.one(q, 1, 0)
		t.fifo(q, "g", "2")
		t.fifo(q, "h", "3")
		t.received(t.receive(q, 1, 0), "3")
		t.must(t.delete(q, m))
		t.received(t.receive(q, 1, 0), "2")
	}},
	{"a released head is received before what was sent after it", pageFIFO, func(t *trial) {
		q := t.fifoQueue()
		t.fifo(q, "g", "1")
		m := t.one(q, 1, 0)
		t.fifo(q, "g", "2")
		t.must(t.change(q, m, 0))
		t.received(t.receive(q, 1, 0), "1", "2")
	}},
	{"a message of a FIFO queue comes back by its own timeout, whatever other groups do", pageFIFO, func(t *trial) {
		q := t.fifoQueue()
		t.fifo(q, "g", "1")
		t.one(q, 1, 30)
		t.fifo(q, "h", "2")
		t.one(q, 1, 1)
		t.received(t.receive(q, 5, 0), "2")
	}},
	{"a message of a FIFO queue needs a group", `API Reference, "SendMessage"`, func(t *trial) {
		_, err := t.trySend(t.fifoQueue(), letter{body: "x", dedup: "d"})
		t.refused(err, codeMissingParameter)
	}},
	{"a message of a FIFO queue needs a dedup id or deduplication by content", pageExactlyOnce, func(t *trial) {
		_, err := t.trySend(t.fifoQueue(), letter{body: "x", group: "g"})
		t.refused(err, codeInvalidParameter)
	}},
	{"a message with a dedup id that was sent is accepted and not delivered, even after a delete", pageExactlyOnce, func(t *trial) {
		q := t.fifoQueue()
		id := t.post(q, letter{body: "x", group: "g", dedup: "d"})
		t.must(t.delete(q, t.one(q, 1, 0)))
		again := t.post(q, letter{body: "y", group: "g", dedup: "d"})
		t.want(id == again, "the second send got the id %s, want %s", again, id)
		t.nothing(q)
	}},
	{"deduplication is by content where the queue says so", pageExactlyOnce, func(t *trial) {
		q := t.fifoQueue("ContentBasedDeduplication", "true")
		t.post(q, letter{body: "x", group: "g"})
		t.post(q, letter{body: "x", group: "g"})
		t.post(q, letter{body: "y", group: "g"})
		t.received(t.receive(q, 1, 0), "x", "y")
	}},
	{"deduplication is per group where the queue says so", pageExactlyOnce, func(t *trial) {
		q := t.fifoQueue("DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId")
		t.post(q, letter{body: "x", group: "g", dedup: "d"})
		t.post(q, letter{body: "y", group: "h", dedup: "d"})
		t.want(len(t.receive(q, 1, 0)) == 2, "the second group lost its message")
	}},
	{"a delay of a message is refused on a FIFO queue", pageDelay, func(t *trial) {
		_, err := t.trySend(t.fifoQueue(), letter{body: "x", group: "g", dedup: "d", delay: 1})
		t.refused(err, codeInvalidParameter)
	}},
	{"sequence numbers grow and are given at send and receive", `API Reference, "SendMessage"`, func(t *trial) {
		q := t.fifoQueue()
		var sent []string
		for _, body := range []string{"1", "2"} {
			out, err := t.trySend(q, letter{body: body, group: "g", dedup: body})
			t.must(err)
			if err != nil {
				return
			}
			sent = append(sent, value(out.SequenceNumber))
		}
		t.want(len(sent[0]) == len(sent[1]) && sent[0] < sent[1], "sequence numbers %q", sent)
		for i, m := range t.receive(q, 1, 0) {
			t.want(m.Attributes["SequenceNumber"] == sent[i], "received %s, sent %s", m.Attributes["SequenceNumber"], sent[i])
		}
	}},
	{"deleting on a FIFO queue after the timeout is refused", `API Reference, "DeleteMessage"`, func(t *trial) {
		q := t.fifoQueue()
		t.fifo(q, "g", "1")
		m := t.one(q, 1, 1)
		t.wait(1500 * time.Millisecond)
		t.refused(t.delete(q, m), codeInvalidParameter)
	}},
	{"group and dedup ids have at most 128 characters", `API Reference, "SendMessage"`, func(t *trial) {
		q := t.fifoQueue()
		long := string(slices.Repeat([]byte("x"), 129))
		_, err := t.trySend(q, letter{body: "x", group: long, dedup: "d"})
		t.refused(err, codeInvalidParameter)
		_, err = t.trySend(q, letter{body: "x", group: "g", dedup: long})
		t.refused(err, codeInvalidParameter)
	}},
}
