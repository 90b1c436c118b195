package pubsub_test

import (
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
)

// A message of an ordering key that the queue does not show has none to send copies
// with, and keeps it through a bury.
func TestAdoptHidesTheGroupOfAQueueWithoutGroups(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		on(t, nil, pubsub.Options{Ordered: ordered}, func(e *env) {
			m := message(1)
			m.GroupKey = "a"
			l := e.queue.Adopt("", m, 1, time.Now())
			if got := l.Message().GroupKey; (got != "") != ordered {
				e.Errorf("ordered %v: the group key is %q", ordered, got)
			}
			e.must(e.queue.Send(e.Context(), []driver.Message{driver.CopyOf(l.Message())})[0].Err)
			e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}))
			var d *pubsubpb.ReceivedMessage
			e.lease(e.queue.DeadLetter(), 1)[0].As(&d)
			if d.GetMessage().GetOrderingKey() != "a" {
				e.Errorf("ordering key %q; want a", d.GetMessage().GetOrderingKey())
			}
		})
	}
}

// A message may be adopted as some other lease shows it, with its parts taken out of
// its attributes.
func TestAdoptKeepsTheCarryOfAMessage(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		m := message(1)
		m.Attributes, m.Carry = map[string]string{"a": "b"}, driver.Carry{Attempts: 3}
		m.Death = &driver.Death{Reason: "test"}
		got := e.queue.Adopt("", m, -1, time.Now())
		if got.Message().Carry.Attempts != 3 || got.Message().Death == nil || got.Attempt() != 0 {
			e.Errorf("%+v, attempt %d", got.Message(), got.Attempt())
		}
	})
}

func TestAQueueAdoptsAndTellsTheNameOfItsSubscription(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		var a driver.Adopter
		var name driver.Name
		if !e.queue.As(&a) || a != driver.Adopter(e.queue) || !e.queue.As(&name) || name != "projects/test/subscriptions/orders" {
			t.Errorf("adopter %v, name %q", a != nil, name)
		}
		if s := driver.SystemOf(e.queue); s != "gcp_pubsub" {
			t.Errorf("system %q", s)
		}
	})
}
