package sqs_test

import (
	"sync"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
	"github.com/longshore-dev/longshore/internal/faultqueue"
)

func TestSettleAgainAfterAFailure(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(1, 10)...)
		ack := driver.Settlement{Lease: e.lease(e.queue, 1)[0], Verdict: driver.Ack}
		e.server.Fault(sqsfake.Fault{Op: "DeleteMessageBatch", Count: 1, Cut: true})
		e.code("an ack that was cut off", e.settle(e.queue, ack), driver.Unavailable)
		e.must(e.settle(e.queue, ack))
		before := e.server.Requests()
		e.code("an ack once more", e.settle(e.queue, ack), driver.LeaseLost)
		e.code("an extend", e.queue.Extend(e.Context(), []driver.Lease{ack.Lease}, 0)[0].Err, driver.LeaseLost)
		if n := e.since(before, "DeleteMessageBatch") + e.since(before, "ChangeMessageVisibilityBatch"); n != 0 {
			e.Errorf("%d requests for a lease that was settled; want none", n)
		}
	})
}

// A retry does not send the copy again that an earlier try has stored.
func TestBuryAgainAfterAFailure(t *testing.T) {
	for _, suffix := range []string{"", ".fifo"} {
		on(t, suffix, nil, func(e *env) {
			e.send(messages(1, 10)...)
			bury := driver.Settlement{Lease: e.lease(e.queue, 1)[0], Verdict: driver.Bury, Reason: "test"}
			e.server.Fault(sqsfake.Fault{Op: "DeleteMessageBatch", Count: 2, Error: sqsfake.ServiceUnavailable})
			for range 2 {
				e.code("a bury whose delete failed", e.settle(e.queue, bury), driver.Unavailable)
			}
			e.must(e.settle(e.queue, bury))
			dead, err := e.queue.DeadLetter().Receive(e.Context(), driver.ReceiveOptions{Max: 10})
			if err != nil || len(dead) != 1 {
				e.Errorf("%d dead letters, %v; want 1", len(dead), err)
			}
		})
	}
}

// On a FIFO queue a retry that does not know whether its copy was stored sends it
// under the same id.
func TestBuryAgainAfterAnUnknownSend(t *testing.T) {
	on(t, ".fifo", nil, func(e *env) {
		e.send(messages(1, 10)...)
		bury := driver.Settlement{Lease: e.lease(e.queue, 1)[0], Verdict: driver.Bury, Reason: "test"}
		e.server.Fault(sqsfake.Fault{Op: "SendMessageBatch", Count: 1, Cut: true, AfterEffect: true})
		e.code("a bury whose send was cut off", e.settle(e.queue, bury), driver.Unavailable)
		e.must(e.settle(e.queue, bury))
		dead, err := e.queue.DeadLetter().Receive(e.Context(), driver.ReceiveOptions{Max: 10})
		if err != nil || len(dead) != 1 {
			e.Errorf("%d dead letters, %v; want 1", len(dead), err)
		}
	})
}

func TestSettleTakesFewRequests(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(9, 10)...)
		ls := e.lease(e.queue, 9)
		batch := make([]driver.Settlement, len(ls))
		for i, l := range ls {
			batch[i] = driver.Settlement{Lease: l, Verdict: []driver.Verdict{driver.Ack, driver.Release, driver.Bury}[i%3]}
			if batch[i].Verdict == driver.Bury {
				batch[i].Reason = "test"
			}
		}
		before := e.server.Requests()
		for _, err := range e.queue.Settle(e.Context(), batch) {
			e.must(err)
		}
		for op, want := range map[string]int{"SendMessageBatch": 1, "DeleteMessageBatch": 1, "ChangeMessageVisibilityBatch": 1} {
			if n := e.since(before, op); n != want {
				e.Errorf("%d of %s; want %d", n, op, want)
			}
		}
	})
}

func TestSettleSomeFail(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(3, 10)...)
		ls := e.lease(e.queue, 3)
		batch := []driver.Settlement{{Lease: ls[0], Verdict: driver.Ack}, {Lease: ls[1], Verdict: driver.Ack}, {Lease: ls[2], Verdict: driver.Ack}}
		e.server.Fault(sqsfake.Fault{Op: "DeleteMessageBatch", Count: 1, Items: func(i int) bool { return i == 0 }})
		errs := e.queue.Settle(e.Context(), batch)
		e.code("the item that failed", errs[0], driver.Unavailable)
		e.must(errs[1])
		e.must(errs[2])
	})
}

func TestStaleHandleIsALostLease(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(1, 10)...)
		l := e.lease(e.queue, 1)[0]
		e.server.Fault(sqsfake.Fault{Op: "ChangeMessageVisibilityBatch", Count: 1, Stale: true})
		e.code("an extend with a stale handle", e.queue.Extend(e.Context(), []driver.Lease{l}, 0)[0].Err, driver.LeaseLost)
	})
}

// Amazon SQS would take the release late and take the message from its new holder.
func TestReleasePastTheEndMakesNoRequest(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(1, 10)...)
		stale := e.lease(e.queue, 1)[0]
		e.sleep(time.Until(stale.Expires()))
		for _, v := range []driver.Settlement{
			{Lease: stale, Verdict: driver.Release}, {Lease: stale, Verdict: driver.Bury, Reason: "test"},
		} {
			before := e.server.Requests()
			e.code("a late "+v.Verdict.String(), e.settle(e.queue, v), driver.LeaseLost)
			if n := e.since(before, "ChangeMessageVisibilityBatch") + e.since(before, "SendMessageBatch"); n != 0 {
				e.Errorf("a late %v made %d requests", v.Verdict, n)
			}
		}
		e.must(e.settle(e.queue, driver.Settlement{Lease: stale, Verdict: driver.Ack})) // it is hidden still
	})
}

// An extension counts for what comes after it.
func TestReleaseAfterAnExtension(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(1, 10)...)
		l := e.lease(e.queue, 1)[0]
		e.sleep(conformanceHold / 2)
		e.must(e.queue.Extend(e.Context(), []driver.Lease{l}, 0)[0].Err)
		e.sleep(conformanceHold * 3 / 4)
		e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Release}))
	})
}

// Batches that name the same leases in opposite order wait for each other's
// requests, not for each other.
func TestOverlappingBatches(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(2, 10)...)
		ls := e.lease(e.queue, 2)
		e.server.Fault(sqsfake.Fault{Op: "ChangeMessageVisibilityBatch", Delay: time.Second})
		var all sync.WaitGroup
		for n := range 6 {
			all.Go(func() {
				for _, r := range e.queue.Extend(e.Context(), []driver.Lease{ls[n%2], ls[1-n%2], ls[n%2]}, 0) {
					if r.Err != nil {
						e.Errorf("an extend in a crowd: %v", r.Err)
					}
				}
			})
		}
		all.Wait()
		for _, l := range ls {
			e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Ack}))
		}
	})
}

// Past the end that the broker may keep, nothing is done to a lease.
func TestALeaseThatWasPerhapsShortened(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(1, 10)...)
		l := e.lease(e.queue, 1)[0]
		e.server.Fault(sqsfake.Fault{Op: "ChangeMessageVisibilityBatch", Count: 1, Cut: true, AfterEffect: true})
		e.code("an extend that was cut off", e.queue.Extend(e.Context(), []driver.Lease{l}, 5*time.Second)[0].Err, driver.Unavailable)
		e.sleep(5 * time.Second)
		e.code("a bury", e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}), driver.LeaseLost)
		e.lease(e.queue, 1) // it is another's
	})
}

func TestAdopt(t *testing.T) {
	on(t, "", &sqs.Options{Hold: 100 * time.Second}, func(e *env) {
		e.send(messages(1, 10)...)
		l := e.lease(e.queue, 1)[0]
		var raw *types.Message
		if !l.As(&raw) || *raw.MessageId != l.Message().ID {
			e.Fatal("the lease does not show the SDK's message")
		}
		received := time.Now()
		adopted := e.queue.Adopt(*raw.ReceiptHandle, l.Message(), 1, received)
		if d := adopted.Expires().Sub(received); d != 90*time.Second || adopted.Attempt() != 1 {
			e.Errorf("the adopted lease ends after %v, attempt %d", d, adopted.Attempt())
		}
		e.must(e.settle(e.queue, driver.Settlement{Lease: adopted, Verdict: driver.Bury, Reason: "test"}))
		if m := e.lease(e.queue.DeadLetter(), 1)[0].Message(); m.Death == nil || m.Death.Reason != "test" || m.Death.Attempts != 1 {
			e.Errorf("death %+v", m.Death)
		}
	})
}

// A lease that somebody else received never says that it ends after it does.
func TestAdoptOnAQueueWithAShortHold(t *testing.T) {
	on(t, "", nil, func(e *env) {
		_, err := e.client.SetQueueAttributes(e.Context(), &awssqs.SetQueueAttributesInput{
			QueueUrl: e.url(""), Attributes: map[string]string{"VisibilityTimeout": "1"},
		})
		e.must(err)
		if _, err := e.queue.Policy(e.Context()); err != nil {
			e.Fatal(err)
		}
		received := time.Now()
		if d := e.queue.Adopt("handle", driver.Message{Body: []byte("x")}, 1, received).Expires().Sub(received); d > time.Second {
			e.Errorf("it says that it ends after %v; want at most the queue's 1s", d)
		}
	})
}

func TestAdoptSortsOutTheMessageGroup(t *testing.T) {
	for _, tt := range []struct{ queue, id, group, fairness string }{
		{"orders", "tenant", "", "tenant"},
		{"orders.fifo", "customer", "customer", ""},
		{"orders.fifo", "longshore-lone-1234", "", ""},
	} {
		q, err := sqs.New(newClient(sqsfake.New(nil)), tt.queue, nil)
		if err != nil {
			t.Fatal(err)
		}
		m := q.Adopt("handle", driver.Message{Body: []byte("x"), GroupKey: tt.id}, 1, time.Now()).Message()
		if m.GroupKey != tt.group || m.FairnessKey != tt.fairness {
			t.Errorf("message group %q on %q: group %q, tenant %q; want %q and %q", tt.id, tt.queue, m.GroupKey, m.FairnessKey, tt.group, tt.fairness)
		}
	}
}

func TestAWrappedQueueAdoptsAndTellsItsName(t *testing.T) {
	q, err := sqs.New(newClient(sqsfake.New(nil)), "orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := faultqueue.New(q)
	if a, ok := driver.AdopterOf(wrapped); !ok || a != driver.Adopter(q) {
		t.Errorf("the adopter of a wrapped queue is %v, %v", a, ok)
	}
	var name driver.Name
	if !wrapped.As(&name) || name != "orders" {
		t.Errorf("the queue's name is %q", name)
	}
	if s := driver.SystemOf(wrapped); s != "aws_sqs" {
		t.Errorf("its system is %q", s)
	}
}
