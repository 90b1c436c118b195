package sqsfake

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func text(v string) types.MessageAttributeValue {
	return typed("String", v)
}

func typed(kind, v string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: &kind, StringValue: &v}
}

// refusesAttribute sends a message with one attribute, which must be refused.
func refusesAttribute(name string, v types.MessageAttributeValue) func(t *trial) {
	return func(t *trial) {
		q := t.queue("q")
		_, err := t.trySend(q, letter{body: "x", attributes: map[string]types.MessageAttributeValue{name: v}})
		t.refused(err, codeInvalidParameter)
		t.nothing(q)
	}
}

var sendRules = []rule{
	{"send answers the digest of body and attributes", pageMetadata, func(t *trial) {
		q := t.queue("q")
		binary := "Binary.png"
		out, err := t.trySend(q, letter{body: "hello", attributes: map[string]types.MessageAttributeValue{
			"name": text("größe"), "count": typed("Number", "42"), "raw": {DataType: &binary, BinaryValue: []byte{0, 1, 255}},
		}})
		t.must(err)
		if t.err != nil {
			return
		}
		t.want(*out.MD5OfMessageBody == "5d41402abc4b2a76b9719d911017c592", "digest of the body is %s", *out.MD5OfMessageBody)
		t.want(value(out.MD5OfMessageAttributes) == "3ad6bcdbe78ee9b3a85b255e8c1ee3e3", "digest of the attributes is %s", value(out.MD5OfMessageAttributes))
		m := t.one(q, 0, 0)
		t.want(value(m.MD5OfMessageAttributes) == value(out.MD5OfMessageAttributes), "digests at send and receive differ")
	}},
	{"an empty body is refused", `API Reference, "SendMessage"`, func(t *trial) {
		_, err := t.trySend(t.queue("q"), letter{})
		t.refused(err, codeMissingParameter, codeInvalidParameter)
	}},
	{"a body of 1 MiB is taken", pageQuotas, func(t *trial) {
		t.send(t.queue("q"), strings.Repeat("x", maxMessage))
	}},
	{"a message of more than 1 MiB is refused", pageQuotas, func(t *trial) {
		_, err := t.trySend(t.queue("q"), letter{body: strings.Repeat("x", maxMessage+1)})
		t.refused(err, codeInvalidParameter)
	}},
	{"attributes count towards the size of a message", pageQuotas, func(t *trial) {
		_, err := t.trySend(t.queue("q"), letter{
			body:       strings.Repeat("x", maxMessage-10),
			attributes: map[string]types.MessageAttributeValue{"name": text("a value of some bytes")},
		})
		t.refused(err, codeInvalidParameter)
	}},
	{"MaximumMessageSize of the queue is enforced", `API Reference, "SetQueueAttributes"`, func(t *trial) {
		q := t.queue("q", "MaximumMessageSize", "1024")
		t.send(q, strings.Repeat("x", 1024))
		_, err := t.trySend(q, letter{body: strings.Repeat("x", 1025)})
		t.refused(err, codeInvalidParameter)
	}},
	{"control characters are refused", `API Reference, "SendMessage"`, func(t *trial) {
		q := t.queue("q")
		_, err := t.trySend(q, letter{body: "a\x01b"})
		t.refused(err, codeInvalidContents)
		t.send(q, "tab\t, line\r\n, \U0001F6A2 and \uFFFD")
	}},
	{"eleven attributes are refused", pageMetadata, func(t *trial) {
		q := t.queue("q")
		attributes := map[string]types.MessageAttributeValue{}
		for _, c := range "abcdefghij" {
			attributes[string(c)] = text("v")
		}
		t.post(q, letter{body: "x", attributes: attributes})
		attributes["k"] = text("v")
		_, err := t.trySend(q, letter{body: "x", attributes: attributes})
		t.refused(err, codeInvalidParameter)
	}},
	{"attribute names have at most 256 characters", pageMetadata, func(t *trial) {
		q := t.queue("q")
		name := strings.Repeat("n", 256)
		t.post(q, letter{body: "x", attributes: map[string]types.MessageAttributeValue{name: text("v")}})
		_, err := t.trySend(q, letter{body: "x", attributes: map[string]types.MessageAttributeValue{name + "n": text("v")}})
		t.refused(err, codeInvalidParameter)
	}},
	{"attribute names of AWS are refused", pageMetadata, refusesAttribute("AWS.name", text("v"))},
	{"attribute names with spaces are refused", pageMetadata, refusesAttribute("a b", text("v"))},
	{"attribute names that end with a period are refused", pageMetadata, refusesAttribute("a.", text("v"))},
	{"attribute types other than String, Number and Binary are refused", pageMetadata, refusesAttribute("a", typed("Text", "v"))},
	{"empty attribute values are refused", pageMetadata, refusesAttribute("a", text(""))},
	{"Number attributes must be numbers", pageMetadata, refusesAttribute("a", typed("Number", "many"))},
	{"a delay of more than 900 s is refused", pageDelay, func(t *trial) {
		_, err := t.trySend(t.queue("q"), letter{body: "x", delay: 901})
		t.refused(err, codeInvalidParameter)
	}},
	{"a delay hides the message and then ends", pageDelay, func(t *trial) {
		q := t.queue("q")
		t.post(q, letter{body: "x", delay: 2})
		t.nothing(q)
		n := t.attribute(q, "ApproximateNumberOfMessagesDelayed")
		t.want(n == "1", "%s delayed messages, want 1", n)
		t.one(q, 5, 0)
	}},
	{"the queue's delay is the default of a message", `API Reference, "SetQueueAttributes"`, func(t *trial) {
		q := t.queue("q", "DelaySeconds", "2")
		t.send(q, "x")
		t.nothing(q)
		t.one(q, 5, 0)
	}},
	{"a message of a standard queue may have a group and gives it back", pageFair, func(t *trial) {
		q := t.queue("q")
		t.post(q, letter{body: "x", group: "tenant"})
		t.post(q, letter{body: "y", group: "tenant"})
		ms := t.receive(q, 1, 0)
		t.want(len(ms) == 2, "received %q, want both at once", bodiesOf(ms))
		for _, m := range ms {
			t.want(m.Attributes["MessageGroupId"] == "tenant", "attributes are %v", m.Attributes)
		}
	}},
	{"a dedup id on a standard queue is refused", `API Reference, "SendMessage"`, func(t *trial) {
		_, err := t.trySend(t.queue("q"), letter{body: "x", dedup: "d"})
		t.refused(err, codeInvalidParameter)
	}},
	{"the time of sending is given in milliseconds", `API Reference, "ReceiveMessage"`, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		m := t.one(q, 1, 0)
		for _, name := range []string{"SentTimestamp", "ApproximateFirstReceiveTimestamp"} {
			at, ok := millis(m.Attributes[name])
			t.want(ok && time.Since(at).Abs() < time.Minute, "%s is %q", name, m.Attributes[name])
		}
	}},
}
