package driver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

func TestCodes(t *testing.T) {
	tests := []struct {
		code      driver.Code
		name      string
		retryable bool
		unsure    bool
	}{
		{driver.Unknown, "unknown", true, true},
		{driver.NotFound, "not found", false, false},
		{driver.InvalidArgument, "invalid argument", false, false},
		{driver.PermissionDenied, "permission denied", false, false},
		{driver.Throttled, "throttled", true, false},
		{driver.Unavailable, "unavailable", true, true},
		{driver.LeaseLost, "lease lost", false, false},
		{driver.TooLarge, "too large", false, false},
		{driver.Unsupported, "unsupported", false, false},
		{driver.Closed, "closed", false, false},
		{driver.Canceled, "canceled", false, true},
		{driver.DeadlineExceeded, "deadline exceeded", true, true},
		{driver.DeadlineExceeded + 1, "code 12", false, false},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if int(tt.code) != i {
				t.Errorf("code is %d, want %d: codes must all stand in this table", tt.code, i)
			}
			if got := tt.code.String(); got != tt.name {
				t.Errorf("String() = %q, want %q", got, tt.name)
			}
			err := fmt.Errorf("wrapped: %w", driver.Errorf(tt.code, "mem: send", "no"))
			if got := driver.CodeOf(err); got != tt.code {
				t.Errorf("CodeOf = %v, want %v", got, tt.code)
			}
			if !driver.Is(err, tt.code) || driver.Is(err, tt.code+1) {
				t.Errorf("Is does not tell code %v from %v", tt.code, tt.code+1)
			}
			if got := driver.Retryable(err); got != tt.retryable {
				t.Errorf("Retryable = %v, want %v", got, tt.retryable)
			}
			if got := driver.OutcomeUnknown(err); got != tt.unsure {
				t.Errorf("OutcomeUnknown = %v, want %v", got, tt.unsure)
			}
		})
	}
}

func TestCodeOfForeignErrors(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want driver.Code
	}{
		{"context cancelled", fmt.Errorf("poll: %w", context.Canceled), driver.Canceled},
		{"context deadline", fmt.Errorf("poll: %w", context.DeadlineExceeded), driver.DeadlineExceeded},
		{"not classified", io.ErrUnexpectedEOF, driver.Unknown},
		{"the outer of two", &driver.Error{Code: driver.LeaseLost, Err: driver.Errorf(driver.Throttled, "", "slow")}, driver.LeaseLost},
		{"the code, not the context below it", &driver.Error{Code: driver.Unavailable, Err: context.Canceled}, driver.Unavailable},
		{"joined", errors.Join(io.EOF, driver.Errorf(driver.Closed, "", "gone")), driver.Closed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := driver.CodeOf(tt.err); got != tt.want {
				t.Errorf("CodeOf(%v) = %v, want %v", tt.err, got, tt.want)
			}
		})
	}
}

func TestNilErrorHasNoCode(t *testing.T) {
	if driver.Is(nil, driver.Unknown) {
		t.Error("Is(nil, Unknown) = true, want false")
	}
	if driver.Retryable(nil) {
		t.Error("Retryable(nil) = true, want false")
	}
	if driver.OutcomeUnknown(nil) {
		t.Error("OutcomeUnknown(nil) = true, want false")
	}
}

func TestErrorText(t *testing.T) {
	tests := []struct {
		err  *driver.Error
		want string
	}{
		{&driver.Error{Code: driver.Closed}, "closed"},
		{&driver.Error{Code: driver.Closed, Op: `mem: send "orders"`}, `mem: send "orders": closed`},
		{driver.Errorf(driver.TooLarge, "mem: send", "%d bytes exceed %d", 9, 8), "mem: send: 9 bytes exceed 8"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("Error() = %q, want %q", got, tt.want)
		}
	}
	if err := driver.Errorf(driver.Unknown, "mem: send", "read: %w", io.EOF); !errors.Is(err, io.EOF) {
		t.Errorf("%v does not wrap what it was made from", err)
	}
}

func TestContextError(t *testing.T) {
	draining := errors.New("the worker is draining")
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(draining)
	passed, stop := context.WithDeadlineCause(t.Context(), time.Unix(0, 0), draining)
	defer stop()
	tests := []struct {
		name string
		ctx  context.Context
		want driver.Code
	}{
		{"cancelled", cancelled, driver.Canceled},
		{"deadline passed", passed, driver.DeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := driver.ContextError(tt.ctx, "mem: receive")
			if err.Code != tt.want || err.Op != "mem: receive" || !errors.Is(err, draining) {
				t.Errorf("got %v (%v), want code %v, the operation and the cause", err, err.Code, tt.want)
			}
		})
	}
}
