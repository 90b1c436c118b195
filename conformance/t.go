package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// T is what a check runs with. It records failures, so that the same code judges
// a driver and a mutant. Its methods are safe for concurrent use.
type T struct {
	test   *testing.T
	b      *Backend
	caps   driver.Capabilities // as pinned
	hold   time.Duration       // the queues' own
	grace  time.Duration       // how long a message that is there may take to be received
	ledger ledger

	running sync.WaitGroup // of goroutines that a check started

	mu       sync.Mutex
	failures []string       // guarded by mu
	outcome  Outcome        // guarded by mu
	reason   string         // guarded by mu
	queues   []driver.Queue // guarded by mu
	ends     []func()       // guarded by mu; end goroutines that run until told
}

// Errorf records a broken promise.
func (t *T) Errorf(format string, args ...any) { t.record(fmt.Sprintf(format, args...)) }

// Fatalf records a broken promise and ends the goroutine.
func (t *T) Fatalf(format string, args ...any) {
	t.record(fmt.Sprintf(format, args...))
	runtime.Goexit()
}

// maxFailures is how many are kept of one check.
const maxFailures = 20

func (t *T) record(message string) {
	// The place is that of the check, not that of a helper: those are methods.
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	f, more := frames.Next()
	for more && isHelper(f.Function) {
		f, more = frames.Next()
	}
	place := fmt.Sprintf("%s:%d: ", filepath.Base(f.File), f.Line)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.failures) < maxFailures {
		t.failures = append(t.failures, place+message)
	}
}

// isHelper reports whether a function serves the checks.
func isHelper(function string) bool {
	return strings.Contains(function, ".(*T).") || strings.Contains(function, ".(*bench).") || strings.Contains(function, ".(*running).")
}

// refused says that the capability is not supported and the refusal was checked.
func (t *T) refused() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcome = Refused
}

// absent ends a check that cannot be tried on this backend.
func (t *T) absent(reason string) {
	t.mu.Lock()
	t.outcome, t.reason = Absent, reason
	t.mu.Unlock()
	runtime.Goexit()
}

// takes says how long the check has to wait for something that no Hold makes
// shorter. Where time is real it is absent when that is too long for every run.
func (t *T) takes(d time.Duration) {
	if !t.b.Virtual && d > time.Minute && os.Getenv("CONFORMANCE_LONG") == "" {
		t.absent("it takes minutes; CONFORMANCE_LONG=1 has it run")
	}
}

// run starts a goroutine that ends before the check does.
func (t *T) run(f func()) { t.running.Go(f) }

// atEnd has f called when the check has ended, before its goroutines are waited
// for.
func (t *T) atEnd(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ends = append(t.ends, f)
}

// end takes down what the check has left.
func (t *T) end() {
	t.mu.Lock()
	ends := t.ends
	t.mu.Unlock()
	for _, f := range ends {
		f()
	}
	t.running.Wait()
	t.mu.Lock()
	queues := t.queues
	t.mu.Unlock()
	for _, q := range queues {
		ctx, cancel := t.ctx(0)
		if err := q.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		cancel()
	}
}

// open opens a queue as the backend gives it.
func (t *T) open() driver.Queue { return t.openWith(Options{}) }

// openWith opens a queue with options, or ends the check where the backend
// cannot.
func (t *T) openWith(o Options) driver.Queue {
	switch can := t.b.Can; {
	case o.Hold != 0 && !can.Hold:
		t.absent("the hold of the queue cannot be set here")
	case o.MaxAttempts != 0 && !can.MaxAttempts:
		t.absent("the broker's attempt limit cannot be set here")
	case o.NoDeadLetter && !can.NoDeadLetter:
		t.absent("the queue always has a dead letter here")
	}
	q, err := t.b.Open(t.test, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queues = append(t.queues, q)
	return q
}

// ctx bounds a call that may wait for the given time: even a broken queue lets a
// check end.
func (t *T) ctx(wait time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), wait+10*t.hold+t.b.Margin)
}

// code asserts that err has the code, and is an error as a driver makes it.
func (t *T) code(what string, err error, want driver.Code) {
	if err == nil {
		t.Errorf("%s succeeded; want %v", what, want)
		return
	}
	t.proper(what, err)
	if got := driver.CodeOf(err); got != want {
		t.Errorf("%s: code %v (%v); want %v", what, got, err, want)
	}
}

// proper asserts that err is a *driver.Error that names its operation.
func (t *T) proper(what string, err error) {
	e, ok := errors.AsType[*driver.Error](err)
	if !ok {
		t.Errorf("%s: %T (%v); want a *driver.Error", what, err, err)
		return
	}
	if e.Op == "" {
		t.Errorf("%s: the error names no operation: %v", what, err)
	}
}

// lost asserts the answer to a stale lease: LeaseLost where the broker knows,
// else that or nil.
func (t *T) lost(what string, err error) {
	if err == nil && t.caps.StaleSettleDetected.Level != driver.LevelNative {
		return
	}
	t.code(what, err, driver.LeaseLost)
}

// within asserts that d is from low to high plus what the broker and the machine may
// be late.
func (t *T) within(what string, d, low, high time.Duration) {
	if d < low {
		t.Errorf("%s after %v; want at least %v", what, d, low)
	}
	if most := high + t.b.Margin + t.b.Late; d > most {
		t.Errorf("%s after %v; want at most %v", what, d, most)
	}
}

// early is how much sooner than its true end a lease may say it ends.
func (t *T) early(hold time.Duration) time.Duration {
	return max(time.Second, hold/10) + t.b.Margin
}
