package sqsfake_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

func (e *env) trySend(q *string) error {
	body := "x"
	_, err := e.client.SendMessage(e.Context(), &sqs.SendMessageInput{QueueUrl: q, MessageBody: &body})
	return err
}

func TestFaultErrors(t *testing.T) {
	for _, c := range []string{
		sqsfake.Throttled, sqsfake.ThrottlingException, sqsfake.AccessDenied, sqsfake.ExpiredToken,
		sqsfake.InvalidClientTokenID, sqsfake.InternalError, sqsfake.ServiceUnavailable, sqsfake.KMSAccessDenied, "OverLimit",
	} {
		t.Run(c, func(t *testing.T) {
			bubble(t, func(e *env) {
				q := e.queue("orders")
				e.server.Fault(sqsfake.Fault{Op: "SendMessage", Queue: "orders", Count: 2, Error: c})
				e.wantCode(e.trySend(q), c)
				e.wantCode(e.trySend(q), c)
				e.must(e.trySend(q)) // the count is used up
				if got := e.counts(q); got != "1 0 0" {
					t.Errorf("counts %s, want 1 0 0", got)
				}
			})
		})
	}
}

func TestFaultOfNothingElseIsAnInternalError(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		disarm := e.server.Fault(sqsfake.Fault{Op: "SendMessage"})
		e.wantCode(e.trySend(q), sqsfake.InternalError)
		e.wantCode(e.trySend(q), sqsfake.InternalError)
		disarm()
		e.must(e.trySend(q))
	})
}

func TestFaultStrikesOneQueueOnly(t *testing.T) {
	bubble(t, func(e *env) {
		q, other := e.queue("orders"), e.queue("others")
		e.server.Fault(sqsfake.Fault{Queue: "orders", Error: sqsfake.Throttled})
		e.must(e.trySend(other))
		e.wantCode(e.trySend(q), sqsfake.Throttled)
	})
}

func TestFaultAfterTheEffect(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		e.server.Fault(sqsfake.Fault{Op: "SendMessage", Count: 1, Error: sqsfake.ServiceUnavailable, AfterEffect: true})
		e.wantCode(e.trySend(q), sqsfake.ServiceUnavailable)
		if got := e.counts(q); got != "1 0 0" {
			t.Errorf("counts %s, want the message stored", got)
		}
	})
}

func TestFaultCut(t *testing.T) {
	for _, after := range []bool{false, true} {
		bubble(t, func(e *env) {
			q := e.queue("orders")
			e.server.Fault(sqsfake.Fault{Op: "SendMessage", Count: 1, Cut: true, AfterEffect: after})
			if err := e.trySend(q); err == nil || !strings.Contains(err.Error(), "EOF") {
				t.Errorf("got error %v, want that of a closed connection", err)
			}
			want := "0 0 0"
			if after {
				want = "1 0 0"
			}
			if got := e.counts(q); got != want {
				t.Errorf("after effect %v: counts %s, want %s", after, got, want)
			}
			if n := e.server.Requests()["SendMessage"]; n != 0 {
				t.Errorf("%d requests were answered, want none", n)
			}
		})
	}
}

func TestFaultDelay(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		e.server.Fault(sqsfake.Fault{Op: "SendMessage", Count: 1, Delay: time.Minute})
		start := time.Now()
		e.must(e.trySend(q))
		if d := time.Since(start); d != time.Minute {
			t.Errorf("the send took %v, want 1m", d)
		}
	})
}

func TestFaultOfItems(t *testing.T) {
	for _, after := range []bool{false, true} {
		bubble(t, func(e *env) {
			q := e.queue("orders")
			e.server.Fault(sqsfake.Fault{Op: "SendMessageBatch", Count: 1, Items: func(i int) bool { return i == 1 }, AfterEffect: after})
			in := &sqs.SendMessageBatchInput{QueueUrl: q}
			for _, id := range []string{"a", "b", "c"} {
				in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &id})
			}
			out, err := e.client.SendMessageBatch(e.Context(), in)
			e.must(err)
			if len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "b" || out.Failed[0].SenderFault {
				t.Errorf("got %+v", out)
			}
			want := "2 0 0"
			if after {
				want = "3 0 0"
			}
			if got := e.counts(q); got != want {
				t.Errorf("after effect %v: counts %s, want %s", after, got, want)
			}
		})
	}
}

func TestFaultStale(t *testing.T) {
	bubble(t, func(e *env) {
		q, fifo := e.queue("orders"), e.queue("orders.fifo", "FifoQueue", "true")
		e.send(q, "x")
		e.sendGroup(fifo, "g", "x")
		m, f := e.one(q, 0), e.one(fifo, 0)
		disarm := e.server.Fault(sqsfake.Fault{Stale: true, Count: 3})
		if got := e.counts(q); got != "0 1 0" { // and the count is not used up by it
			t.Errorf("counts %s, want 0 1 0", got)
		}
		e.must(e.delete(q, m))
		e.wantCode(e.change(q, m, 10), "InvalidParameterValue")
		e.wantCode(e.delete(fifo, f), "InvalidParameterValue")
		disarm()
		if got := e.counts(q) + ", " + e.counts(fifo); got != "0 1 0, 0 1 0" {
			t.Errorf("counts %s, want both in flight", got)
		}
	})
}

func TestAccessDeniedNamesTheAction(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		e.server.Fault(sqsfake.Fault{Error: sqsfake.AccessDenied})
		_, err := e.client.DeleteMessageBatch(e.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: q, Entries: []types.DeleteMessageBatchRequestEntry{{Id: q, ReceiptHandle: q}}})
		if err == nil || !strings.Contains(err.Error(), "perform: sqs:deletemessage on resource: arn:aws:sqs:us-east-1:000000000000:orders ") {
			t.Errorf("got error %v, want action and resource", err)
		}
	})
}
