package sqsfake_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// What takes minutes and hours, so that no probe can wait for it.

func TestHoldEndsTwelveHoursAfterTheReceive(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders", "VisibilityTimeout", "3700")
		e.send(q, "x")
		m := e.one(q, 0)
		for range 10 {
			time.Sleep(time.Hour)
			e.must(e.change(q, m, 3700))
		}
		time.Sleep(time.Hour)
		e.must(e.change(q, m, 3600))
		e.wantCode(e.change(q, m, 3601), "InvalidParameterValue")
		time.Sleep(30 * time.Minute)
		e.must(e.change(q, m, 1800))
		time.Sleep(30*time.Minute - time.Millisecond)
		if got := e.counts(q); got != "0 1 0" {
			t.Errorf("counts %s before the end, want 0 1 0", got)
		}
		time.Sleep(2 * time.Millisecond)
		e.wantCode(e.delete(q, m), "InvalidParameterValue")
		e.must(e.change(q, e.one(q, 0), 43200)) // a new receive, a new total
	})
}

func TestRetentionCountsFromSending(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders", "MessageRetentionPeriod", "60")
		e.send(q, "in flight")
		e.one(q, 0)
		time.Sleep(30 * time.Second)
		e.send(q, "visible")
		time.Sleep(30*time.Second - time.Millisecond)
		if got := e.counts(q); got != "2 0 0" {
			t.Errorf("counts %s before the end of the retention, want 2 0 0", got)
		}
		time.Sleep(time.Millisecond)
		if got := e.counts(q); got != "1 0 0" {
			t.Errorf("counts %s after the first retention, want 1 0 0", got)
		}
		time.Sleep(30 * time.Second)
		if ms := e.receive(q, 0); len(ms) != 0 {
			t.Errorf("received %q after the retention", bodies(ms))
		}
	})
}

func TestShorterRetentionExpiresWhatIsThere(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		e.send(q, "x")
		time.Sleep(2 * time.Minute)
		_, err := e.client.SetQueueAttributes(e.Context(), &sqs.SetQueueAttributesInput{QueueUrl: q, Attributes: map[string]string{"MessageRetentionPeriod": "60"}})
		e.must(err)
		if got := e.counts(q); got != "0 0 0" {
			t.Errorf("counts %s, want none", got)
		}
	})
}

func TestDeadLetterKeepsItsAgeOnStandardQueuesOnly(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprintf("fifo=%v", fifo), func(t *testing.T) {
			bubble(t, func(e *env) {
				attributes := []string{"MessageRetentionPeriod", "3600"}
				if fifo {
					attributes = append([]string{"FifoQueue", "true"}, attributes...)
				}
				q, dead := e.pair("orders", 1, attributes...)
				if fifo {
					e.sendGroup(q, "g", "x")
				} else {
					e.send(q, "x")
				}
				e.one(q, 0)
				time.Sleep(30 * time.Minute)
				if ms := e.receive(q, 0); len(ms) != 0 {
					t.Fatalf("received %q, want it moved", bodies(ms))
				}
				time.Sleep(30 * time.Minute)
				want := "0 0 0"
				if fifo {
					want = "1 0 0"
				}
				if got := e.counts(dead); got != want {
					t.Errorf("counts of the dead letter %s an hour after sending, want %s", got, want)
				}
			})
		})
	}
}

func TestDeduplicationLastsFiveMinutes(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders.fifo", "FifoQueue", "true")
		first := e.sendGroup(q, "g", "x")
		time.Sleep(5*time.Minute - time.Millisecond)
		if again := e.sendGroup(q, "g", "x"); *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
			t.Errorf("before the end of the interval the send got %s, want %s", *again.MessageId, *first.MessageId)
		}
		time.Sleep(time.Millisecond)
		if again := e.sendGroup(q, "g", "x"); *again.MessageId == *first.MessageId {
			t.Error("after the interval the send was taken for the first")
		}
		if got := e.counts(q); got != "2 0 0" {
			t.Errorf("counts %s, want 2 0 0", got)
		}
	})
}

func TestInflightLimit(t *testing.T) {
	bubble(t, func(e *env) {
		e.server.SetInflightLimit(3)
		q, fifo := e.queue("orders"), e.queue("orders.fifo", "FifoQueue", "true")
		for i := range 5 {
			e.send(q, "x")
			e.sendGroup(fifo, fmt.Sprint(i), fmt.Sprint(i))
		}
		for _, url := range []*string{q, fifo} {
			if ms := e.receive(url, 0); len(ms) != 3 {
				t.Fatalf("received %d, want 3", len(ms))
			}
		}
		_, err := e.client.ReceiveMessage(e.Context(), &sqs.ReceiveMessageInput{QueueUrl: q})
		e.wantCode(err, "OverLimit")
		start := time.Now()
		if ms := e.receive(q, 5); len(ms) != 0 || time.Since(start) != 5*time.Second {
			t.Errorf("a long poll at the limit gave %q after %v, want nothing after 5s", bodies(ms), time.Since(start))
		}
		if ms := e.receive(fifo, 0); len(ms) != 0 {
			t.Errorf("a FIFO queue at the limit gave %q", bodies(ms))
		}
	})
}

func TestLongPollOfAGroupIsWokenByItsRelease(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders.fifo", "FifoQueue", "true")
		for _, body := range []string{"1", "2", "3"} {
			e.sendGroup(q, "g", body)
		}
		ms := e.receive(q, 0)
		if len(ms) != 3 {
			t.Fatalf("received %q", bodies(ms))
		}
		start := time.Now()
		poll := e.poll(q, 10, 20)
		time.Sleep(time.Second)
		e.must(e.delete(q, ms[0]))
		time.Sleep(time.Second)
		e.must(e.change(q, ms[1], 0)) // 3 is in flight still
		time.Sleep(time.Second)
		e.must(e.change(q, ms[2], 0))
		got := <-poll
		if fmt.Sprint(bodies(got)) != "[2 3]" || time.Since(start) != 3*time.Second {
			t.Errorf("received %q after %v, want 2 and 3 after 3s", bodies(got), time.Since(start))
		}
	})
}

func TestMoveTaskKeepsToItsRate(t *testing.T) {
	bubble(t, func(e *env) {
		_, dead := e.pair("orders", 1)
		to := e.queue("to")
		for range 10 {
			e.send(dead, "x")
		}
		source, destination, rate := e.attributes(dead)["QueueArn"], e.attributes(to)["QueueArn"], int32(2)
		_, err := e.client.StartMessageMoveTask(e.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: &source, DestinationArn: &destination, MaxNumberOfMessagesPerSecond: &rate})
		e.must(err)
		time.Sleep(2*time.Second + time.Millisecond)
		if got := e.counts(to); got != "4 0 0" {
			t.Errorf("counts %s after 2s at 2 a second, want 4 0 0", got)
		}
		time.Sleep(3 * time.Second)
		if got := e.counts(to) + ", " + e.counts(dead); got != "10 0 0, 0 0 0" {
			t.Errorf("counts %s at the end", got)
		}
		tasks, err := e.client.ListMessageMoveTasks(e.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: &source})
		e.must(err)
		if r := tasks.Results[0]; *r.Status != "COMPLETED" || r.ApproximateNumberOfMessagesMoved != 10 || *r.ApproximateNumberOfMessagesToMove != 10 {
			t.Errorf("the task is %s, %d of %d", *r.Status, r.ApproximateNumberOfMessagesMoved, *r.ApproximateNumberOfMessagesToMove)
		}
	})
}

func TestQueueNameIsFreeAfterAMinute(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		_, err := e.client.DeleteQueue(e.Context(), &sqs.DeleteQueueInput{QueueUrl: q})
		e.must(err)
		time.Sleep(time.Minute)
		e.queue("orders", "DelaySeconds", "1")
	})
}
