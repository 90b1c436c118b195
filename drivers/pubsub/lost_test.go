package pubsub_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// A lease of which the broker says, when its hold is to be set, that it is lost is
// nobody's to work on.
func TestALeaseThatIsLostBeforeItsHoldIsSetIsNotHandedOut(t *testing.T) {
	on(t, nil, pubsub.Options{ExactlyOnce: true}, func(e *env) {
		e.send(messages(3)...)
		e.server.Fault(pubsubfake.Fault{Op: "ModifyAckDeadline", Stale: true, Items: func(i int) bool { return i == 1 }, Count: 1})
		got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 3, Hold: time.Minute})
		if err != nil || len(got) != 2 {
			e.Fatalf("%d leases, %v; want the two that are not lost", len(got), err)
		}
		for _, l := range got {
			e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Ack}))
		}
		e.sleep(conformanceHold)
		e.server.Fault(pubsubfake.Fault{Op: "ModifyAckDeadline", Stale: true, Count: 1})
		start := time.Now()
		got, err = e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 3, Hold: time.Minute, Wait: time.Second})
		if err != nil || len(got) != 0 || time.Since(start) != time.Second {
			e.Errorf("%d leases, %v after %v; want none after the wait", len(got), err, time.Since(start))
		}
	})
}

// A request that names some leases as lost may be followed by one that says the same
// of the others.
func TestAnExtendThatIsConfirmedMayFindMoreLost(t *testing.T) {
	on(t, nil, pubsub.Options{ExactlyOnce: true}, func(e *env) {
		e.send(messages(3)...)
		ls := e.lease(e.queue, 3)
		e.server.Fault(pubsubfake.Fault{Op: "ModifyAckDeadline", Stale: true, Items: func(i int) bool { return i == 0 }, Count: 1})
		e.server.Fault(pubsubfake.Fault{Op: "ModifyAckDeadline", Stale: true, Items: func(i int) bool { return i == 1 }, Count: 1})
		for i, r := range e.queue.Extend(e.Context(), ls, 0) {
			e.only(i != 1, "extend", r.Err, driver.LeaseLost)
		}
	})
}

// Without exactly-once delivery the broker takes an extension that comes too late,
// and somebody else may have the message by then.
func TestAnExtendThatIsAnsweredAfterTheEndIsLost(t *testing.T) {
	late := func(e *env, s driver.Source) {
		l := e.lease(s, 1)[0]
		e.must(s.Extend(e.Context(), []driver.Lease{l}, 10*time.Second)[0].Err) // which ends when it says
		e.sleep(9 * time.Second)
		e.server.Fault(pubsubfake.Fault{Op: "ModifyAckDeadline", Delay: 4 * time.Second, Count: 1})
		var other sync.WaitGroup
		other.Go(func() {
			e.sleep(2 * time.Second)
			if got, err := s.Receive(e.Context(), driver.ReceiveOptions{Max: 1}); err != nil || len(got) != 1 {
				e.Errorf("after the end: %d leases, %v; want the message", len(got), err)
			}
		})
		e.code("extend", s.Extend(e.Context(), []driver.Lease{l}, time.Minute)[0].Err, driver.LeaseLost)
		other.Wait()
	}
	for _, exactlyOnce := range []bool{false, true} {
		on(t, nil, pubsub.Options{ExactlyOnce: exactlyOnce}, func(e *env) {
			e.send(message(1))
			late(e, e.queue)
			// A dead letter need not have what the queue has.
			e.remake(&pubsubpb.Subscription{Name: deadSubscription, Topic: deadTopic, AckDeadlineSeconds: 40})
			e.send(message(2))
			e.must(e.settle(e.queue, driver.Settlement{Lease: e.lease(e.queue, 1)[0], Verdict: driver.Bury, Reason: "test"}))
			late(e, e.queue.DeadLetter())
		})
	}
}

// What is refused is not all found in one request on many leases, and those that are
// good are never taken for lost.
func TestManyForeignAckIDsDoNotMakeTheOthersLost(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		const n, alien = 960, 40
		e.send(messages(n)...)
		good := e.lease(e.queue, n)
		var all []driver.Lease
		for i, l := range good {
			if i%(n/alien) == 0 {
				all = append(all, e.queue.Adopt("garbage "+strconv.Itoa(i), message(i), 1, time.Now()))
			}
			all = append(all, l)
		}
		var again []driver.Lease
		for tries := 0; len(all) > 0; tries++ {
			if tries == 10 {
				e.Fatalf("%d leases are left after %d tries", len(all), tries)
			}
			again = again[:0]
			for i, r := range e.queue.Extend(e.Context(), all, 0) {
				switch got := string(all[i].Message().Body); {
				case driver.Retryable(r.Err):
					again = append(again, all[i])
				case r.Err != nil && all[i].Message().ID != "":
					e.Fatalf("%s of a good lease: %v", got, r.Err)
				case r.Err == nil && all[i].Message().ID == "":
					e.Fatalf("%s of a foreign lease was extended", got)
				}
			}
			all = append(all[:0], again...)
		}
	})
}

// Nobody can settle what is received after Close began, so it is given back.
func TestWhatIsReceivedAfterCloseBeganIsGivenBack(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		var waiting sync.WaitGroup
		waiting.Go(func() {
			got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 10, Wait: 15 * time.Second})
			e.code("receive", err, driver.Closed)
			if len(got) > 0 {
				e.Errorf("%d leases that nobody can settle", len(got))
			}
		})
		e.sleep(time.Second)
		waiting.Go(func() { e.must(e.queue.Close(context.Background())) })
		e.sleep(time.Second)
		other, err := pubsub.New(e.clients, "test", "orders", nil)
		e.must(err)
		for _, r := range other.Send(e.Context(), messages(3)) {
			e.must(r.Err)
		}
		waiting.Wait()
		e.lease(other, 3)
		e.must(other.Close(e.Context()))
	})
}

// A dead-letter topic that does not answer holds up what is buried, and nothing else.
func TestABuryThatHangsHoldsUpNothingElse(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		e.send(messages(3)...)
		ls := e.lease(e.queue, 3)
		before := e.server.Requests()
		e.server.Fault(pubsubfake.Fault{Op: "Publish", Delay: time.Minute, Count: 1})
		var settling sync.WaitGroup
		settling.Go(func() {
			for i, err := range e.queue.Settle(e.Context(), []driver.Settlement{
				{Lease: ls[0], Verdict: driver.Bury, Reason: "test"}, {Lease: ls[1], Verdict: driver.Ack}, {Lease: ls[2], Verdict: driver.Release},
			}) {
				e.only(i == 0, "settle", err, driver.Unavailable)
			}
		})
		e.sleep(time.Second)
		if a, m := e.since(before, "Acknowledge"), e.since(before, "ModifyAckDeadline"); a != 1 || m != 1 {
			e.Errorf("%d acks and %d releases after a second; want one of each", a, m)
		}
		settling.Wait()
	})
}

// What an error says of single leases counts whatever its code and reason are.
func TestAnErrorOfAnyReasonTellsForEachLease(t *testing.T) {
	on(t, nil, pubsub.Options{ExactlyOnce: true}, func(e *env) {
		struck := false
		q := e.through(pubsub.Options{ExactlyOnce: true}, func(m any) error {
			in, ok := m.(*pubsubpb.AcknowledgeRequest)
			if !ok || struck {
				return nil
			}
			struck = true
			s, err := status.New(codes.Unavailable, "some are not done").WithDetails(&errdetails.ErrorInfo{
				Reason: "ANOTHER_REASON", Metadata: map[string]string{in.GetAckIds()[1]: "TRANSIENT_FAILURE_SERVICE_UNAVAILABLE", "service": "pubsub"},
			})
			e.must(err)
			return s.Err()
		})
		e.send(messages(3)...)
		batch := make([]driver.Settlement, 3)
		for i, l := range e.lease(q, 3) {
			batch[i] = driver.Settlement{Lease: l, Verdict: driver.Ack}
		}
		for i, err := range q.Settle(e.Context(), batch) {
			e.only(i == 1, "ack", err, driver.Unavailable)
		}
		e.must(e.settle(q, batch[1]))
		e.must(q.Close(e.Context()))
	})
}
