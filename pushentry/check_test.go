package pushentry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/pushentry"
	"github.com/longshore-dev/longshore/runtime"
)

func TestCheckRefuses(t *testing.T) {
	hour := runtime.Retry(runtime.RetryPolicy{Backoff: runtime.Fixed(time.Hour)})
	tests := []struct {
		name    string
		setup   setup
		setting runtime.Setting // "" for no finding
		says    []string
	}{
		{"nothing", setup{}, "", nil},
		{"no retry policy", setup{subscription: func(s *pubsubpb.Subscription) { s.RetryPolicy = nil }}, runtime.SettingRetryDelay,
			[]string{`check queue "orders"`, "no retry policy", "a failed task comes back at once"}},
		{"no dead letter readable", setup{subscription: func(s *pubsubpb.Subscription) { s.DeadLetterPolicy.MaxDeliveryAttempts = 5 }},
			runtime.SettingAttemptLimit, []string{"limit 5 is below 15"}},
		{"a hold for Workers", setup{info: runtime.QueueInfo{Hold: time.Minute}}, "", nil},
		{"a kind that needs delays", setup{how: []runtime.HandleOption{runtime.Delays()}}, pushentry.SettingDelays, []string{`kind "job" needs delays`, "Worker"}},
		{"a kind with a backoff", setup{how: []runtime.HandleOption{hour}}, pushentry.SettingDelays, []string{`kind "job"`}},
		{"a timeout that fits", setup{how: []runtime.HandleOption{runtime.Timeout(handlerTime - 1)}}, "", nil},
		{"a timeout that does not", setup{how: []runtime.HandleOption{runtime.Timeout(handlerTime)}}, runtime.SettingTimeout,
			[]string{`timeout 8s of kind "job"`, "not below the 8s", "ack deadline 10s"}},
		{"a hard timeout that does not", setup{how: []runtime.HandleOption{runtime.HardTimeout(time.Minute)}}, runtime.SettingTimeout, nil},
		{"a longer deadline", setup{
			how:          []runtime.HandleOption{runtime.Timeout(534 * time.Second)},
			subscription: func(s *pubsubpb.Subscription) { s.AckDeadlineSeconds = 600 },
		}, "", nil},
		{"a margin that leaves nothing", setup{options: pushentry.Options{Margin: 9 * time.Second}}, runtime.SettingHold, []string{"leaves 0s"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			on(t, tt.setup, func(e *env) {
				err := e.handler.Check(e.Context())
				if tt.setting == "" {
					e.must(err)
					return
				}
				f, ok := errors.AsType[runtime.Finding](err)
				if !ok || f.Setting != tt.setting || f.Queue != "orders" || !driver.Is(err, driver.InvalidArgument) {
					e.Fatalf("%v; want a finding on %s", err, tt.setting)
				}
				for _, says := range tt.says {
					if !strings.Contains(err.Error(), says) {
						e.Errorf("%v; want it to say %q", err, says)
					}
				}
			})
		})
	}
}

// After Check the ack deadline is the subscription's own.
func TestCheckReadsTheAckDeadline(t *testing.T) {
	var left time.Duration
	on(t, setup{
		subscription: func(s *pubsubpb.Subscription) { s.AckDeadlineSeconds = 60 },
		handle: func(ctx context.Context, _ *runtime.Task[job]) error {
			end, _ := ctx.Deadline()
			left = time.Until(end)
			return nil
		},
	}, func(e *env) {
		e.push("1", 1)
		if left != handlerTime {
			e.Errorf("%v left before the check; want that of the shortest ack deadline", left)
		}
		e.must(e.handler.Check(e.Context()))
		e.push("2", 1)
		if left != 49*time.Second {
			e.Errorf("%v left after the check; want 49s of 60s", left)
		}
	})
}

func TestCheckSaysWhatCannotBeRead(t *testing.T) {
	on(t, setup{}, func(e *env) {
		e.server.Fault(pubsubfake.Fault{Op: "GetSubscription", Code: codes.PermissionDenied})
		if err := e.handler.Check(e.Context()); !driver.Is(err, driver.PermissionDenied) {
			e.Errorf("%v; want PermissionDenied", err)
		}
	})
	declared := &driver.Policy{
		Hold: time.Minute, MaxAttempts: 20, DeadLetterTarget: "orders-dead", DeadLetterReadable: true, RetryDelay: 10 * time.Second,
	}
	on(t, setup{info: runtime.QueueInfo{Declared: declared}}, func(e *env) {
		e.server.Fault(pubsubfake.Fault{Op: "GetSubscription", Code: codes.PermissionDenied})
		e.must(e.handler.Check(e.Context()))
	})
}

// A queue that declares in its URL what may not be read says nothing of a retry policy.
func TestCheckTakesADeclaredRetryDelay(t *testing.T) {
	for _, delay := range []time.Duration{0, 10 * time.Second} {
		on(t, setup{queue: declaring(t), info: runtime.QueueInfo{Declared: &driver.Policy{RetryDelay: delay}}}, func(e *env) {
			e.server.Fault(pubsubfake.Fault{Op: "GetSubscription", Code: codes.PermissionDenied})
			err := e.handler.Check(e.Context())
			if f, found := errors.AsType[runtime.Finding](err); found != (delay == 0) || found && f.Setting != runtime.SettingRetryDelay {
				e.Errorf("declared %v: %v", delay, err)
			}
		})
	}
}

func TestCheckWarnsOfOthers(t *testing.T) {
	on(t, setup{options: pushentry.Options{Unwrapped: []string{"orders"}}}, func(e *env) {
		_, err := e.clients.Subscriptions.CreateSubscription(e.Context(), &pubsubpb.Subscription{
			Name: "projects/test/subscriptions/audit", Topic: "projects/test/topics/orders", AckDeadlineSeconds: 10,
		})
		e.must(err)
		e.must(e.handler.Check(e.Context()))
		for _, says := range []string{"projects/test/subscriptions/audit", "MaxAttempts is not kept"} {
			if !strings.Contains(e.log.String(), says) {
				e.Errorf("the log does not say %q:\n%s", says, e.log)
			}
		}
	})
}
