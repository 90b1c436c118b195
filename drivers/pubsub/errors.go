package pubsub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/longshore-dev/longshore/driver"
)

// action is something that a caller needs permission for. Source: Google Pub/Sub,
// "Access control with IAM".
type action struct {
	permission string
	role       string // the least that has it
	on         string // what that is granted on: topic or subscription
}

var (
	actionPublish = action{"pubsub.topics.publish", "roles/pubsub.publisher", "topic"}
	actionConsume = action{"pubsub.subscriptions.consume", "roles/pubsub.subscriber", "subscription"}
	actionRead    = action{"pubsub.subscriptions.get", "roles/pubsub.viewer", "subscription"}
	actionList    = action{"pubsub.topics.get", "roles/pubsub.viewer", "topic"}
)

// classify makes the driver's error of what a request ended with: by its gRPC code,
// and by the machine-readable details where it has some. The name is that of the
// topic or subscription that it was about.
func classify(ctx context.Context, op string, a action, name string, err error) *driver.Error {
	if ctx.Err() != nil {
		return driver.ContextError(ctx, op)
	}
	s, ok := status.FromError(err)
	if !ok {
		// What has no status did not come to an answer.
		return &driver.Error{Code: driver.Unavailable, Op: op, Err: err}
	}
	code, hint := codeOf(s, reason(err), a, name)
	e := &driver.Error{Code: code, Op: op, RetryAfter: retryAfter(err), Err: &requestError{hint: hint, status: s, err: err}}
	return e
}

// requestError is what a request ended with, in a line: the generated client's own
// text has several, with ack ids among the details.
type requestError struct {
	hint   string
	status *status.Status
	err    error
}

func (e *requestError) Error() string {
	text := e.status.Code().String()
	if m := e.status.Message(); m != "" {
		text += ": " + driver.CutText(m, 300)
	}
	if e.hint != "" {
		text = e.hint + ": " + text
	}
	return text
}

func (e *requestError) Unwrap() error { return e.err }

// codeOf is the code of a request's error, and what to do where that helps.
func codeOf(s *status.Status, reason string, a action, name string) (driver.Code, string) {
	switch s.Code() {
	case codes.NotFound:
		if strings.Contains(strings.ToLower(s.Message()), "project") && !strings.Contains(s.Message(), "resource=") {
			return driver.NotFound, fmt.Sprintf("project %q does not exist, or is not yours to use", projectOf(name))
		}
		return driver.NotFound, fmt.Sprintf("%s %q does not exist; create it, or correct the URL", a.on, name)
	case codes.PermissionDenied:
		if reason == "SERVICE_DISABLED" {
			return driver.PermissionDenied, fmt.Sprintf("the Pub/Sub API is not enabled in project %q; enable pubsub.googleapis.com", projectOf(name))
		}
		return driver.PermissionDenied, fmt.Sprintf("the credentials do not allow %s; grant %s on %s %q", a.permission, a.role, a.on, name)
	case codes.Unauthenticated:
		if noToken(s.Message()) {
			return driver.Unavailable, "the Google credentials could not be renewed"
		}
		return driver.PermissionDenied, "the Google credentials are not valid, or have expired; renew them"
	case codes.ResourceExhausted:
		if strings.Contains(s.Message(), "larger than max") { // gRPC's own limit, which has no details
			return driver.TooLarge, "the endpoint does not take so large a request"
		}
		return driver.Throttled, "a quota is used up"
	case codes.FailedPrecondition:
		if a == actionConsume {
			return driver.InvalidArgument, fmt.Sprintf("subscription %q cannot be pulled from; a detached one must be created anew, and one that pushes or exports made a pull subscription", name)
		}
		return driver.InvalidArgument, fmt.Sprintf("%s %q is not in a state for this, such as with a key that is disabled", a.on, name)
	case codes.InvalidArgument, codes.OutOfRange, codes.AlreadyExists:
		return driver.InvalidArgument, ""
	case codes.Unimplemented:
		return driver.Unsupported, "the endpoint does not know this request; check PUBSUB_EMULATOR_HOST"
	case codes.DeadlineExceeded:
		return driver.Unavailable, "no answer in time"
	case codes.Unavailable:
		return driver.Unavailable, "no connection, or the service is not available; check the network and PUBSUB_EMULATOR_HOST"
	case codes.Aborted, codes.Internal, codes.Canceled, codes.DataLoss:
		return driver.Unavailable, ""
	}
	return driver.Unknown, ""
}

// noToken says whether a request was not made because nobody gave a token for it, which
// may pass, by the texts of gRPC and of Google's library. It is false where whoever
// gives tokens has refused.
func noToken(message string) bool {
	if !strings.Contains(message, "per-RPC creds failed") {
		return false
	}
	for _, refused := range [...]string{"cannot fetch token: 4", `auth: "`, `oauth2: "`} {
		if strings.Contains(message, refused) {
			return false
		}
	}
	return true
}

// reason is that of the ErrorInfo of an error, or empty.
func reason(err error) string {
	if e, ok := apierror.FromError(err); ok {
		return e.Reason()
	}
	return ""
}

// retryAfter is how long the RetryInfo of an error asks to wait.
func retryAfter(err error) time.Duration {
	e, ok := apierror.FromError(err)
	if !ok || e.Details().RetryInfo == nil {
		return 0
	}
	return min(max(0, e.Details().RetryInfo.GetRetryDelay().AsDuration()), time.Hour)
}

// The outcomes of single leases in the ErrorInfo of a request on several, which
// subscriptions with exactly-once delivery give. Source: Google Pub/Sub,
// "Exactly-once delivery".
const (
	ackInvalid          = "PERMANENT_FAILURE_INVALID_ACK_ID"
	ackTransientFailure = "TRANSIENT_FAILURE_"
)

// ackFailures are the failed ack ids of a request, each with its outcome. An error
// about the request as a whole names none; it may have other things there. As in
// Google's own library the reason of the ErrorInfo does not matter.
func ackFailures(err error) map[string]string {
	e, ok := apierror.FromError(err)
	if !ok {
		return nil
	}
	return e.Metadata()
}

// ackError is the error of one lease with an outcome.
func ackError(op, outcome string) *driver.Error {
	switch {
	case outcome == ackInvalid:
		return driver.Errorf(driver.LeaseLost, op, "the lease has expired, was superseded or was settled (%s)", outcome)
	case strings.HasPrefix(outcome, ackTransientFailure):
		return driver.Errorf(driver.Unavailable, op, "the service could not do it now (%s)", driver.CutText(outcome, 80))
	}
	return driver.Errorf(driver.Unknown, op, "the service refused it (%s)", driver.CutText(outcome, 80))
}

// mayNot says whether err is that credentials which are good do not allow something.
func mayNot(err error) bool {
	if !driver.Is(err, driver.PermissionDenied) {
		return false
	}
	e, ok := errors.AsType[*requestError](err)
	return ok && e.status.Code() == codes.PermissionDenied && reason(e.err) != "SERVICE_DISABLED"
}

// timedOut says whether err is that a request had no answer in time.
func timedOut(err error) bool {
	e, ok := errors.AsType[*requestError](err)
	return ok && e.status.Code() == codes.DeadlineExceeded
}
