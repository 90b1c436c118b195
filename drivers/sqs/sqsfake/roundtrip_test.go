package sqsfake_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestLongPollIsWokenBySend(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		start := time.Now()
		got := e.poll(q, 1, 20)
		time.Sleep(7 * time.Second)
		e.send(q, "hello")
		ms := <-got
		if len(ms) != 1 || *ms[0].Body != "hello" {
			t.Fatalf("received %v, want hello", bodies(ms))
		}
		if d := time.Since(start); d != 7*time.Second {
			t.Errorf("the long poll took %v, want 7s", d)
		}
		e.must(e.delete(q, ms[0]))
		if got := e.counts(q); got != "0 0 0" {
			t.Errorf("counts %s after delete, want 0 0 0", got)
		}
	})
}

func TestLongPollEndsEmpty(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		start := time.Now()
		if ms := e.receive(q, 20); len(ms) != 0 {
			t.Fatalf("received %v", bodies(ms))
		}
		if d := time.Since(start); d != 20*time.Second {
			t.Errorf("the long poll took %v, want 20s", d)
		}
	})
}

func TestLongPollIsWokenByTheEndOfADelay(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders", "DelaySeconds", "5")
		start := time.Now()
		first := e.poll(q, 1, 20)
		synctest.Wait()
		second := e.poll(q, 1, 20)
		synctest.Wait()
		e.send(q, "hello")
		if ms := <-first; len(ms) != 1 {
			t.Fatalf("received %v, want hello", bodies(ms))
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("the message came after %v, want 5s", d)
		}
		if ms := <-second; len(ms) != 0 {
			t.Errorf("the other long poll got %v", bodies(ms))
		}
		if d := time.Since(start); d != 20*time.Second {
			t.Errorf("the other long poll took %v, want 20s", d)
		}
	})
}

func TestMessageComesBackAndCounts(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders", "VisibilityTimeout", "10")
		sent := e.send(q, "hello")
		for i := range 3 {
			start := time.Now()
			m := e.one(q, 20)
			if *m.MessageId != *sent.MessageId || m.Attributes["ApproximateReceiveCount"] != string(rune('1'+i)) {
				t.Errorf("receive %d: id %s, attributes %v", i, *m.MessageId, m.Attributes)
			}
			if d := time.Since(start); i > 0 && d != 10*time.Second {
				t.Errorf("receive %d came after %v, want 10s", i, d)
			}
		}
	})
}

func TestDeadLetterOnTheReceiveAfterTheLast(t *testing.T) {
	bubble(t, func(e *env) {
		q, dead := e.pair("orders", 2)
		e.send(q, "poison")
		for range 2 {
			e.must(e.change(q, e.one(q, 0), 0))
		}
		if got := e.counts(q) + ", " + e.counts(dead); got != "1 0 0, 0 0 0" {
			t.Fatalf("counts %s before the third receive", got)
		}
		if ms := e.receive(q, 0); len(ms) != 0 {
			t.Fatalf("third receive gave %v", bodies(ms))
		}
		m := e.one(dead, 0)
		if m.Attributes["DeadLetterQueueSourceArn"] != e.attributes(q)["QueueArn"] {
			t.Errorf("source %q", m.Attributes["DeadLetterQueueSourceArn"])
		}
	})
}

func TestBatches(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		in := &sqs.SendMessageBatchInput{QueueUrl: q}
		for _, id := range []string{"a", "b", "c"} {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &id})
		}
		sent, err := e.client.SendMessageBatch(e.Context(), in)
		e.must(err)
		if len(sent.Successful) != 3 || len(sent.Failed) != 0 {
			t.Fatalf("sent %+v", sent)
		}
		ms := e.receive(q, 0)
		if len(ms) != 3 {
			t.Fatalf("received %v", bodies(ms))
		}
		change := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: q}
		del := &sqs.DeleteMessageBatchInput{QueueUrl: q}
		for i, m := range ms {
			change.Entries = append(change.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: m.Body, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 60})
			if i > 0 {
				del.Entries = append(del.Entries, types.DeleteMessageBatchRequestEntry{Id: m.Body, ReceiptHandle: m.ReceiptHandle})
			}
		}
		changed, err := e.client.ChangeMessageVisibilityBatch(e.Context(), change)
		e.must(err)
		deleted, err := e.client.DeleteMessageBatch(e.Context(), del)
		e.must(err)
		if len(changed.Successful) != 3 || len(deleted.Successful) != 2 {
			t.Fatalf("changed %+v, deleted %+v", changed, deleted)
		}
		if got := e.counts(q); got != "0 1 0" {
			t.Errorf("counts %s, want 0 1 0", got)
		}
	})
}
