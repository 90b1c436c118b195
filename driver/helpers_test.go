package driver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// ordinary are the capabilities of a queue that can do everything, with small
// limits.
func ordinary() driver.Capabilities {
	native := driver.Support{Level: driver.LevelNative}
	return driver.Capabilities{
		MaxSendBatch: 10, MaxReceiveBatch: 10, MaxSettleBatch: 10,
		MaxBody: 100, MaxAttributes: 3, MaxAttributeValue: 20, MinAttempts: 1, MaxAttempts: 1000,
		MinHold: time.Second, MaxHold: time.Hour, MaxTotalHold: 12 * time.Hour, HoldGrain: time.Second,
		MaxSendDelay: 15 * time.Minute, MaxReleaseDelay: 2 * time.Hour, Ordered: true,
		ExactAttempts: native, StaleSettleDetected: native, SendDelay: native, ReleaseDelay: native,
		Fairness: native, Dedup: native, AtomicBury: native, AtomicRedrive: native, Depth: native,
	}
}

// wantRefusal checks code, operation and text of an error.
func wantRefusal(t *testing.T, err error, code driver.Code, op, text string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %v with %q", code, text)
	}
	if got := driver.CodeOf(err); got != code {
		t.Errorf("code %v, want %v: %v", got, code, err)
	}
	if !strings.HasPrefix(err.Error(), op+": ") || !strings.Contains(err.Error(), text) {
		t.Errorf("error %q; want it to begin with %q and to say %q", err, op+": ", text)
	}
}

// wantResult checks an error against a code and text; an empty text stands for
// no error.
func wantResult(t *testing.T, err error, code driver.Code, op, text string) {
	t.Helper()
	if text != "" {
		wantRefusal(t, err, code, op, text)
	} else if err != nil {
		t.Errorf("refused: %v", err)
	}
}

// lease is a driver.Lease of given values.
type lease struct {
	message  driver.Message
	attempt  int
	received time.Time
}

func (l lease) Message() driver.Message { return l.message }
func (l lease) Attempt() int            { return l.attempt }
func (l lease) Received() time.Time     { return l.received }
func (l lease) Expires() time.Time      { return l.received.Add(time.Minute) }
func (l lease) As(any) bool             { return false }

var _ driver.Lease = lease{}
