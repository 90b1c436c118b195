package pubsub_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

func TestBuryAndRedriveAreTwoRequestsForManyMessages(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		const n = 500
		e.send(messages(n)...)
		move := func(s driver.Source, v driver.Verdict, reason string) {
			batch := make([]driver.Settlement, 0, n)
			for _, l := range e.lease(s, n) {
				batch = append(batch, driver.Settlement{Lease: l, Verdict: v, Reason: reason})
			}
			before := e.server.Requests()
			for _, err := range s.Settle(e.Context(), batch) {
				e.must(err)
			}
			if p, a := e.since(before, "Publish"), e.since(before, "Acknowledge"); p != 1 || a != 1 {
				e.Errorf("%v: %d and %d requests; want one of each", v, p, a)
			}
		}
		move(e.queue, driver.Bury, "test")
		move(e.queue.DeadLetter(), driver.Redrive, "")
		move(e.queue, driver.Bury, "test")
	})
}

// What was published already is not published again by the next try.
func TestABuryThatIsTriedAgainPublishesOnce(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(message(1))
		l := e.lease(e.queue, 1)[0]
		bury := driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}
		e.server.Fault(pubsubfake.Fault{Op: "Acknowledge", Code: codes.Unavailable, Count: 2})
		for range 2 {
			e.code("bury", e.settle(e.queue, bury), driver.Unavailable)
		}
		e.must(e.settle(e.queue, bury))
		e.lease(e.queue.DeadLetter(), 1)
		e.none("one copy", e.queue.DeadLetter())
	})
}

// A message that leaves no room for our attributes loses its own, readably.
func TestACopyWithoutRoomLosesAttributes(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		full := &pubsubpb.PubsubMessage{Data: []byte("x"), Attributes: make(map[string]string)}
		for i := range 100 {
			full.Attributes[fmt.Sprintf("name-%03d", i)] = fmt.Sprintf("value %d", i)
		}
		e.publish(full)
		l := e.lease(e.queue, 1)[0]
		e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test", Detail: "the error"}))
		d := e.lease(e.queue.DeadLetter(), 1)[0]
		m := d.Message()
		if m.Death == nil || !strings.HasPrefix(m.Death.Detail, "the error") || !strings.Contains(m.Death.Detail, "name-000=value 0") || len(m.Attributes) != 99 {
			e.Fatalf("%d attributes, %+v", len(m.Attributes), m.Death)
		}
		if _, ok := m.Attributes["name-099"]; !ok {
			e.Error("it lost more than it had to")
		}

		// One that has too many to be redriven with what we carry goes without.
		e.must(e.settle(e.queue.DeadLetter(), driver.Settlement{Lease: d, Verdict: driver.Redrive}))
		e.lease(e.queue, 1)

		// A body that leaves no room is not buried, and stays leased.
		e.publish(&pubsubpb.PubsubMessage{Data: make([]byte, 9_999_900)})
		l = e.lease(e.queue, 1)[0]
		e.code("bury", e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test", Detail: "the error"}), driver.TooLarge, "no room")
		e.must(e.queue.Extend(e.Context(), []driver.Lease{l}, 0)[0].Err)
	})
}

// What Pub/Sub forwarded by itself is told from what was buried, also after it was
// moved back by other means.
func TestTheBrokersOwnDeadLetters(t *testing.T) {
	with(t, nil, conformance.Options{MaxAttempts: 5}, pubsub.Options{}, func(e *env) {
		exhaust := func() driver.Lease {
			e.Helper()
			for range 5 {
				e.must(e.settle(e.queue, driver.Settlement{Lease: e.lease(e.queue, 1)[0], Verdict: driver.Release}))
			}
			return e.lease(e.queue.DeadLetter(), 1)[0]
		}
		is := func(what string, m driver.Message) {
			e.Helper()
			if m.Death == nil || m.Death.Reason != driver.ReasonBrokerLimit || m.Death.Attempts != 7 || m.Death.Queue != "orders" || len(m.Attributes) != 1 {
				e.Errorf("%s: %v, %+v", what, m.Attributes, m.Death)
			}
		}
		m := message(1)
		m.Attributes, m.Carry = map[string]string{"a": "b"}, driver.Carry{Attempts: 2}
		e.send(m)
		d := exhaust()
		is("forwarded", d.Message())

		// Somebody publishes it again as it is, with a console.
		e.must(e.settle(e.queue.DeadLetter(), driver.Settlement{Lease: d, Verdict: driver.Release}))
		move := func(from, to string) {
			out, err := e.clients.Subscriptions.Pull(e.Context(), &pubsubpb.PullRequest{Subscription: from, MaxMessages: 1})
			e.must(err)
			r := out.GetReceivedMessages()[0]
			_, err = e.clients.Topics.Publish(e.Context(), &pubsubpb.PublishRequest{Topic: to, Messages: []*pubsubpb.PubsubMessage{{
				Data: r.GetMessage().GetData(), Attributes: r.GetMessage().GetAttributes(),
			}}})
			e.must(err)
			e.must(e.clients.Subscriptions.Acknowledge(e.Context(), &pubsubpb.AcknowledgeRequest{Subscription: from, AckIds: []string{r.GetAckId()}}))
		}
		move(deadSubscription, topic)
		l := e.lease(e.queue, 1)[0]
		is("moved back", l.Message())

		// Buried then, it is what we say it is.
		e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}))
		d = e.lease(e.queue.DeadLetter(), 1)[0]
		if got := d.Message().Death; got == nil || got.Reason != "test" {
			e.Errorf("buried: %+v", got)
		}
		// And moved back and forwarded once more, it is the broker's again.
		e.must(e.settle(e.queue.DeadLetter(), driver.Settlement{Lease: d, Verdict: driver.Release}))
		move(deadSubscription, topic)
		is("forwarded again", exhaust().Message())
		e.sleep(time.Minute)
		d = e.lease(e.queue.DeadLetter(), 1)[0]
		e.must(e.settle(e.queue.DeadLetter(), driver.Settlement{Lease: d, Verdict: driver.Redrive}))
		l = e.lease(e.queue, 1)[0]
		if got := l.Message(); got.Death != nil || len(got.Attributes) != 1 || l.Attempt() != 1 || got.Carry.Redrives != 1 {
			e.Errorf("redriven: %+v, attempt %d", got, l.Attempt())
		}
	})
}

// A dead-letter topic may take what comes from elsewhere.
func TestDeadLettersOfOthers(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		for _, tt := range []struct {
			attributes map[string]string
			queue      string
		}{
			{nil, "orders"},
			{map[string]string{"CloudPubSubDeadLetterSourceSubscription": "others", "CloudPubSubDeadLetterSourceDeliveryCount": "5"}, "others"},
		} {
			_, err := e.clients.Topics.Publish(e.Context(), &pubsubpb.PublishRequest{Topic: deadTopic, Messages: []*pubsubpb.PubsubMessage{
				{Data: []byte("x"), Attributes: tt.attributes},
			}})
			e.must(err)
			d := e.lease(e.queue.DeadLetter(), 1)[0]
			if got := d.Message().Death; got == nil || got.Reason != driver.ReasonBrokerLimit || got.Queue != tt.queue {
				e.Errorf("%+v; want broker-limit on %q", got, tt.queue)
			}
			e.must(e.settle(e.queue.DeadLetter(), driver.Settlement{Lease: d, Verdict: driver.Ack}))
		}
	})
}
