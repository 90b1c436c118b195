package runtime

import (
	"context"
	"errors"

	"github.com/longshore-dev/longshore/driver"
)

// maxErrorText is the most bytes of an error in a span.
const maxErrorText = 800

// errorType is an error as a value of error.type, of which there are few.
func errorType(err error) string {
	if panicOf(err) != nil {
		return "panic"
	}
	if _, ok := errors.AsType[*undecodableError](err); ok {
		return "undecodable"
	}
	switch {
	case errors.Is(err, ErrTimeout):
		return "timeout"
	case errors.Is(err, errGoexit):
		return "goexit"
	}
	if _, ok := errors.AsType[*permanentError](err); ok {
		return "permanent"
	}
	if e, ok := errors.AsType[*driver.Error](err); ok && e.Code != driver.Unknown {
		return codeName(e.Code)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return codeName(driver.DeadlineExceeded)
	case errors.Is(err, context.Canceled):
		return codeName(driver.Canceled)
	}
	return "_OTHER"
}

// errorText is what a span says of an error. What a decoder says may repeat a part of
// the payload.
func errorText(err error) string {
	if _, ok := errors.AsType[*undecodableError](err); ok {
		return "the payload does not decode"
	}
	return driver.CutText(err.Error(), maxErrorText)
}

func panicOf(err error) *PanicError {
	p, _ := errors.AsType[*PanicError](err)
	return p
}
