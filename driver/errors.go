package driver

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Code says what kind of failure an error is.
type Code uint8

const (
	Unknown          Code = iota // not classified; retried
	NotFound                     // the queue, dead letter or message does not exist
	InvalidArgument              // the caller's value is wrong; the error names value and limit
	PermissionDenied             // the credentials do not allow it
	Throttled                    // too many requests; see Error.RetryAfter
	Unavailable                  // the broker could not be reached or failed; the outcome is unknown
	LeaseLost                    // the lease has expired, was superseded or was settled
	TooLarge                     // the message is over the broker's limit
	Unsupported                  // the broker cannot do this; see Capabilities
	Closed                       // the queue was closed
	Canceled                     // the context was cancelled; the outcome is unknown
	DeadlineExceeded             // the context's deadline passed; the outcome is unknown
)

var codeNames = [...]string{
	Unknown:          "unknown",
	NotFound:         "not found",
	InvalidArgument:  "invalid argument",
	PermissionDenied: "permission denied",
	Throttled:        "throttled",
	Unavailable:      "unavailable",
	LeaseLost:        "lease lost",
	TooLarge:         "too large",
	Unsupported:      "unsupported",
	Closed:           "closed",
	Canceled:         "canceled",
	DeadlineExceeded: "deadline exceeded",
}

// String is the code in words.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// Error is what every method of a driver returns.
type Error struct {
	Code Code
	// Op names driver, verb and queue: `mem: send "orders"`.
	Op string
	// RetryAfter is how long the broker asked to wait; 0 when it did not say.
	RetryAfter time.Duration
	// Err says what happened, and what to do; it may wrap the client library's
	// own error. It never contains a payload or a secret.
	Err error
}

// Error is Op, then what happened.
func (e *Error) Error() string {
	what := e.Code.String()
	if e.Err != nil {
		what = e.Err.Error()
	}
	if e.Op == "" {
		return what
	}
	return e.Op + ": " + what
}

// Unwrap gives the client library's error.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with a message; %w wraps as in fmt.Errorf.
func Errorf(code Code, op, format string, args ...any) *Error {
	return &Error{Code: code, Op: op, Err: fmt.Errorf(format, args...)}
}

// CodeOf is the code of err: that of the outermost *Error in its chain, else
// Canceled or DeadlineExceeded for the context's errors, else Unknown. It
// must not be called with nil.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded
	}
	return Unknown
}

// Is reports whether err is an error with this code; false for nil.
func Is(err error, code Code) bool { return err != nil && CodeOf(err) == code }

// Retryable reports whether the same call may succeed later: after Throttled,
// Unavailable, DeadlineExceeded and errors nobody has classified. It is false
// for nil, for refusals, and for Canceled, which was the caller's own wish.
func Retryable(err error) bool {
	if err == nil {
		return false
	}
	switch CodeOf(err) {
	case Throttled, Unavailable, DeadlineExceeded, Unknown:
		return true
	}
	return false
}

// OutcomeUnknown reports whether the call that failed with err may have taken effect:
// after Unavailable, Canceled, DeadlineExceeded and errors nobody has classified. It is
// false for nil.
func OutcomeUnknown(err error) bool {
	if err == nil {
		return false
	}
	switch CodeOf(err) {
	case Unavailable, Canceled, DeadlineExceeded, Unknown:
		return true
	}
	return false
}

// ContextError makes an Error from the end of ctx. It must be called only when
// ctx has ended.
func ContextError(ctx context.Context, op string) *Error {
	code := Canceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		code = DeadlineExceeded
	}
	return &Error{Code: code, Op: op, Err: context.Cause(ctx)}
}
