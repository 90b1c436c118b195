package servicebus_test

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/servicebus"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
)

// foreign sends a message as others do.
func (e *env) foreign(m *azservicebus.Message) {
	e.Helper()
	s, err := e.clients.Messages.NewSender("orders", nil)
	e.must(err)
	defer s.Close(e.Context())
	e.must(s.SendMessage(e.Context(), m, nil))
}

// Two messages of others may have the same message id, or none, and are two messages.
func TestMessagesOfOthersHaveIDsOfTheirOwn(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		id := "same"
		for _, m := range []*azservicebus.Message{{MessageID: &id, Body: []byte("a")}, {MessageID: &id, Body: []byte("b")}, {Body: []byte("c")}} {
			e.foreign(m)
		}
		ids := make(map[string]bool)
		for range 3 {
			l := e.lease(e.queue)
			ids[l.Message().ID] = true
			e.ack(e.queue, l)
		}
		if len(ids) != 3 || ids[""] {
			e.Errorf("the ids are %v; want three", ids)
		}
	})
}

// So may two that were sent with the same deduplication key, once the window is over.
func TestADeduplicationKeyIsNoID(t *testing.T) {
	on(t, servicebus.Options{Dedup: true}, func(e *env) {
		var ids [2]string
		for i := range ids {
			r := e.queue.Send(e.Context(), []driver.Message{{Body: []byte("x"), DedupKey: "key"}})[0]
			e.must(r.Err)
			l := e.lease(e.queue)
			ids[i] = l.Message().ID
			e.ack(e.queue, l)
			time.Sleep(dedupWindow + time.Minute)
		}
		if ids[0] == ids[1] {
			e.Errorf("two messages have the id %q", ids[0])
		}
	})
}

// A task says what it is in the place that Service Bus has for that, and no attribute
// comes of it.
func TestATaskHasTheContentTypeOfAnEvent(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		for body, want := range map[string]string{`{"specversion":"1.0","id":"a"}`: "application/cloudevents+json", "text": ""} {
			e.must(e.queue.Send(e.Context(), []driver.Message{{Body: []byte(body)}})[0].Err)
			l := e.lease(e.queue)
			var m *azservicebus.ReceivedMessage
			if !l.As(&m) {
				e.Fatal("As does not know a received message")
			}
			got := ""
			if m.ContentType != nil {
				got = *m.ContentType
			}
			if a := l.Message().Attributes; got != want || len(a) != 0 {
				e.Errorf("%s has the content type %q and the attributes %v; want %q and none", body, got, a, want)
			}
			e.ack(e.queue, l)
		}
	})
}

// The content type of an event in binary mode is that of its data, which the handler
// is to know by it; an attribute of that name goes before it.
func TestTheContentTypeOfOthersIsAnAttribute(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		kind := "application/x-protobuf"
		for name, want := range map[string]string{"tenant": kind, "Content-Type": "", "cloudEvents:datacontenttype": ""} {
			e.foreign(&azservicebus.Message{Body: []byte("x"), ContentType: &kind, ApplicationProperties: map[string]any{name: "a"}})
			l := e.lease(e.queue)
			if got := l.Message().Attributes["content-type"]; got != want {
				e.Errorf("beside %s the content type is %q; want %q", name, got, want)
			}
			e.ack(e.queue, l)
		}
	})
}

func TestAMessageOfOthersKeepsWhatItHas(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		kind, subject, correlation, id := "text/plain", "a subject", "c-17", "m-1"
		e.foreign(&azservicebus.Message{
			MessageID: &id, Body: []byte("x"), ContentType: &kind, Subject: &subject, CorrelationID: &correlation,
			ApplicationProperties: map[string]any{"n": int64(7), "ok": true, "text": "t"},
		})
		l := e.lease(e.queue)
		if a := l.Message().Attributes; len(a) != 4 || a["n"] != "7" || a["ok"] != "true" || a["text"] != "t" || a["content-type"] != kind {
			e.Errorf("the attributes are %v", a)
		}
		e.must(e.settle(e.queue, driver.Bury, l))
		dead := e.lease(e.queue.DeadLetter())
		if d := dead.Message().Death; d == nil || d.Reason != "bad" || len(dead.Message().Attributes) != 4 {
			e.Errorf("the dead letter has %+v and %v", d, dead.Message().Attributes)
		}
		e.must(e.settle(e.queue.DeadLetter(), driver.Redrive, dead))
		l = e.lease(e.queue)
		var m *azservicebus.ReceivedMessage
		if !l.As(&m) {
			e.Fatal("As does not know a received message")
		}
		if *m.ContentType != kind || *m.Subject != subject || *m.CorrelationID != correlation || m.MessageID == id ||
			m.ApplicationProperties["content-type"] != nil || m.ApplicationProperties["n"] != int64(7) || m.ApplicationProperties["ok"] != true || m.ApplicationProperties["text"] != "t" {
			e.Errorf("redriven it is %+v", m)
		}
		if l.Message().Death != nil || l.Message().Carry.Redrives != 1 {
			e.Errorf("redriven it has %+v and %+v", l.Message().Death, l.Message().Carry)
		}
		e.ack(e.queue, l)
	})
}

func TestReasonsOfOthers(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		reason, detail := "BadAddress", "no such street"
		e.foreign(&azservicebus.Message{Body: []byte("x")})
		r, err := e.clients.Messages.NewReceiverForQueue("orders", nil)
		e.must(err)
		defer r.Close(e.Context())
		got, err := r.ReceiveMessages(e.Context(), 1, nil)
		e.must(err)
		e.must(r.DeadLetterMessage(e.Context(), got[0], &azservicebus.DeadLetterOptions{Reason: &reason, ErrorDescription: &detail}))
		l := e.lease(e.queue.DeadLetter())
		if d := l.Message().Death; d == nil || d.Reason != driver.ReasonBrokerLimit || d.Detail != "BadAddress: no such street" {
			e.Errorf("the death record is %+v", d)
		}
		e.ack(e.queue.DeadLetter(), l)
	})
}

func TestAnExpiredMessageIsSaidToBeExpired(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		e.server.DeleteQueue("orders")
		e.must(e.server.CreateQueue("orders", sbfake.QueueConfig{LockDuration: conformanceHold, DeadLetterOnExpiration: true}))
		ttl := time.Minute
		e.foreign(&azservicebus.Message{Body: []byte("x"), TimeToLive: &ttl})
		time.Sleep(2 * time.Minute)
		l := e.lease(e.queue.DeadLetter())
		if d := l.Message().Death; d == nil || d.Reason != driver.ReasonExpired {
			e.Errorf("the death record is %+v", d)
		}
		e.ack(e.queue.DeadLetter(), l)
	})
}
