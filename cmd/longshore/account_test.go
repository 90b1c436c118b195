package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

func newTestAccount(t *testing.T) (a *account, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "failed.jsonl")
	f, err := newFailedFile(path, noFallback(t))
	if err != nil {
		t.Fatal(err)
	}
	return newAccount(f), path
}

var errBoom = errors.New("boom")

// What the runtime reports at the end of a delivery.
func delivery(a *account, number, attempt int, action runtime.Action, v driver.Verdict, reason string, err, settleErr error) *runtime.Settled {
	return &runtime.Settled{Err: settleErr, Decision: runtime.Decision{
		Action: action, Err: err, Settlement: driver.Settlement{Verdict: v, Reason: reason},
		Task: &runtime.Info{ID: a.id(number), Attempt: attempt, MaxAttempts: 5},
	}}
}

func TestAccount(t *testing.T) {
	lost := driver.Errorf(driver.LeaseLost, "", "gone")
	type step struct {
		attempt int
		action  runtime.Action
		verdict driver.Verdict
		err     error
		settle  error
	}
	success := step{1, runtime.Settle, driver.Ack, nil, nil}
	tests := []struct {
		name   string
		steps  []step
		want   counts
		reason string
	}{
		{"success", []step{success}, counts{Sent: 1, Succeeded: 1, Attempts: 1}, ""},
		{"the ack was not taken", []step{{1, runtime.Settle, driver.Ack, nil, lost}}, counts{Sent: 1, Succeeded: 1, Attempts: 1}, ""},
		{"again after that", []step{{1, runtime.Settle, driver.Ack, nil, lost}, {2, runtime.Settle, driver.Ack, nil, nil}},
			counts{Sent: 1, Succeeded: 1, Attempts: 2, Duplicates: 1}, ""},
		{"failed again after that", []step{{1, runtime.Settle, driver.Ack, nil, lost}, {2, runtime.Settle, driver.Bury, errBoom, nil}},
			counts{Sent: 1, Succeeded: 1, Attempts: 2, Duplicates: 1}, ""},
		{"buried", []step{{1, runtime.Settle, driver.Bury, errBoom, nil}}, counts{Sent: 1, Dead: 1, Attempts: 1}, "permanent"},
		{"retried", []step{{1, runtime.Settle, driver.Release, errBoom, nil}, success}, counts{Sent: 1, Succeeded: 1, Attempts: 2, Retries: 1}, ""},
		{"retried by a copy", []step{{1, runtime.CopyThenAck, driver.Ack, errBoom, nil}, success}, counts{Sent: 1, Succeeded: 1, Attempts: 2, Retries: 1}, ""},
		{"not buried, then buried", []step{{1, runtime.Settle, driver.Bury, errBoom, lost}, {2, runtime.Settle, driver.Bury, errBoom, nil}},
			counts{Sent: 1, Dead: 1, Attempts: 2, Retries: 1}, "permanent"},
		{"never started", nil, counts{Sent: 1, Unfinished: 1}, reasonNotStarted},
		{"cut short by the drain", []step{{1, runtime.Settle, driver.Release, runtime.ErrDraining, nil}}, counts{Sent: 1, Unfinished: 1, Attempts: 1}, reasonInterrupted},
		{"waiting for another attempt", []step{{1, runtime.Settle, driver.Release, errBoom, nil}}, counts{Sent: 1, Unfinished: 1, Attempts: 1, Retries: 1}, reasonRetrying},
		{"lease lost", []step{{1, runtime.Nothing, 0, errBoom, runtime.ErrLeaseLost}}, counts{Sent: 1, Unfinished: 1, Attempts: 1, Retries: 1}, reasonRetrying},
		{"lease lost, but done", []step{{1, runtime.Settle, driver.Ack, nil, runtime.ErrLeaseLost}}, counts{Sent: 1, Succeeded: 1, Attempts: 1}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, path := newTestAccount(t)
			a.send(9, []byte("payload"))
			attempts := 0
			for _, s := range tt.steps {
				d := delivery(a, 9, s.attempt, s.action, s.verdict, "permanent", s.err, s.settle)
				a.begin(d.Decision.Task)
				attempts = s.attempt
				a.settle(d)
			}

			got := a.close(nil)

			if got != tt.want {
				t.Errorf("counts %+v, want %+v", got, tt.want)
			}
			if err := got.check(); err != nil {
				t.Error(err)
			}
			if tt.reason == "" {
				if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
					t.Error("there is a failed file although nothing failed")
				}
				return
			}
			f := readFailures(t, path)
			if len(f) != 1 || f[0].Line != 9 || f[0].ID != a.id(9) || f[0].Payload != "payload" || f[0].Reason != tt.reason || f[0].Attempts != attempts {
				t.Errorf("the failed file holds %+v", f)
			}
			if open := a.bytes + len(a.open); tt.want.Unfinished == 0 && open != 0 {
				t.Errorf("%d bytes and lines are still open", open)
			}
		})
	}
}

func TestAccountIgnoresOthers(t *testing.T) {
	a, _ := newTestAccount(t)
	a.send(1, []byte("x"))
	for _, id := range []runtime.TaskID{"", "1", "other-1", a.id(2), runtime.TaskID(a.prefix), runtime.TaskID(a.prefix + "x")} {
		d := delivery(a, 1, 1, runtime.Settle, driver.Ack, "", nil, nil)
		d.Decision.Task.ID = id
		if _, tell := a.settle(d); tell {
			t.Errorf("id %q is told of", id)
		}
	}
	a.settle(&runtime.Settled{Decision: runtime.Decision{Action: runtime.Settle, Settlement: driver.Settlement{Verdict: driver.Release}}})

	if got, want := a.close(nil), (counts{Sent: 1, Unfinished: 1}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

func TestAccountOfWhatWasNotSent(t *testing.T) {
	a, path := newTestAccount(t)
	a.send(1, []byte("refused by the queue"))
	a.refuse(&line{number: 1, data: []byte("refused by the queue"), size: 20}, errBoom)
	a.refuse(&line{number: 2, data: []byte("begin"), size: 5000}, errBoom)
	a.send(3, []byte("no answer"))
	a.notSent(3, errBoom)
	a.send(4, []byte("no answer, but it was there"))
	a.notSent(4, errBoom)
	taken := delivery(a, 4, 1, runtime.Settle, driver.Ack, "", nil, nil)
	a.begin(taken.Decision.Task)
	a.settle(taken)
	if !a.waitSettled(t.Context()) {
		t.Fatal("a line is still open")
	}

	got := a.close(&driver.Stats{})

	if want := (counts{Sent: 4, Succeeded: 1, Dead: 2, Unfinished: 1, Attempts: 1}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	want := []failure{
		{Line: 1, Payload: "refused by the queue", Reason: "refused", Error: "boom"},
		{Line: 2, Payload: "begin", Truncated: true, Reason: "refused", Error: "boom"},
		{Line: 3, ID: a.id(3), Payload: "no answer", Reason: "not-enqueued", Error: "boom"},
	}
	if got := readFailures(t, path); !reflect.DeepEqual(got, want) {
		t.Errorf("the failed file holds %+v, want %+v", got, want)
	}
}

func TestAccountFindsWhatIsLost(t *testing.T) {
	a, path := newTestAccount(t)
	for n := 1; n <= 5; n++ {
		a.send(n, []byte("x"))
	}
	buried := delivery(a, 5, 1, runtime.Settle, driver.Bury, "permanent", errBoom, nil)
	a.settle(buried)

	got := a.close(&driver.Stats{Ready: 1, Delayed: 1, Leased: 1, Dead: 1}) // 4 are open

	if want := (counts{Sent: 5, Dead: 1, Unfinished: 3, Lost: 1}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
	if got.check() == nil {
		t.Error("a lost line passes the check")
	}
	if f := readFailures(t, path); len(f) != 5 {
		t.Errorf("%d lines are in the failed file, want all 5", len(f))
	}
}

func TestAccountAfterItsEnd(t *testing.T) {
	a, _ := newTestAccount(t)
	a.send(1, []byte("x"))
	before := a.close(nil)
	late := delivery(a, 1, 1, runtime.Settle, driver.Bury, "permanent", errBoom, nil)

	a.begin(late.Decision.Task)
	_, tell := a.settle(late)

	if after := a.snapshot(); after != before || tell {
		t.Errorf("counts went from %+v to %+v", before, after)
	}
}

func TestAccountMakesTheInputWait(t *testing.T) {
	tests := []struct {
		name         string
		lines, bytes int // that are open
		more         int
		room         bool
	}{
		{"empty", 0, 0, maxAheadBytes + 1, true},
		{"one", 1, 1, 1, true},
		{"all but one line", maxAhead - 1, 1, 1, true},
		{"all lines", maxAhead, 1, 1, false},
		{"all bytes", 1, maxAheadBytes, 1, false},
		{"just the bytes", 1, maxAheadBytes - 1, 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(nil)
				for n := range tt.lines {
					size := 0
					if n == 0 {
						size = tt.bytes
					}
					a.send(n, make([]byte, size))
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan bool, 1)
				go func() { done <- a.waitRoom(ctx, tt.more) }()
				synctest.Wait()
				if got := len(done) == 1; got != tt.room {
					t.Fatalf("there is room: %v, want %v", got, tt.room)
				}
				if !tt.room {
					a.settle(delivery(a, 0, 1, runtime.Settle, driver.Ack, "", nil, nil))
					synctest.Wait()
					if len(done) != 1 {
						t.Error("a settled line makes no room")
					}
				}
			})
		})
	}
}

func TestBits(t *testing.T) {
	var b bits
	for _, n := range []int{0, 63, 64, 1000} {
		if b.has(n) {
			t.Errorf("%d is in it too early", n)
		}
		b.set(n)
		if !b.has(n) || b.has(n+1) {
			t.Errorf("after %d: %v, and %d: %v", n, b.has(n), n+1, b.has(n+1))
		}
	}
}
