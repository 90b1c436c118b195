package sqs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/longshore-dev/longshore/driver"
)

// classify makes the driver's error of what a request ended with. Action is what
// the request needs permission for, such as sqs:SendMessage. An error that has a
// type is known by its type; the others by their code, and none by its text but
// InvalidParameterValue, which has neither for a handle that is stale.
func classify(ctx context.Context, op, action string, err error) *driver.Error {
	if ctx.Err() != nil {
		return driver.ContextError(ctx, op)
	}
	code, hint := codeOf(action, err)
	e := &driver.Error{Code: code, Op: op, RetryAfter: retryAfter(err), Err: quiet(err)}
	if hint != "" {
		e.Err = fmt.Errorf("%s: %w", hint, e.Err)
	}
	return e
}

// quiet is err without what is said of credentials that are refused: that may repeat
// the headers of the request, and one of them is the session token.
func quiet(err error) error {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || badCredentials[api.ErrorCode()] == "" {
		return err
	}
	return &quietError{err, "the answer is " + api.ErrorCode()}
}

type quietError struct {
	err  error
	text string
}

func (e *quietError) Error() string { return e.text }
func (e *quietError) Unwrap() error { return e.err }

// codeOf is the code of a request's error, and what to do where that helps.
func codeOf(action string, err error) (driver.Code, string) {
	if e, ok := errors.AsType[*credentialsError](err); ok {
		if e.passes() {
			return driver.Unavailable, "the AWS credentials cannot be renewed now; what gives them cannot be reached"
		}
		return driver.PermissionDenied, "no valid AWS credentials; set them by environment, profile or role, or renew them"
	}
	if is[*expiredError](err) {
		return driver.Unavailable, "the AWS credentials have expired, and are renewed when this machine's clock says so"
	}
	if code, hint, ok := typed(err); ok {
		return code, hint
	}
	if e, ok := errors.AsType[clockError](err); ok && e.RetryableError() {
		return driver.Unavailable, wrongClock
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		if code, hint, ok := coded(api.ErrorCode(), api.ErrorMessage(), action); ok {
			return code, hint
		}
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" || is[*net.DNSError](err) {
		return driver.Unavailable, "no connection; check the network, the region and AWS_ENDPOINT_URL_SQS"
	}
	if status, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return byStatus(status.HTTPStatusCode(), action)
	}
	// What is left did not come to an answer: no connection, one that broke, an
	// answer cut off or one that the SDK could not read.
	if _, ok := errors.AsType[*aws.EndpointNotFoundError](err); ok {
		return driver.InvalidArgument, "no endpoint; check the region"
	}
	if _, ok := errors.AsType[*smithy.InvalidParamsError](err); ok {
		return driver.InvalidArgument, ""
	}
	return driver.Unavailable, ""
}

// clockError is how the SDK marks a refused signature that a wrong clock explains:
// the time in the answer is minutes away from the time in the request.
type clockError interface {
	error
	RetryableError() bool
}

const wrongClock = "this machine's clock is wrong; the next request corrects for it"

// typed knows the errors that have a type in the SDK.
func typed(err error) (driver.Code, string, bool) {
	switch {
	case is[*types.QueueDoesNotExist](err):
		return driver.NotFound, "the queue does not exist; check name, account and region", true
	case is[*types.QueueDeletedRecently](err):
		return driver.NotFound, "the queue was deleted less than 60 s ago", true
	case is[*types.ResourceNotFoundException](err):
		return driver.NotFound, "a queue or its move task does not exist", true
	case is[*types.ReceiptHandleIsInvalid](err), is[*types.MessageNotInflight](err):
		return driver.LeaseLost, "", true
	case is[*types.OverLimit](err):
		return driver.Throttled, "the queue has as many messages in flight as it may have, or as many move tasks; settle leases, or wait", true
	case is[*types.RequestThrottled](err), is[*types.KmsThrottled](err):
		return driver.Throttled, "", true
	case is[*types.PurgeQueueInProgress](err):
		return driver.Unavailable, "the queue is being purged", true
	case is[*types.KmsAccessDenied](err):
		return driver.PermissionDenied, deniedKey, true
	case is[*types.KmsDisabled](err), is[*types.KmsInvalidState](err), is[*types.KmsNotFound](err),
		is[*types.KmsInvalidKeyUsage](err), is[*types.KmsOptInRequired](err):
		return driver.PermissionDenied, "the queue's KMS key cannot be used; enable it, or give the queue another", true
	case is[*types.InvalidMessageContents](err):
		return driver.InvalidArgument, "the body or an attribute has characters that Amazon SQS does not take", true
	case is[*types.BatchRequestTooLong](err):
		return driver.TooLarge, "", true
	case is[*types.UnsupportedOperation](err):
		return driver.Unsupported, "", true
	case is[*types.InvalidSecurity](err):
		return driver.PermissionDenied, "the queue takes HTTPS only", true
	case is[*types.InvalidAddress](err), is[*types.InvalidAttributeName](err), is[*types.InvalidAttributeValue](err),
		is[*types.InvalidIdFormat](err), is[*types.InvalidBatchEntryId](err), is[*types.BatchEntryIdsNotDistinct](err),
		is[*types.EmptyBatchRequest](err), is[*types.TooManyEntriesInBatchRequest](err), is[*types.QueueNameExists](err):
		return driver.InvalidArgument, "", true
	}
	return 0, "", false
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

const (
	expiredCredentials = "the AWS credentials have expired; renew them"
	invalidCredentials = "the AWS credentials are not valid here; check access key, secret, session token and region"
)

// badCredentials are the codes by which credentials are refused as such, with what
// to do.
var badCredentials = map[string]string{
	"ExpiredToken": expiredCredentials, "ExpiredTokenException": expiredCredentials,
	"UnrecognizedClientException": invalidCredentials, "InvalidClientTokenId": invalidCredentials, "InvalidAccessKeyId": invalidCredentials,
	"MissingAuthenticationToken": invalidCredentials, "MissingAuthenticationTokenException": invalidCredentials,
	"IncompleteSignature": invalidCredentials, "SignatureDoesNotMatch": invalidCredentials, "InvalidSignatureException": invalidCredentials,
	"AuthFailure": invalidCredentials,
}

// mayNot says whether err is that credentials which are good do not allow something.
func mayNot(err error) bool {
	if !driver.Is(err, driver.PermissionDenied) || is[*credentialsError](err) {
		return false
	}
	api, ok := errors.AsType[smithy.APIError](err)
	return !ok || badCredentials[api.ErrorCode()] == ""
}

// coded knows the codes of errors that have no type, and those of the entries of a
// batch, which never have one. The older names come with a prefix.
func coded(code, message, action string) (driver.Code, string, bool) {
	if hint, ok := badCredentials[code]; ok {
		return driver.PermissionDenied, hint, true
	}
	switch strings.TrimPrefix(code, "AWS.SimpleQueueService.") {
	case "AccessDenied", "AccessDeniedException", "NotAuthorized", "OptInRequired":
		return driver.PermissionDenied, denied(action), true
	case "KmsAccessDenied", "KMS.AccessDeniedException":
		return driver.PermissionDenied, deniedKey, true
	case "RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture":
		return driver.Unavailable, wrongClock, true
	case "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException", "TooManyRequestsException",
		"RequestLimitExceeded", "KmsThrottled", "KMS.ThrottlingException", "SlowDown", "OverLimit":
		return driver.Throttled, "", true
	case "NonExistentQueue", "QueueDoesNotExist":
		return driver.NotFound, "the queue does not exist; check name, account and region", true
	case "ReceiptHandleIsInvalid", "MessageNotInflight":
		return driver.LeaseLost, "", true
	case "InvalidParameterValue":
		return parameterCode(message, action), "", true
	case "BatchRequestTooLong", "MessageTooLong":
		return driver.TooLarge, "", true
	case "InvalidMessageContents", "InvalidAttributeValue", "InvalidParameterCombination", "MissingParameter", "MissingRequiredParameterException",
		"ValidationError", "ValidationException", "InvalidAddress", "InvalidAttributeName":
		return driver.InvalidArgument, "", true
	case "UnsupportedOperation":
		return driver.Unsupported, "", true
	case "InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable", "ServiceUnavailableException", "RequestTimeout",
		"RequestTimeoutException":
		return driver.Unavailable, "", true
	}
	return 0, "", false
}

// parameterCode is the code of an InvalidParameterValue. On a lease it means a
// handle that has expired or whose message is gone, unless it is about the time:
// the text alone tells.
func parameterCode(message, action string) driver.Code {
	switch {
	case strings.Contains(message, "must be shorter than") || strings.Contains(message, "too long"):
		return driver.TooLarge
	case action != actionDelete && action != actionChange:
		return driver.InvalidArgument
	case strings.Contains(message, "VisibilityTimeout") && !strings.Contains(message, "ReceiptHandle"):
		return driver.InvalidArgument
	}
	return driver.LeaseLost
}

func byStatus(status int, action string) (driver.Code, string) {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return driver.PermissionDenied, denied(action)
	case status == http.StatusTooManyRequests:
		return driver.Throttled, ""
	case status == http.StatusRequestEntityTooLarge:
		return driver.TooLarge, ""
	case status == http.StatusNotFound:
		return driver.NotFound, "nothing answers as Amazon SQS there; check endpoint and region"
	case status >= 500 || status == http.StatusRequestTimeout || status < 400:
		return driver.Unavailable, ""
	}
	return driver.Unknown, ""
}

// The actions that a caller needs. Source: Service Authorization Reference,
// "Actions, resources, and condition keys for Amazon SQS".
const (
	actionURL        = "sqs:GetQueueUrl"
	actionAttributes = "sqs:GetQueueAttributes"
	actionSend       = "sqs:SendMessage"
	actionReceive    = "sqs:ReceiveMessage"
	actionDelete     = "sqs:DeleteMessage"
	actionChange     = "sqs:ChangeMessageVisibility"
	actionStartMove  = "sqs:StartMessageMoveTask"
	actionListMoves  = "sqs:ListMessageMoveTasks"
	actionCancelMove = "sqs:CancelMessageMoveTask"
)

const deniedKey = "the AWS credentials do not allow the use of the queue's KMS key; add kms:Decrypt, and to send kms:GenerateDataKey"

func denied(action string) string {
	return "the AWS credentials do not allow " + action + "; add it to their policy, or to the queue's"
}

// entryError is the error of one entry of a batch.
func entryError(op, action string, f *types.BatchResultErrorEntry) *driver.Error {
	code, message := aws.ToString(f.Code), aws.ToString(f.Message)
	got, hint, known := coded(code, message, action)
	switch {
	case known:
	case f.SenderFault:
		got = driver.InvalidArgument
	default:
		got = driver.Unavailable
	}
	text := code
	if message != "" {
		text += ": " + driver.CutText(message, 300)
	}
	if hint != "" {
		text = hint + ": " + text
	}
	return &driver.Error{Code: got, Op: op, Err: errors.New(text)}
}

// missing is the error of an entry to which the answer of a batch says nothing.
func missing(op string) *driver.Error {
	return driver.Errorf(driver.Unavailable, op, "the answer says nothing about this item")
}

// retryAfter is how long a Retry-After header asks to wait.
func retryAfter(err error) time.Duration {
	r, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || r.Response == nil || r.Response.Response == nil {
		return 0
	}
	s, err := strconv.Atoi(r.Response.Header.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return min(time.Duration(s)*time.Second, time.Hour)
}

// within is a context for one request, which may wait at the broker for a time.
func within(ctx context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, wait+patience)
}
