package sqs_test

import (
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// Whoever has no permission is told which, whatever is done.
func TestTheMissingPermissionIsNamed(t *testing.T) {
	for denied, c := range map[string]struct {
		action string
		do     func(e *env) error
	}{
		"SendMessageBatch": {"sqs:SendMessage;", func(e *env) error {
			return e.queue.Send(e.Context(), messages(1, 10))[0].Err
		}},
		"ReceiveMessage": {"sqs:ReceiveMessage;", func(e *env) error {
			_, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
			return err
		}},
		"DeleteMessageBatch": {"sqs:DeleteMessage;", func(e *env) error {
			return e.settle(e.queue, driver.Settlement{Lease: e.lease(e.queue, 1)[0], Verdict: driver.Ack})
		}},
		"ChangeMessageVisibilityBatch": {"sqs:ChangeMessageVisibility;", func(e *env) error {
			return e.queue.Extend(e.Context(), e.lease(e.queue, 1), 0)[0].Err
		}},
		"StartMessageMoveTask": {"sqs:StartMessageMoveTask;", moveAll},
		"ListMessageMoveTasks": {"sqs:ListMessageMoveTasks;", moveAll},
		"GetQueueAttributes":   {"sqs:GetQueueAttributes;", moveAll},
		"of the dead letter":   {`sqs:SendMessage on "orders-dead";`, bury},
	} {
		t.Run(denied, func(t *testing.T) {
			on(t, "", nil, func(e *env) {
				e.send(messages(1, 10)...)
				f := sqsfake.Fault{Op: denied, Error: sqsfake.AccessDenied}
				if denied == "of the dead letter" {
					f = sqsfake.Fault{Op: "SendMessageBatch", Queue: "orders-dead", Error: sqsfake.AccessDenied}
				}
				e.server.Fault(f)
				err := c.do(e)
				e.code("without permission", err, driver.PermissionDenied)
				if want := "the AWS credentials do not allow " + c.action; err == nil || !strings.Contains(err.Error(), want) {
					e.Errorf("%v; want %q", err, want)
				}
			})
		})
	}
}

func moveAll(e *env) error {
	_, err := e.queue.DeadLetter().MoveAll(e.Context(), driver.MoveOptions{})
	return err
}

func bury(e *env) error {
	return e.settle(e.queue, driver.Settlement{Lease: e.lease(e.queue, 1)[0], Verdict: driver.Bury, Reason: "test"})
}
