package pubsub

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/driver"
)

// answer is an error as gRPC gives it.
func answer(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	s := status.New(code, message)
	if len(details) > 0 {
		var err error
		if s, err = s.WithDetails(details...); err != nil {
			panic(err)
		}
	}
	return s.Err()
}

func TestClassify(t *testing.T) {
	const name = "projects/p/subscriptions/orders"
	tests := []struct {
		err  error
		a    action
		want driver.Code
		says string
	}{
		{answer(codes.NotFound, "Resource not found (resource=orders)."), actionConsume, driver.NotFound, `subscription "projects/p/subscriptions/orders" does not exist`},
		{answer(codes.NotFound, "Topic not found"), actionPublish, driver.NotFound, "topic"},
		{answer(codes.NotFound, "Requested project not found or user does not have access to it (project=p)."), actionPublish, driver.NotFound, `project "p" does not exist`},
		{answer(codes.PermissionDenied, "User not authorized to perform this action."), actionPublish, driver.PermissionDenied, "pubsub.topics.publish; grant roles/pubsub.publisher on topic"},
		{answer(codes.PermissionDenied, "User not authorized to perform this action."), actionConsume, driver.PermissionDenied, "pubsub.subscriptions.consume; grant roles/pubsub.subscriber on subscription"},
		{answer(codes.PermissionDenied, "User not authorized to perform this action."), actionRead, driver.PermissionDenied, "pubsub.subscriptions.get; grant roles/pubsub.viewer on subscription"},
		{answer(codes.PermissionDenied, "has not been used", &errdetails.ErrorInfo{Reason: "SERVICE_DISABLED"}), actionConsume, driver.PermissionDenied, `not enabled in project "p"`},
		{answer(codes.Unauthenticated, ""), actionConsume, driver.PermissionDenied, "credentials"},
		{answer(codes.Unauthenticated, `transport: per-RPC creds failed due to error: auth: cannot fetch token: Post "https://oauth2.example/token": dial tcp: i/o timeout`), actionConsume, driver.Unavailable, "could not be renewed"},
		{answer(codes.Unauthenticated, "transport: per-RPC creds failed due to error: auth: cannot fetch token: 503"), actionConsume, driver.Unavailable, "could not be renewed"},
		{answer(codes.Unauthenticated, "transport: per-RPC creds failed due to error: auth: cannot fetch token: 401"), actionConsume, driver.PermissionDenied, "renew them"},
		{answer(codes.Unauthenticated, `transport: per-RPC creds failed due to error: auth: "invalid_grant"`), actionConsume, driver.PermissionDenied, "renew them"},
		{answer(codes.ResourceExhausted, "Quota exceeded"), actionConsume, driver.Throttled, "quota"},
		{answer(codes.ResourceExhausted, "grpc: received message larger than max (9999999 vs. 4194304)"), actionPublish, driver.TooLarge, ""},
		{answer(codes.FailedPrecondition, "detached"), actionConsume, driver.InvalidArgument, "detached"},
		{answer(codes.FailedPrecondition, "key disabled"), actionPublish, driver.InvalidArgument, "key"},
		{answer(codes.InvalidArgument, "no"), actionPublish, driver.InvalidArgument, ""},
		{answer(codes.OutOfRange, "no"), actionPublish, driver.InvalidArgument, ""},
		{answer(codes.AlreadyExists, "no"), actionPublish, driver.InvalidArgument, ""},
		{answer(codes.Unimplemented, "no"), actionConsume, driver.Unsupported, "PUBSUB_EMULATOR_HOST"},
		{answer(codes.DeadlineExceeded, "context deadline exceeded"), actionPublish, driver.Unavailable, "in time"},
		{answer(codes.Unavailable, "connection refused"), actionPublish, driver.Unavailable, "network"},
		{answer(codes.Internal, "RST_STREAM"), actionPublish, driver.Unavailable, ""},
		{answer(codes.Aborted, ""), actionPublish, driver.Unavailable, ""},
		{answer(codes.Canceled, ""), actionPublish, driver.Unavailable, ""},
		{answer(codes.DataLoss, ""), actionPublish, driver.Unavailable, ""},
		{answer(codes.Unknown, "stream terminated"), actionPublish, driver.Unknown, ""},
		{errors.New("no status"), actionPublish, driver.Unavailable, "no status"},
	}
	for _, tt := range tests {
		got := classify(t.Context(), "op", tt.a, name, tt.err)
		if got.Code != tt.want || got.Op != "op" || !strings.Contains(got.Error(), tt.says) {
			t.Errorf("%v: %v, %q; want %v that says %q", tt.err, got.Code, got, tt.want, tt.says)
		}
		if !errors.Is(got, tt.err) {
			t.Errorf("%v: the client's error is not in the chain", tt.err)
		}
	}
}

func TestClassifyTheEndOfTheContext(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for want, ctx := range map[driver.Code]context.Context{driver.Canceled: cancelled, driver.DeadlineExceeded: late} {
		if got := classify(ctx, "op", actionPublish, "projects/p/topics/t", answer(codes.Unavailable, "")); got.Code != want {
			t.Errorf("%v; want %v", got.Code, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{3 * time.Second: 3 * time.Second, -time.Second: 0, 100 * time.Hour: time.Hour} {
		err := answer(codes.ResourceExhausted, "Quota exceeded", &errdetails.RetryInfo{RetryDelay: durationpb.New(d)})
		if got := classify(t.Context(), "op", actionPublish, "projects/p/topics/t", err); got.RetryAfter != want {
			t.Errorf("retry after %v; want %v", got.RetryAfter, want)
		}
	}
}

// Ack ids are as good as the right to settle, so they are not for logs.
func TestErrorsDoNotRepeatAckIDs(t *testing.T) {
	err := answer(codes.InvalidArgument, "Some acknowledgement ids were invalid.",
		&errdetails.ErrorInfo{Reason: "EXACTLY_ONCE_ACKID_FAILURE", Metadata: map[string]string{"SECRET-ACK-ID": ackInvalid}})
	if got := classify(t.Context(), "op", actionConsume, "projects/p/subscriptions/s", err).Error(); strings.Contains(got, "SECRET") {
		t.Error(got)
	}
	if got := ackFailures(err); len(got) != 1 || got["SECRET-ACK-ID"] != ackInvalid {
		t.Errorf("failures %v", got)
	}
}

func TestAckError(t *testing.T) {
	for outcome, want := range map[string]driver.Code{
		ackInvalid: driver.LeaseLost, "TRANSIENT_FAILURE_SERVICE_UNAVAILABLE": driver.Unavailable, "TRANSIENT_FAILURE_X": driver.Unavailable,
		"PERMANENT_FAILURE_OTHER": driver.Unknown, "": driver.Unknown,
	} {
		if got := ackError("op", outcome); got.Code != want {
			t.Errorf("%s: %v; want %v", outcome, got.Code, want)
		}
	}
}
