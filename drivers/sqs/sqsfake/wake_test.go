package sqsfake_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// Whatever brings a message to a queue must wake its long polls.
func TestWhatWakesALongPoll(t *testing.T) {
	const at = 3 * time.Second
	tests := []struct {
		name   string
		before func(e *env, q, dead *string) // the long poll of dead begins
		after  func(e *env, q, dead *string)
	}{
		{"send", nil, func(e *env, _, dead *string) {
			time.Sleep(at)
			e.send(dead, "x")
		}},
		{"end of a hold", func(e *env, _, dead *string) {
			e.send(dead, "x")
			e.must(e.change(dead, e.one(dead, 0), int32(at/time.Second)))
		}, nil},
		{"death by the receive of another queue", func(e *env, q, _ *string) {
			e.send(q, "x")
			e.must(e.change(q, e.one(q, 0), 1))
		}, func(e *env, q, _ *string) {
			time.Sleep(at)
			e.receive(q, 0)
		}},
		{"move task", func(e *env, q, _ *string) {
			e.queue("source", "RedrivePolicy", `{"deadLetterTargetArn":"`+e.attributes(q)["QueueArn"]+`","maxReceiveCount":1}`)
			e.send(q, "x")
		}, func(e *env, q, dead *string) {
			source, destination, rate := e.attributes(q)["QueueArn"], e.attributes(dead)["QueueArn"], int32(1)
			time.Sleep(at - time.Second)
			_, err := e.client.StartMessageMoveTask(e.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: &source, DestinationArn: &destination, MaxNumberOfMessagesPerSecond: &rate})
			e.must(err)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(e *env) {
				q, dead := e.pair("orders", 1)
				start := time.Now()
				if tt.before != nil {
					tt.before(e, q, dead)
				}
				poll := e.poll(dead, 1, 20)
				synctest.Wait()
				if tt.after != nil {
					tt.after(e, q, dead)
				}
				if ms := <-poll; len(ms) != 1 || time.Since(start) != at {
					t.Errorf("the long poll gave %q after %v, want x after %v", bodies(ms), time.Since(start), at)
				}
			})
		})
	}
}

// A receive that hides a message for a shorter time than anything before it must
// move the moment at which a long poll that waits already looks again.
func TestReceiveMovesTheAlarmOfAWaitingPoll(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders", "VisibilityTimeout", "60")
		e.send(q, "long")
		e.one(q, 0)
		first := e.poll(q, 1, 20)
		synctest.Wait()
		start := time.Now()
		e.send(q, "short")
		m := (<-first)[0]
		second := e.poll(q, 1, 20)
		synctest.Wait()
		e.must(e.change(q, m, 2))
		if ms := <-second; fmt.Sprint(bodies(ms)) != "[short]" || time.Since(start) != 2*time.Second {
			t.Errorf("the long poll gave %q after %v, want short after 2s", bodies(ms), time.Since(start))
		}
	})
}

// The SDK cannot say a timeout of 0 at receive; the protocol can.
func TestReceiveWithoutATimeoutHidesNothing(t *testing.T) {
	s := sqsfake.New(nil)
	defer s.Close()
	const url = `"QueueUrl":"http://sqs.test/000000000000/orders"`
	post(t, s, "AmazonSQS.CreateQueue", []byte(`{"QueueName":"orders"}`))
	for range 2 {
		post(t, s, "AmazonSQS.SendMessage", []byte(`{`+url+`,"MessageBody":"x"}`))
	}
	for range 2 {
		got := string(post(t, s, "AmazonSQS.ReceiveMessage", []byte(`{`+url+`,"VisibilityTimeout":0,"MaxNumberOfMessages":10}`)).body)
		if n := strings.Count(got, `"MessageId"`); n != 2 {
			t.Errorf("received %d messages, want each of the two once: %s", n, got)
		}
	}
}
