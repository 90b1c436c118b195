package sqs_test

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
)

// foreign sends a message as another producer does.
func (e *env) foreign(body string, attributes map[string]types.MessageAttributeValue) {
	e.Helper()
	_, err := e.client.SendMessage(e.Context(), &awssqs.SendMessageInput{QueueUrl: e.url(""), MessageBody: &body, MessageAttributes: attributes})
	e.must(err)
}

// raw receives a message as another consumer does, and gives it back.
func (e *env) raw(suffix string) types.Message {
	e.Helper()
	out, err := e.client.ReceiveMessage(e.Context(), &awssqs.ReceiveMessageInput{
		QueueUrl: e.url(suffix), MessageAttributeNames: []string{"All"}, VisibilityTimeout: 10,
	})
	e.must(err)
	if len(out.Messages) != 1 {
		e.Fatalf("%d messages in %q; want 1", len(out.Messages), suffix)
	}
	_, err = e.client.ChangeMessageVisibility(e.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: e.url(suffix), ReceiptHandle: out.Messages[0].ReceiptHandle})
	e.must(err)
	return out.Messages[0]
}

func value(dataType, text string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: &dataType, StringValue: &text}
}

// sameAttributes asserts that got has want, each in its type, and the reserved
// ones beside them.
func (e *env) sameAttributes(what string, got, want map[string]types.MessageAttributeValue, reserved ...string) {
	e.Helper()
	for name, w := range want {
		g, ok := got[name]
		if !ok || aws.ToString(g.DataType) != aws.ToString(w.DataType) || aws.ToString(g.StringValue) != aws.ToString(w.StringValue) ||
			!bytes.Equal(g.BinaryValue, w.BinaryValue) {
			e.Errorf("%s: attribute %s is %s %q % x", what, name, aws.ToString(g.DataType), aws.ToString(g.StringValue), g.BinaryValue)
		}
	}
	for _, name := range reserved {
		if _, ok := got[name]; !ok {
			e.Errorf("%s: no attribute %s", what, name)
		}
	}
	if len(got) != len(want)+len(reserved) {
		e.Errorf("%s: %d attributes; want %d", what, len(got), len(want)+len(reserved))
	}
}

func TestForeignAttributesKeepTheirTypes(t *testing.T) {
	on(t, "", nil, func(e *env) {
		all := map[string]types.MessageAttributeValue{
			"number": value("Number", "42.5"), "label": value("String.uuid", "0a"), "text": value("String", "x"),
			"binary": {DataType: aws.String("Binary.gzip"), BinaryValue: []byte{0, 1, 0xff}},
		}
		e.foreign("not ours", all)
		l := e.lease(e.queue, 1)[0]
		shown := map[string]string{"number": "42.5", "label": "0a", "text": "x", "binary": "AAH/"}
		if !maps.Equal(l.Message().Attributes, shown) {
			e.Errorf("shown as %q; want %q", l.Message().Attributes, shown)
		}
		e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}))
		e.sameAttributes("dead", e.raw("-dead").MessageAttributes, all, driver.AttributeDeath)
		d := e.queue.DeadLetter()
		e.must(e.settle(d, driver.Settlement{Lease: e.lease(d, 1)[0], Verdict: driver.Redrive}))
		e.sameAttributes("redriven", e.raw("").MessageAttributes, all, driver.AttributeCarry)
	})
}

// ten are as many attributes as a message can have, so that none is left for us.
func ten(size int) map[string]types.MessageAttributeValue {
	all := make(map[string]types.MessageAttributeValue)
	for i := range 10 {
		all[fmt.Sprintf("name-%d", i)] = value("String", strings.Repeat(string('a'+rune(i)), size))
	}
	return all
}

func TestBuryMakesRoom(t *testing.T) {
	const most = 1 << 20
	tests := []struct {
		what       string
		body       int
		attributes map[string]types.MessageAttributeValue
		lost       int
	}{
		{"ten attributes", 100, ten(5), 1},
		{"ten large attributes", 100, ten(5000), 1},
		{"attributes up to the limit", most - 3*(len("name-0")+len("String")+1000), func() map[string]types.MessageAttributeValue {
			all := ten(1000)
			maps.DeleteFunc(all, func(name string, _ types.MessageAttributeValue) bool { return name > "name-2" })
			return all
		}(), 1},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			on(t, "", nil, func(e *env) {
				text := string(body(tt.body, 7))
				e.foreign(text, tt.attributes)
				l := e.lease(e.queue, 1)[0]
				e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test", Detail: strings.Repeat("the error ", 200)}))
				m := e.raw("-dead")
				if *m.Body != text {
					e.Error("the body has changed")
				}
				want := maps.Clone(tt.attributes)
				for i := range tt.lost {
					delete(want, fmt.Sprintf("name-%d", i))
				}
				e.sameAttributes("dead", m.MessageAttributes, want, driver.AttributeDeath)
				death := e.lease(e.queue.DeadLetter(), 1)[0].Message().Death
				if death == nil || death.Reason != "test" || !strings.HasPrefix(death.Detail, "the error ") || !strings.Contains(death.Detail, "name-0=aaaaa") {
					e.Errorf("death %+v; want the error and what was lost", death)
				}
			})
		})
	}
}

// What the broker put into the dead letter goes back with all that it has.
func TestRedriveLosesNoAttribute(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.foreign("x", ten(5))
		for range 100 {
			e.receiveAndRelease()
		}
		e.receive(0) // the broker gives up
		d := e.queue.DeadLetter()
		e.must(e.settle(d, driver.Settlement{Lease: e.lease(d, 1)[0], Verdict: driver.Redrive}))
		e.sameAttributes("redriven", e.raw("").MessageAttributes, ten(5))
	})
}

func TestBuryWithoutRoomIsTooLarge(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.foreign(string(body(1<<20, 7)), nil)
		l := e.lease(e.queue, 1)[0]
		e.code("bury of a full message", e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}), driver.TooLarge)
		e.must(e.queue.Extend(e.Context(), []driver.Lease{l}, 0)[0].Err) // untouched
		e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Release}))
	})
}

func TestBuryOfOneFailsAlone(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.foreign(string(body(1<<20, 7)), nil)
		e.foreign("small", nil)
		batch := make([]driver.Settlement, 0, 2)
		for _, l := range e.lease(e.queue, 2) {
			batch = append(batch, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"})
		}
		for i, err := range e.queue.Settle(e.Context(), batch) {
			if len(batch[i].Lease.Message().Body) > 10 {
				e.code("the full one", err, driver.TooLarge)
			} else {
				e.must(err)
			}
		}
	})
}

func TestNotificationsAreUnwrapped(t *testing.T) {
	const envelope = `{"Type":"Notification","TopicArn":"arn:aws:sns:us-east-1:000000000000:t","Message":"inner",` +
		`"MessageAttributes":{"kind":{"Type":"String","Value":"k"}}}`
	on(t, "", &sqs.Options{UnwrapSNS: true}, func(e *env) {
		all := map[string]types.MessageAttributeValue{"number": value("Number", "1")}
		e.foreign(envelope, all)
		for range 2 {
			l := e.lease(e.queue, 1)[0]
			if m := l.Message(); string(m.Body) != "inner" || m.Attributes["kind"] != "k" || m.Attributes["number"] != "1" {
				e.Errorf("body %q, attributes %q", m.Body, m.Attributes)
			}
			e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}))
			if m := e.raw("-dead"); *m.Body != envelope || m.MessageAttributes["kind"].StringValue != nil {
				e.Errorf("dead: body %q; want the notification as it came", *m.Body)
			}
			d := e.queue.DeadLetter()
			e.must(e.settle(d, driver.Settlement{Lease: e.lease(d, 1)[0], Verdict: driver.Redrive}))
			m := e.raw("")
			if *m.Body != envelope {
				e.Errorf("redriven: body %q; want the notification as it came", *m.Body)
			}
			e.sameAttributes("redriven", m.MessageAttributes, all, driver.AttributeCarry)
		}
	})
}

// A message that was moved back by hand and died again has the record of its
// earlier death.
func TestBrokerLimitAfterAnEarlierDeath(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(driver.Message{Body: []byte("x"), Death: &driver.Death{Reason: "earlier"}, Carry: driver.Carry{Attempts: 2}})
		for range 100 {
			e.receiveAndRelease()
		}
		if got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1}); err != nil || len(got) != 0 {
			e.Fatalf("%d leases, %v; want that the broker gave up", len(got), err)
		}
		death := e.lease(e.queue.DeadLetter(), 1)[0].Message().Death
		if death == nil || death.Reason != driver.ReasonBrokerLimit || death.Queue != "orders" || death.Attempts != 102 {
			e.Errorf("death %+v; want %s on orders after 102 attempts", death, driver.ReasonBrokerLimit)
		}
	})
}
