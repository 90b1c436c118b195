package sqsfake

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

var settleRules = []rule{
	{"a deleted message does not come back", `API Reference, "DeleteMessage"`, func(t *trial) {
		q := t.queue("q", "VisibilityTimeout", "1")
		t.send(q, "x")
		t.must(t.delete(q, t.one(q, 1, 0)))
		t.wait(1500 * time.Millisecond)
		t.nothing(q)
	}},
	{"deleting a message that is deleted succeeds", `API Reference, "DeleteMessage"`, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		m := t.one(q, 1, 0)
		t.must(t.delete(q, m))
		t.must(t.delete(q, m))
	}},
	{"deleting works after the visibility timeout, unless the message was received again", `API Reference, "DeleteMessage"`, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		m := t.one(q, 1, 1)
		t.wait(1500 * time.Millisecond)
		t.must(t.delete(q, m))
		t.nothing(q)
	}},
	{"deleting with a superseded handle succeeds and deletes nothing", `API Reference, "DeleteMessage"`, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		old := t.one(q, 1, 1)
		m := t.one(q, 5, 30)
		t.must(t.delete(q, old))
		t.must(t.change(q, m, 0))
		t.one(q, 1, 0)
	}},
	{"a handle that was never given is invalid", `API Reference, "DeleteMessage"`, func(t *trial) {
		q := t.queue("q")
		junk := "junk"
		t.refused(t.delete(q, types.Message{ReceiptHandle: &junk}), codeReceiptHandle)
		t.refused(t.change(q, types.Message{ReceiptHandle: &junk}, 1), codeReceiptHandle)
	}},
	{"a timeout of 0 makes a message visible at once", pageVisibility, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		t.must(t.change(q, t.one(q, 1, 0), 0))
		t.one(q, 1, 0)
	}},
	{"a change counts from now and keeps a message hidden past its first timeout", pageVisibility, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		m := t.one(q, 1, 2)
		t.wait(time.Second)
		t.must(t.change(q, m, 4))
		t.wait(1500 * time.Millisecond)
		t.nothing(q)
		t.one(q, 5, 0)
	}},
	{"a timeout of more than 12 h is refused", pageVisibility, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		t.refused(t.change(q, t.one(q, 1, 0), 43201), codeInvalidParameter)
	}},
	{"timeouts that reach past 12 h since the receive are refused", pageVisibility, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		m := t.one(q, 1, 0)
		t.wait(1500 * time.Millisecond)
		t.must(t.change(q, m, 43190))
		t.refused(t.change(q, m, 43200), codeInvalidParameter)
	}},
	{"a change after the timeout has ended does not hide the message again", pageVisibility, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		m := t.one(q, 1, 1)
		t.wait(4 * time.Second)
		_ = t.change(q, m, 30) // whether it is an error is another rule
		t.one(q, 1, 0)
	}},
	{"a change after the timeout has ended says that the message is not in flight", `API Reference, "ChangeMessageVisibility"`, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		m := t.one(q, 1, 1)
		t.wait(1500 * time.Millisecond)
		t.refused(t.change(q, m, 30), codeNotInflight)
	}},
	{"a change with a superseded handle is refused", pageIdentifiers, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		old := t.one(q, 1, 1)
		t.one(q, 5, 30)
		t.refused(t.change(q, old, 5), codeInvalidParameter, codeNotInflight)
	}},
	{"a change of a deleted message is refused", `API Reference, "ChangeMessageVisibility"`, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		m := t.one(q, 1, 0)
		t.must(t.delete(q, m))
		t.refused(t.change(q, m, 5), codeInvalidParameter, codeNotInflight)
	}},
}
