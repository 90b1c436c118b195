package servicebus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"github.com/longshore-dev/longshore/driver"
)

// action is something that a caller needs a right for. Source: Azure Service Bus,
// "Authentication and authorization": the rights of a shared access policy, and the
// built-in roles that have them.
type action struct{ right, role string }

var (
	actionSend   = action{"Send", "Azure Service Bus Data Sender"}
	actionListen = action{"Listen", "Azure Service Bus Data Receiver"}
	actionManage = action{"Manage", "Azure Service Bus Data Owner"}
)

// busy is how long the service asks to wait when it is busy. Source: Azure Service Bus,
// "Throttling".
const busy = 10 * time.Second

// Conditions that the client library has no name for. Source: Azure Service Bus, "AMQP
// errors" (service-bus-amqp-troubleshoot).
const (
	condServerBusy     amqp.ErrCond = "com.microsoft:server-busy"
	condTimeout        amqp.ErrCond = "com.microsoft:timeout"
	condCancelled      amqp.ErrCond = "com.microsoft:operation-cancelled"
	condDisabled       amqp.ErrCond = "com.microsoft:entity-disabled"
	condArgument       amqp.ErrCond = "com.microsoft:argument-error"
	condOutOfRange     amqp.ErrCond = "com.microsoft:argument-out-of-range"
	condLockLost       amqp.ErrCond = "com.microsoft:message-lock-lost"
	condSessionLost    amqp.ErrCond = "com.microsoft:session-lock-lost"
	condSessionLocked  amqp.ErrCond = "com.microsoft:session-cannot-be-locked"
	condMessageMissing amqp.ErrCond = "com.microsoft:message-not-found"
	condAuthFailed     amqp.ErrCond = "com.microsoft:auth-failed"
)

// classify makes the driver's error of what a request to a queue ended with. The
// context is the caller's.
func classify(ctx context.Context, op string, a action, queue string, err error) *driver.Error {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e
	}
	if ctx.Err() != nil {
		return driver.ContextError(ctx, op)
	}
	code, hint := codeOf(err, a, queue)
	e := &driver.Error{Code: code, Op: op, Err: &requestError{hint, err}}
	if code == driver.Throttled {
		e.RetryAfter = retryAfter(err)
	}
	return e
}

// requestError is what a request ended with, in a line.
type requestError struct {
	hint string
	err  error
}

func (e *requestError) Error() string {
	text := driver.CutText(textOf(e.err), 300)
	if e.hint != "" {
		text = e.hint + ": " + text
	}
	return text
}

func (e *requestError) Unwrap() error { return e.err }

// textOf is what err says, in a line.
func textOf(err error) string {
	if e, ok := errors.AsType[*azcore.ResponseError](err); ok { // its own text has many lines
		return fmt.Sprintf("HTTP status %d %s", e.StatusCode, e.ErrorCode)
	}
	if e, ok := errors.AsType[*amqp.Error](err); ok {
		return fmt.Sprintf("%s: %s", e.Condition, e.Description)
	}
	return err.Error()
}

// answered is the error of a request by a management link, with its status.
type answered interface {
	error
	RPCCode() int
}

// codeOf is the code of a request's error, and what to do where that helps.
func codeOf(err error, a action, queue string) (driver.Code, string) {
	if errors.Is(err, azservicebus.ErrMessageTooLarge) {
		return driver.TooLarge, "the message is larger than the queue takes; use a claim check for large payloads"
	}
	if e, ok := errors.AsType[*amqp.Error](err); ok {
		if code, hint := codeOfCondition(e.Condition, a, queue); code != driver.Unknown {
			return code, hint
		}
	}
	if e, ok := errors.AsType[answered](err); ok {
		if code, hint := codeOfStatus(e.RPCCode(), a, queue); code != driver.Unknown {
			return code, hint
		}
	}
	if e, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return codeOfStatus(e.StatusCode, a, queue)
	}
	if e, ok := errors.AsType[*azservicebus.Error](err); ok {
		switch e.Code {
		case azservicebus.CodeUnauthorizedAccess:
			return driver.PermissionDenied, mayNotHint(a, queue)
		case azservicebus.CodeNotFound:
			return driver.NotFound, missingHint(queue)
		case azservicebus.CodeLockLost:
			return driver.LeaseLost, lostHint
		case azservicebus.CodeClosed:
			return driver.Closed, "the client was closed"
		case azservicebus.CodeConnectionLost, azservicebus.CodeTimeout:
			if code, hint := codeOfRefusal(e.Error(), a, queue); code != driver.Unknown {
				return code, hint
			}
			return driver.Unavailable, lostConnection
		}
	}
	return codeOfConnection(err)
}

const (
	lostHint       = "the lock has expired, or the message was settled"
	lostConnection = "no connection, or the service is not available"
	noAnswer       = "no answer in time"
)

func missingHint(queue string) string {
	return fmt.Sprintf("queue %q does not exist; create it, or correct the URL", queue)
}

func mayNotHint(a action, queue string) string {
	return fmt.Sprintf("the credentials are wrong, or do not have the right %s on queue %q; grant it, or the role %q", a.right, queue, a.role)
}

func codeOfCondition(c amqp.ErrCond, a action, queue string) (driver.Code, string) {
	switch c {
	case amqp.ErrCondNotFound:
		return driver.NotFound, missingHint(queue)
	case amqp.ErrCondUnauthorizedAccess, condAuthFailed:
		return driver.PermissionDenied, mayNotHint(a, queue)
	case condServerBusy:
		return driver.Throttled, "the namespace is throttled"
	case amqp.ErrCondResourceLimitExceeded:
		return driver.Throttled, fmt.Sprintf("a quota is used up, or queue %q is full", queue)
	case amqp.ErrCondMessageSizeExceeded:
		return driver.TooLarge, "the message is larger than the queue takes; use a claim check for large payloads"
	case condLockLost, condSessionLost:
		return driver.LeaseLost, lostHint
	case condMessageMissing:
		return driver.NotFound, "the message does not exist"
	case condDisabled:
		return driver.InvalidArgument, fmt.Sprintf("queue %q is disabled; enable it", queue)
	case amqp.ErrCondNotAllowed, amqp.ErrCondNotImplemented, amqp.ErrCondInvalidField, amqp.ErrCondPreconditionFailed, condArgument, condOutOfRange:
		return driver.InvalidArgument, fmt.Sprintf("queue %q does not take this; check that it requires sessions just where the URL says sessions=true", queue)
	case condTimeout, condCancelled, condSessionLocked, amqp.ErrCondInternalError, amqp.ErrCondConnectionForced, amqp.ErrCondDetachForced:
		return driver.Unavailable, ""
	}
	return driver.Unknown, ""
}

func codeOfStatus(status int, a action, queue string) (driver.Code, string) {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return driver.PermissionDenied, mayNotHint(a, queue)
	case http.StatusNotFound:
		return driver.NotFound, missingHint(queue)
	case http.StatusGone:
		return driver.LeaseLost, lostHint
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return driver.Throttled, "the namespace is throttled"
	case http.StatusBadRequest, http.StatusConflict:
		return driver.InvalidArgument, "the service refuses the request"
	case http.StatusRequestTimeout:
		return driver.Unavailable, noAnswer
	}
	if status >= http.StatusInternalServerError {
		return driver.Unavailable, ""
	}
	return driver.Unknown, ""
}

// refusal is how the client library words an answer of a management node that it does
// not know, which it takes for the loss of the connection, and from which it hides the
// error itself.
var refusal = regexp.MustCompile(`rpc: failed, status code (\d{3}) `)

func codeOfRefusal(text string, a action, queue string) (driver.Code, string) {
	found := refusal.FindStringSubmatch(text)
	if found == nil {
		return driver.Unknown, ""
	}
	status, _ := strconv.Atoi(found[1]) // three digits
	if status == http.StatusBadRequest && strings.Contains(text, "exceeds the limit") {
		return driver.TooLarge, "the message is larger than the queue takes; use a claim check for large payloads"
	}
	return codeOfStatus(status, a, queue)
}

// codeOfConnection is the code of an error that has none from the service.
func codeOfConnection(err error) (driver.Code, string) {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return driver.Unavailable, noAnswer // the request's own context: the caller's has not ended
	}
	if _, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok {
		return driver.PermissionDenied, "Microsoft Entra ID refuses the credentials"
	}
	if _, ok := errors.AsType[interface {
		error
		NonRetriable()
	}](err); ok && isCredential(err) {
		return driver.PermissionDenied, noCredentials
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return driver.Unavailable, lostConnection
	}
	// What else there is did not come to an answer: ends of connections, sessions and
	// links.
	return driver.Unavailable, ""
}

const noCredentials = "no Azure credentials; run az login, set AZURE_CLIENT_ID and what goes with it, or set " + connectionVariable

// isCredential says whether err is that no credential is there. azidentity exports
// no type for it.
func isCredential(err error) bool {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if fmt.Sprintf("%T", e) == "*azidentity.credentialUnavailableError" {
			return true
		}
	}
	return false
}

// retryAfter is how long the service asks to wait.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*azcore.ResponseError](err); ok && e.RawResponse != nil {
		if s, err := strconv.Atoi(e.RawResponse.Header.Get("Retry-After")); err == nil && s > 0 {
			return min(time.Duration(s)*time.Second, time.Hour)
		}
	}
	return busy
}
