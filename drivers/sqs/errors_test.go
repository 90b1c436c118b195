package sqs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/longshore-dev/longshore/driver"
)

// api is an error that has a code and no type.
func api(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }

// status is an answer that is not of Amazon SQS.
func status(code int, headers ...string) error {
	h := make(http.Header)
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	r := &smithyhttp.Response{Response: &http.Response{StatusCode: code, Header: h}}
	return &smithyhttp.ResponseError{Response: r, Err: errors.New("it says something")}
}

// answered is an answer with a code.
func answered(httpStatus int, code string) error {
	r := &smithyhttp.Response{Response: &http.Response{StatusCode: httpStatus}}
	return &smithyhttp.ResponseError{Response: r, Err: api(code, "")}
}

// What is said of a refused signature may repeat the request with its headers.
func TestAnErrorOfCredentialsDoesNotRepeatTheRequest(t *testing.T) {
	const said = "The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:SECRET\n'"
	for code := range badCredentials {
		for _, err := range []error{api(code, said), &credentialsError{err: api(code, said)}, &expiredError{api(code, said)}} {
			got := classify(t.Context(), "op", actionSend, &smithy.OperationError{ServiceID: "SQS", OperationName: "X", Err: err})
			if text := got.Error(); strings.Contains(text, "SECRET") || !strings.Contains(text, code) {
				t.Errorf("%s: %q; want the code and nothing of the request", code, text)
			}
			if !errors.Is(got, err) {
				t.Errorf("%s: the SDK's error is not wrapped", code)
			}
		}
	}
}

func TestClassify(t *testing.T) {
	const stale = "Value AQEB for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change."
	const tooLong = "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
	tests := []struct {
		err    error
		action string
		want   driver.Code
		says   string
	}{
		{&types.QueueDoesNotExist{}, actionURL, driver.NotFound, "region"},
		{&types.QueueDeletedRecently{}, actionURL, driver.NotFound, "60 s"},
		{&types.ResourceNotFoundException{}, actionStartMove, driver.NotFound, ""},
		{&types.ReceiptHandleIsInvalid{}, actionDelete, driver.LeaseLost, ""},
		{&types.MessageNotInflight{}, actionChange, driver.LeaseLost, ""},
		{&types.OverLimit{}, actionReceive, driver.Throttled, "in flight"},
		{&types.RequestThrottled{}, actionSend, driver.Throttled, ""},
		{&types.KmsThrottled{}, actionSend, driver.Throttled, ""},
		{&types.PurgeQueueInProgress{}, actionReceive, driver.Unavailable, "purged"},
		{&types.KmsAccessDenied{}, actionSend, driver.PermissionDenied, "kms:GenerateDataKey"},
		{&types.KmsDisabled{}, actionSend, driver.PermissionDenied, "KMS key"},
		{&types.KmsInvalidState{}, actionSend, driver.PermissionDenied, "KMS key"},
		{&types.KmsInvalidKeyUsage{}, actionSend, driver.PermissionDenied, "KMS key"},
		{&types.KmsNotFound{}, actionSend, driver.PermissionDenied, "KMS key"},
		{&types.KmsOptInRequired{}, actionSend, driver.PermissionDenied, "KMS key"},
		{&types.InvalidMessageContents{}, actionSend, driver.InvalidArgument, "characters"},
		{&types.BatchRequestTooLong{}, actionSend, driver.TooLarge, ""},
		{&types.UnsupportedOperation{}, actionSend, driver.Unsupported, ""},
		{&types.InvalidSecurity{}, actionSend, driver.PermissionDenied, "HTTPS"},
		{&types.InvalidAddress{}, actionSend, driver.InvalidArgument, ""},
		{&types.InvalidAttributeName{}, actionAttributes, driver.InvalidArgument, ""},
		{&types.InvalidAttributeValue{}, actionAttributes, driver.InvalidArgument, ""},
		{&types.InvalidIdFormat{}, actionDelete, driver.InvalidArgument, ""},
		{&types.InvalidBatchEntryId{}, actionDelete, driver.InvalidArgument, ""},
		{&types.BatchEntryIdsNotDistinct{}, actionDelete, driver.InvalidArgument, ""},
		{&types.EmptyBatchRequest{}, actionDelete, driver.InvalidArgument, ""},
		{&types.TooManyEntriesInBatchRequest{}, actionDelete, driver.InvalidArgument, ""},
		{&types.QueueNameExists{}, actionURL, driver.InvalidArgument, ""},

		{api("AccessDenied", ""), actionAttributes, driver.PermissionDenied, "sqs:GetQueueAttributes"},
		{api("AccessDeniedException", ""), actionSend, driver.PermissionDenied, "sqs:SendMessage"},
		{api("ExpiredToken", ""), actionSend, driver.PermissionDenied, "expired"},
		{api("ExpiredTokenException", ""), actionSend, driver.PermissionDenied, "expired"},
		{api("UnrecognizedClientException", ""), actionSend, driver.PermissionDenied, "not valid"},
		{api("InvalidClientTokenId", ""), actionSend, driver.PermissionDenied, "not valid"},
		{api("SignatureDoesNotMatch", ""), actionSend, driver.PermissionDenied, "not valid"},
		{api("RequestTimeTooSkewed", ""), actionSend, driver.Unavailable, "clock"},
		{api("ThrottlingException", ""), actionSend, driver.Throttled, ""},
		{api("RequestLimitExceeded", ""), actionSend, driver.Throttled, ""},
		{api("AWS.SimpleQueueService.NonExistentQueue", ""), actionSend, driver.NotFound, "region"},
		{api("AWS.SimpleQueueService.MessageNotInflight", ""), actionChange, driver.LeaseLost, ""},
		{api("InvalidParameterValue", stale), actionChange, driver.LeaseLost, ""},
		{api("InvalidParameterValue", "The receipt handle has expired"), actionDelete, driver.LeaseLost, ""},
		{api("InvalidParameterValue", tooLong), actionChange, driver.InvalidArgument, ""},
		{api("InvalidParameterValue", "Value 1000 for parameter DelaySeconds is invalid."), actionSend, driver.InvalidArgument, ""},
		{api("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."), actionSend, driver.TooLarge, ""},
		{api("InternalFailure", ""), actionSend, driver.Unavailable, ""},
		{api("ServiceUnavailable", ""), actionSend, driver.Unavailable, ""},

		{status(503), actionSend, driver.Unavailable, ""},
		{status(200), actionReceive, driver.Unavailable, ""}, // an answer that was cut off
		{status(403), actionReceive, driver.PermissionDenied, "sqs:ReceiveMessage"},
		{status(404), actionReceive, driver.NotFound, "endpoint"},
		{status(413), actionSend, driver.TooLarge, ""},
		{status(429), actionSend, driver.Throttled, ""},
		{status(418), actionSend, driver.Unknown, ""},

		{&smithyhttp.RequestSendError{Err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}, actionSend, driver.Unavailable, "AWS_ENDPOINT_URL_SQS"},
		{&smithyhttp.RequestSendError{Err: &net.DNSError{Err: "no such host"}}, actionSend, driver.Unavailable, "region"},
		{io.ErrUnexpectedEOF, actionSend, driver.Unavailable, ""},
		{context.DeadlineExceeded, actionSend, driver.Unavailable, ""}, // of the request, not of the caller
		{&aws.EndpointNotFoundError{Err: errors.New("none")}, actionSend, driver.InvalidArgument, "region"},
		{&smithy.InvalidParamsError{}, actionSend, driver.InvalidArgument, ""},
		{fmt.Errorf("get identity: %w", &credentialsError{err: errors.New("no role")}), actionSend, driver.PermissionDenied, "credentials"},
		{&credentialsError{err: context.DeadlineExceeded}, actionSend, driver.PermissionDenied, "credentials"},
		{&credentialsError{err: errors.New("log in again"), renewal: true}, actionSend, driver.PermissionDenied, "credentials"},
		{&credentialsError{err: status(400), renewal: true}, actionSend, driver.PermissionDenied, "credentials"},
		{&credentialsError{err: status(503), renewal: true}, actionSend, driver.Unavailable, "renewed"},
		{&credentialsError{err: answered(400, "Throttling"), renewal: true}, actionReceive, driver.Unavailable, "renewed"},
		{&credentialsError{err: answered(400, "IDPCommunicationError")}, actionReceive, driver.Unavailable, "renewed"},
		{&credentialsError{err: answered(400, "ExpiredTokenException"), renewal: true}, actionReceive, driver.PermissionDenied, "credentials"},
		{&expiredError{answered(403, "ExpiredToken")}, actionSend, driver.Unavailable, "clock"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%T %.40v", tt.err, tt.err), func(t *testing.T) {
			wrapped := &smithy.OperationError{ServiceID: "SQS", OperationName: "X", Err: tt.err}
			got := classify(t.Context(), `sqs: x "orders"`, tt.action, wrapped)
			if got.Code != tt.want {
				t.Errorf("code %v; want %v", got.Code, tt.want)
			}
			if !errors.Is(got, tt.err) {
				t.Errorf("%v does not wrap the SDK's error", got)
			}
			if !strings.Contains(got.Error(), tt.says) || !strings.HasPrefix(got.Error(), `sqs: x "orders": `) {
				t.Errorf("%q; want the operation and %q", got, tt.says)
			}
		})
	}
}

func TestClassifyTellsWhenToRetry(t *testing.T) {
	for header, want := range map[string]time.Duration{"7": 7 * time.Second, "": 0, "-1": 0, "soon": 0, "999999": time.Hour} {
		if got := classify(t.Context(), "op", actionSend, status(503, "Retry-After", header)).RetryAfter; got != want {
			t.Errorf("Retry-After %q: %v; want %v", header, got, want)
		}
	}
}

func TestClassifyPutsTheContextFirst(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if got := classify(cancelled, "op", actionSend, status(503)); got.Code != driver.Canceled {
		t.Errorf("code %v; want canceled", got.Code)
	}
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	if got := classify(late, "op", actionSend, status(503)); got.Code != driver.DeadlineExceeded {
		t.Errorf("code %v; want deadline exceeded", got.Code)
	}
}

// Entries of a batch have codes only, and of two spellings.
func TestEntryErrors(t *testing.T) {
	tests := []struct {
		code, message string
		sender        bool
		action        string
		want          driver.Code
	}{
		{"ReceiptHandleIsInvalid", "", true, actionDelete, driver.LeaseLost},
		{"MessageNotInflight", "", true, actionChange, driver.LeaseLost},
		{"AWS.SimpleQueueService.MessageNotInflight", "", true, actionChange, driver.LeaseLost},
		{"InvalidParameterValue", "The receipt handle has expired", true, actionDelete, driver.LeaseLost},
		{"InvalidParameterValue", "", true, actionSend, driver.InvalidArgument},
		{"InternalError", "", false, actionSend, driver.Unavailable},
		{"RequestThrottled", "", false, actionSend, driver.Throttled},
		{"KmsThrottled", "", true, actionSend, driver.Throttled},
		{"AccessDenied", "", true, actionSend, driver.PermissionDenied},
		{"NeverHeardOf", "", true, actionSend, driver.InvalidArgument},
		{"NeverHeardOf", "", false, actionSend, driver.Unavailable},
	}
	for _, tt := range tests {
		got := entryError("op", tt.action, &types.BatchResultErrorEntry{Code: &tt.code, Message: &tt.message, SenderFault: tt.sender})
		if got.Code != tt.want {
			t.Errorf("%s %q, sender %v, %s: code %v; want %v", tt.code, tt.message, tt.sender, tt.action, got.Code, tt.want)
		}
		if !strings.Contains(got.Error(), tt.code) {
			t.Errorf("%q does not say %s", got, tt.code)
		}
	}
}
