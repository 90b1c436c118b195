package pubsub_test

import (
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

func TestExtendAndAckAreBatched(t *testing.T) {
	for _, exactlyOnce := range []bool{false, true} {
		on(t, nil, pubsub.Options{ExactlyOnce: exactlyOnce}, func(e *env) {
			e.send(messages(1000)...)
			ls := e.lease(e.queue, 1000)
			before := e.server.Requests()
			for _, r := range e.queue.Extend(e.Context(), ls, time.Minute) {
				e.must(r.Err)
			}
			batch := make([]driver.Settlement, len(ls))
			for i, l := range ls {
				batch[i] = driver.Settlement{Lease: l, Verdict: driver.Ack}
			}
			for _, err := range e.queue.Settle(e.Context(), batch) {
				e.must(err)
			}
			if m, a := e.since(before, "ModifyAckDeadline"), e.since(before, "Acknowledge"); m != 1 || a != 1 {
				e.Errorf("%d and %d requests for 1,000 leases; want one of each", m, a)
			}
			e.sleep(2 * time.Minute)
			e.none("all acked", e.queue)
		})
	}
}

// Of 10,000 leases, extended in batches for ten holds, none is lost.
func TestManyLeasesForManyHolds(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		const n = 10_000
		for range n / 1000 {
			e.send(messages(1000)...)
		}
		ls := e.lease(e.queue, n)
		before := e.server.Requests()
		const third = conformanceHold / 3
		rounds := 0
		for start := time.Now(); time.Since(start) < 10*conformanceHold; rounds++ {
			e.sleep(third)
			for i := 0; i < n; i += 1000 {
				for _, r := range e.queue.Extend(e.Context(), ls[i:i+1000], 0) {
					e.must(r.Err)
				}
			}
			e.none("all leased", e.queue)
		}
		if m := e.since(before, "ModifyAckDeadline"); m != rounds*n/1000 {
			e.Errorf("%d requests in %d rounds; want one for 1,000 leases", m, rounds)
		}
		for i := 0; i < n; i += 1000 {
			batch := make([]driver.Settlement, 1000)
			for j := range batch {
				batch[j] = driver.Settlement{Lease: ls[i+j], Verdict: driver.Ack}
			}
			for _, err := range e.queue.Settle(e.Context(), batch) {
				e.must(err)
			}
		}
		e.sleep(2 * conformanceHold)
		e.none("all acked", e.queue)
	})
}

func TestReleasesWithTheSameDelayAreBatched(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(messages(100)...)
		ls := e.lease(e.queue, 100)
		batch := make([]driver.Settlement, len(ls))
		for i, l := range ls {
			batch[i] = driver.Settlement{Lease: l, Verdict: driver.Release, Delay: time.Duration(i%3) * time.Minute}
		}
		before := e.server.Requests()
		for _, err := range e.queue.Settle(e.Context(), batch) {
			e.must(err)
		}
		if n := e.since(before, "ModifyAckDeadline"); n != 3 {
			e.Errorf("%d requests for three delays; want 3", n)
		}
		for i, want := range []int{34, 33, 33} {
			for _, l := range e.lease(e.queue, want) {
				e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Ack}))
			}
			e.none("the others are not due", e.queue)
			if i < 2 {
				e.sleep(time.Minute)
			}
		}
	})
}

// With exactly-once delivery the broker tells for each lease by itself, and what it
// says of one is not said of its neighbours.
func TestExactlyOnceTellsForEachLease(t *testing.T) {
	on(t, nil, pubsub.Options{ExactlyOnce: true}, func(e *env) {
		e.send(messages(6)...)
		ls := e.lease(e.queue, 6)
		stale := func(i int) bool { return i == 1 }

		e.server.Fault(pubsubfake.Fault{Op: "ModifyAckDeadline", Stale: true, Items: stale, Count: 1})
		for i, r := range e.queue.Extend(e.Context(), ls[:3], 0) {
			e.only(i == 1, "extend", r.Err, driver.LeaseLost)
		}
		// What the broker took for lost is not tried again.
		before := e.server.Requests()
		e.code("ack of a lost lease", e.settle(e.queue, driver.Settlement{Lease: ls[1], Verdict: driver.Ack}), driver.LeaseLost)
		if n := e.since(before, "Acknowledge"); n != 0 {
			e.Errorf("%d requests for a lease that is lost", n)
		}

		e.server.Fault(pubsubfake.Fault{Op: "Acknowledge", Transient: true, Items: stale, Count: 1})
		batch := []driver.Settlement{{Lease: ls[0], Verdict: driver.Ack}, {Lease: ls[2], Verdict: driver.Ack}, {Lease: ls[3], Verdict: driver.Ack}}
		for i, err := range e.queue.Settle(e.Context(), batch) {
			e.only(i == 1, "ack", err, driver.Unavailable)
		}
		e.must(e.settle(e.queue, batch[1])) // later it works

		e.server.Fault(pubsubfake.Fault{Op: "ModifyAckDeadline", Stale: true, Items: stale, Count: 1})
		batch = []driver.Settlement{{Lease: ls[4], Verdict: driver.Release}, {Lease: ls[5], Verdict: driver.Release}}
		for i, err := range e.queue.Settle(e.Context(), batch) {
			e.only(i == 1, "release", err, driver.LeaseLost)
		}
		e.lease(e.queue, 1)
	})
}

// only asserts that the chosen item fails with a code, and the others do not.
func (e *env) only(chosen bool, what string, err error, want driver.Code) {
	e.Helper()
	if chosen {
		e.code(what, err, want)
	} else if err != nil {
		e.Errorf("%s of a good lease: %v", what, err)
	}
}

// Without exactly-once delivery one ack id that the subscription does not know fails
// the whole request.
func TestAForeignAckIDFailsAlone(t *testing.T) {
	for _, exactlyOnce := range []bool{false, true} {
		on(t, nil, pubsub.Options{ExactlyOnce: exactlyOnce}, func(e *env) {
			const n = 100
			e.send(messages(n)...)
			ls := e.lease(e.queue, n)
			for _, at := range []int{0, 42, n} {
				alien := e.queue.Adopt("garbage", message(n), 1, time.Now())
				all := append(append(append([]driver.Lease{}, ls[:at]...), alien), ls[at:]...)
				for i, r := range e.queue.Extend(e.Context(), all, 0) {
					e.only(i == at, "extend", r.Err, driver.LeaseLost)
				}
				alien = e.queue.Adopt("garbage", message(n), 1, time.Now())
				batch := []driver.Settlement{{Lease: ls[at/2], Verdict: driver.Ack}, {Lease: alien, Verdict: driver.Ack}, {Lease: ls[at/2+1], Verdict: driver.Release}}
				for i, err := range e.queue.Settle(e.Context(), batch) {
					e.only(i == 1, "settle", err, driver.LeaseLost)
				}
				ls = append(append([]driver.Lease{}, ls[:at/2]...), ls[at/2+2:]...)
				ls = append(ls, e.lease(e.queue, 1)...)
				if at == n {
					break
				}
				e.send(message(1))
				ls = append(ls, e.lease(e.queue, 1)...)
			}
		})
	}
}

// A subscription that was made anew knows none of the old leases.
func TestASubscriptionThatWasMadeAnew(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(messages(1000)...)
		ls := e.lease(e.queue, 1000)
		e.remake(&pubsubpb.Subscription{Name: subscription, Topic: topic, AckDeadlineSeconds: 40})
		before := e.server.Requests()
		for _, r := range e.queue.Extend(e.Context(), ls, 0) {
			e.code("extend", r.Err, driver.LeaseLost)
		}
		if n := e.since(before, "ModifyAckDeadline"); n > 100 {
			e.Errorf("%d requests; want that it gives up", n)
		}
	})
}

func TestAnAckAfterTheEnd(t *testing.T) {
	ack := func(e *env, after time.Duration) error {
		e.send(message(1))
		l := e.lease(e.queue, 1)[0]
		e.sleep(after)
		return e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Ack})
	}
	const early = conformanceHold - time.Second // past the end that the lease says
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.must(ack(e, early))
		e.must(ack(e, conformanceHold+time.Second)) // nobody has it, so it may be deleted
		e.none("acked", e.queue)
	})
	on(t, nil, pubsub.Options{ExactlyOnce: true}, func(e *env) {
		e.must(ack(e, early))
		before := e.server.Requests()
		e.code("ack", ack(e, conformanceHold), driver.LeaseLost)
		if n := e.since(before, "Acknowledge"); n != 0 {
			e.Errorf("%d requests for a lease that is over; want none", n)
		}
		e.lease(e.queue, 1)
	})
}

// A release of the head takes back what was leased behind it, and order holds.
func TestTheOrderAfterARelease(t *testing.T) {
	on(t, nil, pubsub.Options{Ordered: true}, func(e *env) {
		batch := messages(4)
		for i := range batch {
			batch[i].GroupKey = "a"
		}
		e.send(batch...)
		ordered := func(ls []driver.Lease) {
			for i, l := range ls {
				if got := string(l.Message().Body); got != string(batch[i].Body) || l.Message().GroupKey != "a" {
					e.Errorf("%q of group %q came in place %d", got, l.Message().GroupKey, i)
				}
			}
		}
		ls := e.lease(e.queue, 3)
		ordered(ls)
		e.must(e.settle(e.queue, driver.Settlement{Lease: ls[0], Verdict: driver.Release}))
		again := e.lease(e.queue, 4)
		ordered(again)
		// Those behind it are given back by whoever had them; it does no harm.
		for _, l := range ls[1:] {
			_ = e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Release})
		}
		e.none("leased again", e.queue)

		// The head with a delay, and in the same batch those behind it without.
		back := make([]driver.Settlement, len(again))
		for i, l := range again {
			back[i] = driver.Settlement{Lease: l, Verdict: driver.Release}
		}
		back[0].Delay = time.Minute
		for _, err := range e.queue.Settle(e.Context(), back) {
			e.must(err)
		}
		e.sleep(59 * time.Second)
		e.none("behind a head that waits", e.queue)
		e.sleep(time.Second)
		for i, l := range e.lease(e.queue, 4) {
			if string(l.Message().Body) != string(batch[i].Body) {
				e.Errorf("%q came in place %d", l.Message().Body, i)
			}
			e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Ack}))
		}
	})
}

func TestAttemptsAreCountedWithAPolicyOnly(t *testing.T) {
	for _, without := range []bool{false, true} {
		with(t, nil, conformance.Options{NoDeadLetter: without}, pubsub.Options{}, func(e *env) {
			e.send(message(1))
			for n := 1; n <= 3; n++ {
				l := e.lease(e.queue, 1)[0]
				want := n
				if without {
					want = 0
				}
				if l.Attempt() != want {
					e.Errorf("delivery %d is attempt %d; want %d", n, l.Attempt(), want)
				}
				e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Release}))
			}
		})
	}
}

func TestALeaseShowsItsNativeMessage(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.publish(&pubsubpb.PubsubMessage{Data: []byte("x"), OrderingKey: "their key"})
		l := e.lease(e.queue, 1)[0]
		var m *pubsubpb.ReceivedMessage
		if !l.As(&m) || m.GetAckId() == "" || m.GetDeliveryAttempt() != 1 || m.GetMessage().GetMessageId() != l.Message().ID || m.GetMessage().GetOrderingKey() != "their key" {
			e.Errorf("%v", m)
		}
		if l.Message().GroupKey != "" {
			e.Errorf("group key %q on a queue that is not ordered", l.Message().GroupKey)
		}
		if at := l.Message().SentAt; at.IsZero() || time.Since(at) > time.Second {
			e.Errorf("sent at %v", at)
		}
	})
}

// A pushed message is acked or given back by the answer to its request.
func TestAdoptOfAPushedMessage(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		received := time.Now()
		carry, err := driver.EncodeCarry(driver.Carry{Attempts: 2})
		e.must(err)
		m := driver.Message{ID: "7", Body: []byte("pushed"), Attributes: map[string]string{"a": "b", driver.AttributeCarry: carry}}
		adopt := func() driver.Lease { return e.queue.Adopt("", m, 3, received) }
		l := adopt()
		if d := l.Expires().Sub(received); d != 9*time.Second {
			e.Errorf("nothing is known and the lease ends after %v; want 9s, by the default", d)
		}
		if got := l.Message(); got.Carry.Attempts != 2 || len(got.Attributes) != 1 || l.Attempt() != 3 || !l.Received().Equal(received) || len(m.Attributes) != 2 {
			e.Errorf("%+v", got)
		}
		e.code("extend", e.queue.Extend(e.Context(), []driver.Lease{l}, time.Minute)[0].Err, driver.Unsupported, "no ack id")
		e.code("ack", e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Ack}), driver.Unsupported, "answer to its request")
		e.code("release", e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Release}), driver.Unsupported)
		before := e.server.Requests()
		e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}))
		if n := e.since(before, "Acknowledge"); n != 0 {
			e.Errorf("%d acks of a message without an ack id", n)
		}
		d := e.lease(e.queue.DeadLetter(), 1)[0].Message()
		if d.Death == nil || d.Death.Attempts != 5 || string(d.Body) != "pushed" || d.Attributes["a"] != "b" {
			e.Errorf("dead: %+v, %+v", d, d.Death)
		}
		_, err = e.queue.Policy(e.Context())
		e.must(err)
		if d := adopt().Expires().Sub(received); d != conformanceHold-4*time.Second {
			e.Errorf("the policy was read and the lease ends after %v; want by the subscription's ack deadline", d)
		}
	})
	on(t, nil, pubsub.Options{Hold: time.Minute}, func(e *env) {
		if d := e.queue.Adopt("", message(1), 1, time.Now()); time.Until(d.Expires()) != 54*time.Second {
			e.Errorf("declared a minute and the lease ends in %v", time.Until(d.Expires()))
		}
	})
	// With an ack id it is a lease like any other.
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(message(1))
		first := e.lease(e.queue, 1)[0]
		var native *pubsubpb.ReceivedMessage
		first.As(&native)
		l := e.queue.Adopt(native.GetAckId(), first.Message(), 1, first.Received())
		if r := e.queue.Extend(e.Context(), []driver.Lease{l}, 5*time.Minute)[0]; r.Err != nil || time.Until(r.Expires) != 5*time.Minute {
			e.Errorf("extend: %+v", r)
		}
		e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Ack}))
		e.sleep(10 * time.Minute)
		e.none("acked", e.queue)
	})
}
