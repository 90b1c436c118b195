package sqs_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// die sends messages and buries them.
func (e *env) die(n int) {
	e.Helper()
	e.send(messages(n, 10)...)
	for _, l := range e.lease(e.queue, n) {
		e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}))
	}
}

func TestMoveAllIsCancelled(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.die(10)
		ctx, cancel := context.WithTimeout(e.Context(), 4500*time.Millisecond)
		defer cancel()
		report, err := e.queue.DeadLetter().MoveAll(ctx, driver.MoveOptions{Rate: 1})
		e.code("a move past its deadline", err, driver.DeadlineExceeded)
		if report.Moved < 4 || report.Moved > 5 {
			e.Errorf("report %+v; want what was moved by then", report)
		}
		if n := e.server.Requests()["CancelMessageMoveTask"]; n != 1 {
			e.Errorf("%d requests to cancel; want 1", n)
		}
		if _, err := e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{}); err != nil {
			e.Errorf("a move after a cancelled one: %v", err)
		}
	})
}

func TestMoveAllIsCancelledWhileItStarts(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.die(10)
		e.server.Fault(sqsfake.Fault{Op: "StartMessageMoveTask", Count: 1, Delay: 3 * time.Second, AfterEffect: true})
		ctx, cancel := context.WithTimeout(e.Context(), 2*time.Second)
		defer cancel()
		_, err := e.queue.DeadLetter().MoveAll(ctx, driver.MoveOptions{Rate: 1})
		e.code("a move past its deadline", err, driver.DeadlineExceeded)
		e.sleep(30 * time.Second)
		if s, err := e.queue.Stats(e.Context()); err != nil || s.Dead < 6 {
			e.Errorf("%+v, %v; want that the move has ended", s, err)
		}
	})
}

func TestMoveAllOneAtATime(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.die(3)
		_, err := e.client.StartMessageMoveTask(e.Context(), &awssqs.StartMessageMoveTaskInput{
			SourceArn: aws.String(targetARN), MaxNumberOfMessagesPerSecond: aws.Int32(1),
		})
		e.must(err)
		_, err = e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{})
		e.code("a second move", err, driver.Throttled)
	})
}

func TestMoveAllOutlastsTrouble(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.die(5)
		e.server.Fault(sqsfake.Fault{Op: "ListMessageMoveTasks", Error: sqsfake.Throttled, Count: 4})
		report, err := e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{})
		if err != nil || report.Moved != 5 {
			e.Errorf("%+v, %v; want 5 moved", report, err)
		}
		e.die(1)
		e.server.Fault(sqsfake.Fault{Op: "ListMessageMoveTasks", Error: sqsfake.AccessDenied})
		_, err = e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{Rate: 1})
		e.code("a move that cannot be watched", err, driver.PermissionDenied)
	})
}

// A move task that goes on by itself is told of, and nobody takes it for one that did
// nothing.
func TestAMoveThatCannotBeCancelled(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.die(3)
		e.server.Fault(sqsfake.Fault{Op: "ListMessageMoveTasks", Error: sqsfake.AccessDenied})
		e.server.Fault(sqsfake.Fault{Op: "CancelMessageMoveTask", Error: sqsfake.AccessDenied})
		_, err := e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{Rate: 1})
		e.code("a move that cannot be watched nor cancelled", err, driver.Unavailable)
		for _, part := range []string{"sqs:ListMessageMoveTasks", "may go on", "sqs:CancelMessageMoveTask"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				e.Errorf("%v; want %q", err, part)
			}
		}
	})
	on(t, "", nil, func(e *env) {
		e.die(3)
		e.server.Fault(sqsfake.Fault{Op: "ListMessageMoveTasks", Error: sqsfake.AccessDenied})
		e.server.Fault(sqsfake.Fault{Op: "CancelMessageMoveTask", Error: sqsfake.Throttled, Count: 2})
		_, err := e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{Rate: 1})
		e.code("a move that is cancelled at the third try", err, driver.PermissionDenied)
		if n := e.server.Requests()["CancelMessageMoveTask"]; n != 3 {
			e.Errorf("%d tries to cancel; want 3", n)
		}
	})
}

func TestMoveAllFails(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.die(3)
		go func() {
			e.sleep(1500 * time.Millisecond)
			_, _ = e.client.DeleteQueue(e.Context(), &awssqs.DeleteQueueInput{QueueUrl: aws.String("http://sqs.test/000000000000/orders")})
		}()
		report, err := e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{Rate: 1})
		e.code("a move to a queue that is gone", err, driver.Unavailable)
		if report.Moved != 1 {
			e.Errorf("report %+v; want 1 moved", report)
		}
	})
}

// The destination is the queue, also for what came from elsewhere.
func TestMoveAllToTheQueue(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.die(1)
		_, err := e.client.SendMessage(e.Context(), &awssqs.SendMessageInput{QueueUrl: e.url("-dead"), MessageBody: aws.String("from elsewhere")})
		e.must(err)
		report, err := e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{Rate: 500})
		if err != nil || report.Moved != 2 {
			e.Errorf("%+v, %v; want 2 moved", report, err)
		}
		e.lease(e.queue, 2)
	})
}

func TestMoveAllRates(t *testing.T) {
	on(t, "", nil, func(e *env) {
		for _, rate := range []int{-1, 501} {
			_, err := e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{Rate: rate})
			e.code("a rate out of range", err, driver.InvalidArgument)
		}
	})
}

// Somebody's next move is not taken for the one that has just ended.
func TestMoveAllBeforeAnother(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.die(3)
		started := make(chan struct{})
		go func() {
			defer close(started)
			for {
				e.sleep(10 * time.Millisecond)
				if e.server.Requests()["ListMessageMoveTasks"] == 0 {
					continue // that of MoveAll comes first
				}
				_, err := e.client.StartMessageMoveTask(e.Context(), &awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(targetARN)})
				if err == nil {
					return
				}
			}
		}()
		report, err := e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{Rate: 2})
		if err != nil || report.Moved != 3 || report.Total != 3 {
			e.Errorf("%+v, %v; want 3 moved", report, err)
		}
		<-started
	})
}

// Whoever looks for a queue that is there must be told that it is the other.
func TestADeadLetterThatWasDeletedIsNamed(t *testing.T) {
	on(t, "", nil, func(e *env) {
		dead := aws.String("orders-dead")
		at, err := e.client.GetQueueUrl(e.Context(), &awssqs.GetQueueUrlInput{QueueName: dead})
		e.must(err)
		_, err = e.client.DeleteQueue(e.Context(), &awssqs.DeleteQueueInput{QueueUrl: at.QueueUrl})
		e.must(err)
		e.send(messages(1, 10)...)
		live := e.lease(e.queue, 1)[0]

		_, received := e.queue.DeadLetter().Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		_, moved := e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{})
		buried := e.settle(e.queue, driver.Settlement{Lease: live, Verdict: driver.Bury, Reason: "test"})

		for op, err := range map[string]error{"receive": received, "move all": moved, "settle": buried} {
			e.code(op, err, driver.NotFound)
			want := `sqs: ` + op + ` "orders": its dead letter "orders-dead": the queue does not exist; `
			if err != nil && !strings.HasPrefix(err.Error(), want) {
				e.Errorf("%s: %v; want %s", op, err, want)
			}
		}
	})
}
