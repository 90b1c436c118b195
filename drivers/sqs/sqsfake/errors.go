package sqsfake

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an error as Amazon SQS answers it.
type apiError struct {
	code    string // that of the AWS query protocol, which SDKs show
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func failf(code, format string, args ...any) *apiError {
	return &apiError{code: code, message: fmt.Sprintf(format, args...)}
}

// The codes of the AWS query protocol. Those that Fault takes are exported, in
// fault.go.
const (
	codeBatchIDsNotDistinct  = "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
	codeBatchTooLong         = "AWS.SimpleQueueService.BatchRequestTooLong"
	codeEmptyBatch           = "AWS.SimpleQueueService.EmptyBatchRequest"
	codeInvalidAddress       = "InvalidAddress"
	codeInvalidAttributeName = "InvalidAttributeName"
	codeInvalidAttribute     = "InvalidAttributeValue"
	codeInvalidBatchID       = "AWS.SimpleQueueService.InvalidBatchEntryId"
	codeInvalidContents      = "InvalidMessageContents"
	codeInvalidParameter     = "InvalidParameterValue"
	codeInvalidSignature     = "InvalidSignatureException"
	codeMalformed            = "SerializationException"
	codeMissingParameter     = "MissingParameter"
	codeNoQueue              = "AWS.SimpleQueueService.NonExistentQueue"
	codeNotFound             = "ResourceNotFoundException"
	codeNotInflight          = "AWS.SimpleQueueService.MessageNotInflight"
	codeOverLimit            = "OverLimit"
	codePurgeInProgress      = "AWS.SimpleQueueService.PurgeQueueInProgress"
	codeQueueDeleted         = "AWS.SimpleQueueService.QueueDeletedRecently"
	codeQueueExists          = "QueueAlreadyExists"
	codeReceiptHandle        = "ReceiptHandleIsInvalid"
	codeTooLarge             = "RequestEntityTooLarge"
	codeTooManyEntries       = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
	codeUnknownOperation     = "UnknownOperationException"
	codeUnsupported          = "AWS.SimpleQueueService.UnsupportedOperation"
)

// shape is how an error travels in AWS JSON 1.0. Where a code has none, the type
// is "com.amazonaws.sqs#" and the last part of the code, with status 400.
type shape struct {
	typ    string
	status int
}

// shapes: types and statuses of the errors in the service's API model (types and
// traits in aws-sdk-go-v2/service/sqs/schemas), and of those common to all
// services (Amazon SQS API Reference, "Common Errors").
var shapes = map[string]shape{
	codeNoQueue:          {"com.amazonaws.sqs#QueueDoesNotExist", http.StatusBadRequest},
	codeQueueExists:      {"com.amazonaws.sqs#QueueNameExists", http.StatusBadRequest},
	codeInvalidAddress:   {"com.amazonaws.sqs#InvalidAddress", http.StatusNotFound},
	codeNotFound:         {"com.amazonaws.sqs#ResourceNotFoundException", http.StatusNotFound},
	codeReceiptHandle:    {"com.amazonaws.sqs#ReceiptHandleIsInvalid", http.StatusNotFound},
	codeOverLimit:        {"com.amazonaws.sqs#OverLimit", http.StatusForbidden},
	codePurgeInProgress:  {"com.amazonaws.sqs#PurgeQueueInProgress", http.StatusForbidden},
	codeInvalidParameter: {"com.amazon.coral.service#InvalidParameterValueException", http.StatusBadRequest},
	codeMissingParameter: {"com.amazon.coral.service#MissingRequiredParameterException", http.StatusBadRequest},
	codeMalformed:        {"com.amazon.coral.service#SerializationException", http.StatusBadRequest},
	codeUnknownOperation: {"com.amazon.coral.service#UnknownOperationException", http.StatusNotFound},
	codeInvalidSignature: {"com.amazon.coral.service#InvalidSignatureException", http.StatusForbidden},
	codeTooLarge:         {"com.amazon.coral.service#RequestEntityTooLargeException", http.StatusRequestEntityTooLarge},
	Throttled:            {"com.amazonaws.sqs#RequestThrottled", http.StatusForbidden},
	ThrottlingException:  {"com.amazon.coral.availability#ThrottlingException", http.StatusBadRequest},
	AccessDenied:         {"com.amazon.coral.service#AccessDeniedException", http.StatusForbidden},
	ExpiredToken:         {"com.amazon.coral.service#ExpiredTokenException", http.StatusForbidden},
	InvalidClientTokenID: {"com.amazon.coral.service#UnrecognizedClientException", http.StatusForbidden},
	InternalError:        {"com.amazon.coral.service#InternalFailure", http.StatusInternalServerError},
	ServiceUnavailable:   {"com.amazon.coral.service#ServiceUnavailableException", http.StatusServiceUnavailable},
	KMSAccessDenied:      {"com.amazonaws.sqs#KmsAccessDenied", http.StatusBadRequest},
}

func shapeOf(code string) shape {
	if sh, ok := shapes[code]; ok {
		return sh
	}
	return shape{"com.amazonaws.sqs#" + code[strings.LastIndexByte(code, '.')+1:], http.StatusBadRequest}
}

var errNoQueue = &apiError{codeNoQueue, "The specified queue does not exist."}

func missing(parameter string) *apiError {
	return failf(codeMissingParameter, "The request must contain the parameter %s.", parameter)
}

func invalid(value any, parameter, reason string) *apiError {
	return failf(codeInvalidParameter, "Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}
