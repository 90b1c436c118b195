package sqs_test

import (
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

const targetARN = "arn:aws:sqs:us-east-1:000000000000:orders-dead"

func TestPolicy(t *testing.T) {
	want := driver.Policy{
		Hold: conformanceHold, MaxAttempts: 100, DeadLetterTarget: targetARN, DeadLetterReadable: true,
		Retention: 96 * time.Hour, DeadLetterRetention: 336 * time.Hour,
	}
	declared := &sqs.Options{Hold: conformanceHold, MaxReceives: 100, DeadLetter: "orders-dead"}
	for _, o := range []*sqs.Options{nil, declared, {DeadLetter: targetARN}} {
		on(t, "", o, func(e *env) {
			if p, err := e.queue.Policy(e.Context()); err != nil || p != want {
				e.Errorf("%+v, %v; want %+v", p, err, want)
			}
		})
	}
}

func TestPolicyRefusesWhatIsNotSo(t *testing.T) {
	for param, o := range map[string]*sqs.Options{
		"hold": {Hold: 30 * time.Second}, "max_receives": {MaxReceives: 5}, "dead_letter": {DeadLetter: "other-dead"},
	} {
		on(t, "", o, func(e *env) {
			_, err := e.queue.Policy(e.Context())
			e.code(param, err, driver.InvalidArgument)
			if err != nil && !strings.Contains(err.Error(), param+"=") {
				e.Errorf("%v; want the parameter %s", err, param)
			}
		})
	}
}

func TestPolicyWithoutPermission(t *testing.T) {
	none := sqsfake.Fault{Op: "GetQueueAttributes", Error: sqsfake.AccessDenied}
	on(t, "", nil, func(e *env) {
		e.server.Fault(none)
		_, err := e.queue.Policy(e.Context())
		e.code("nothing declared", err, driver.PermissionDenied)
		if err != nil && !strings.Contains(err.Error(), "sqs:GetQueueAttributes") {
			e.Errorf("%v; want the action", err)
		}
		_, err = e.queue.DeadLetter().Receive(e.Context(), driver.ReceiveOptions{Max: 1, Hold: time.Minute})
		e.code("the dead letter", err, driver.PermissionDenied)
		if err != nil && !strings.Contains(err.Error(), "dead_letter=") {
			e.Errorf("%v; want the parameter", err)
		}
	})
	on(t, "", &sqs.Options{Hold: time.Minute, MaxReceives: 20, DeadLetter: "orders-dead"}, func(e *env) {
		e.server.Fault(none)
		want := driver.Policy{Hold: time.Minute, MaxAttempts: 20, DeadLetterTarget: "orders-dead", DeadLetterReadable: true}
		if p, err := e.queue.Policy(e.Context()); err != nil || p != want {
			e.Errorf("%+v, %v; want what is declared, %+v", p, err, want)
		}
		e.send(messages(1, 10)...)
		l := e.lease(e.queue, 1)[0]
		e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "test"}))
		e.lease(e.queue.DeadLetter(), 1)
	})
	on(t, "", nil, func(e *env) {
		dead := none
		dead.Queue = "orders-dead"
		e.server.Fault(dead)
		p, err := e.queue.Policy(e.Context())
		if err != nil || p.DeadLetterTarget != targetARN || p.DeadLetterReadable || p.DeadLetterRetention != 0 {
			e.Errorf("%+v, %v; want a dead letter that cannot be read", p, err)
		}
		if s, err := e.queue.Stats(e.Context()); err != nil || s.Dead != driver.Unreported {
			e.Errorf("%+v, %v; want that the dead are not reported", s, err)
		}
	})
}

// What is declared stands in for what may not be read, not for credentials.
func TestPolicyWithBadCredentials(t *testing.T) {
	declared := &sqs.Options{Hold: time.Minute, MaxReceives: 20, DeadLetter: "orders-dead"}
	for code, says := range map[string]string{sqsfake.ExpiredToken: "have expired; renew", sqsfake.InvalidClientTokenID: "check access key"} {
		for _, o := range []*sqs.Options{nil, declared} {
			on(t, "", o, func(e *env) {
				e.server.Fault(sqsfake.Fault{Op: "GetQueueAttributes", Error: code})
				_, err := e.queue.Policy(e.Context())
				e.code(code, err, driver.PermissionDenied)
				_, dead := e.queue.DeadLetter().Receive(e.Context(), driver.ReceiveOptions{Max: 1, Hold: time.Minute})
				e.code(code, dead, driver.PermissionDenied)
				for _, err := range []error{err, dead} {
					if err != nil && (!strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "allow")) {
						e.Errorf("%v; want %q", err, says)
					}
				}
			})
		}
	}
}

func TestPolicyWithoutTheTarget(t *testing.T) {
	on(t, "", nil, func(e *env) {
		_, err := e.client.DeleteQueue(e.Context(), &awssqs.DeleteQueueInput{QueueUrl: e.url("-dead")})
		e.must(err)
		p, err := e.queue.Policy(e.Context())
		if err != nil || p.DeadLetterTarget == "" || p.DeadLetterReadable {
			e.Errorf("%+v, %v; want a dead letter that is not there", p, err)
		}
	})
}

// A queue that gets another dead letter is followed.
func TestDeadLetterChanges(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(2, 10)...)
		ls := e.lease(e.queue, 2)
		e.must(e.settle(e.queue, driver.Settlement{Lease: ls[0], Verdict: driver.Bury, Reason: "test"}))
		_, arn, err := create(e.Context(), e.client, "orders-grave", map[string]string{"VisibilityTimeout": "40"})
		e.must(err)
		_, err = e.client.SetQueueAttributes(e.Context(), &awssqs.SetQueueAttributesInput{
			QueueUrl: e.url(""), Attributes: map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + arn + `","maxReceiveCount":9}`},
		})
		e.must(err)
		if p, err := e.queue.Policy(e.Context()); err != nil || p.DeadLetterTarget != arn || p.MaxAttempts != 9 {
			e.Errorf("%+v, %v", p, err)
		}
		e.must(e.settle(e.queue, driver.Settlement{Lease: ls[1], Verdict: driver.Bury, Reason: "test"}))
		if s, err := e.queue.Stats(e.Context()); err != nil || s.Dead != 1 {
			e.Errorf("%+v, %v; want one in the new dead letter", s, err)
		}
	})
}

func TestStats(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(4, 10)...)
		e.send(driver.Message{Body: []byte("later"), Delay: time.Minute})
		ls := e.lease(e.queue, 2)
		e.must(e.settle(e.queue, driver.Settlement{Lease: ls[0], Verdict: driver.Bury, Reason: "test"}))
		want := driver.Stats{Ready: 2, Leased: 1, Delayed: 1, Dead: 1, Oldest: driver.Unreported}
		if s, err := e.queue.Stats(e.Context()); err != nil || s != want {
			e.Errorf("%+v, %v; want %+v", s, err, want)
		}
	})
}
