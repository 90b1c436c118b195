package lambdaentry_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/lambdaentry"
	"github.com/longshore-dev/longshore/runtime"
)

// isVerdict matches settles that have one of v.
func isVerdict(v driver.Verdict) func(*faultqueue.Call) bool {
	return func(c *faultqueue.Call) bool {
		return slices.ContainsFunc(c.Batch, func(s driver.Settlement) bool { return s.Verdict == v })
	}
}

// throttled asks to wait for longer than any invocation has.
func throttled() error {
	return &driver.Error{Code: driver.Throttled, Op: "settle", RetryAfter: time.Hour}
}

// What is done stays done where its ack fails: the answer leaves it out, or it would run
// again, and one whose copy is sent would be copied again.
func TestAnAckThatFailsIsMadeUpForByTheAnswer(t *testing.T) {
	for what, do := range map[string][]string{
		"the ack behind a copy": {"snooze"},
		"an early ack":          {"ok", "wait 3s"},
	} {
		t.Run(what, func(t *testing.T) {
			on(t, "orders", does, nil, func(f *function) {
				for _, one := range do {
					f.enqueue(one)
				}
				f.fq.Add(faultqueue.Rule{Op: faultqueue.Settle, Match: isVerdict(driver.Ack), Fault: faultqueue.FailBefore(throttled())})
				if failed := f.invoke(f.event(len(do)), 10*time.Second); len(failed) != 0 {
					t.Errorf("the answer names %q", failed)
				}
			})
		})
	}
}

// Poison whose dead letter is down does not keep handlers from running.
func TestABuryThatFailsHoldsUpNoOther(t *testing.T) {
	ran := 0
	handler := func(ctx context.Context, task *runtime.Task[work]) error {
		ran++
		return does(ctx, task)
	}
	on(t, "orders", handler, &lambdaentry.Options{Concurrency: 1}, func(f *function) {
		for range 3 {
			f.enqueue("bury")
		}
		f.enqueue("ok")
		f.fq.Add(faultqueue.Rule{Op: faultqueue.Settle, Match: isVerdict(driver.Bury),
			Fault: faultqueue.FailBefore(driver.Errorf(driver.Unavailable, "settle", "down"))})
		if failed := f.invoke(f.event(4), 30*time.Second); len(failed) != 3 || ran != 4 {
			t.Errorf("%d tasks ran, the answer names %q; want that all ran", ran, failed)
		}
	})
}

// Settles that are tried again do not keep others waiting: what is done is deleted
// before a time-out runs it again.
func TestASettleThatFailsHoldsUpNoAck(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		f.enqueue("bury")
		f.enqueue("ok")
		f.enqueue("ignore")
		f.fq.Add(faultqueue.Rule{Op: faultqueue.Settle, Match: isVerdict(driver.Bury),
			Fault: faultqueue.FailBefore(driver.Errorf(driver.Unavailable, "settle", "down"))})
		e := f.event(3)
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			if _, err := f.try(e, 20*time.Second); err == nil {
				t.Error("the invocation did not time out")
			}
		}()
		time.Sleep(3 * time.Second)
		if live, _ := f.stats(); live != 2 {
			t.Errorf("%d messages are left after 3 s; want 2, as the one that is done was deleted", live)
		}
		<-answered
		time.Sleep(2 * time.Hour) // the handler ends
	})
}

// A queue whose extends hang holds up neither acks nor the end.
func TestExtendsThatHangHoldUpNothing(t *testing.T) {
	handler := func(ctx context.Context, task *runtime.Task[work]) error {
		if task.Args.Do == "late" {
			time.Sleep(277 * time.Second) // in virtual time; whatever its context says
			return nil
		}
		return does(ctx, task)
	}
	on(t, "orders", handler, &lambdaentry.Options{Concurrency: 100}, func(f *function) {
		f.enqueue("late")
		for range 60 {
			f.enqueue("ignore")
		}
		e := f.event(61)
		f.fq.Add(faultqueue.Rule{Op: faultqueue.Extend, Fault: faultqueue.Hang()})
		if _, err := f.try(e, 280*time.Second); err == nil {
			t.Error("the invocation did not time out")
		}
		if live, _ := f.stats(); live != 60 {
			t.Errorf("%d messages are left; want 60, as the one that ended was deleted", live)
		}
		time.Sleep(2 * time.Hour) // the handlers end
	})
}

// A mapping that is not known yet may be one that deletes what an answer names.
func TestAFailureBeforeTheMappingIsKnown(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		lambdaentry.Looking(f.h)
		f.enqueue("fail")
		f.enqueue("ok")
		if _, err := f.try(f.event(2), 3*time.Second); err == nil || !strings.Contains(err.Error(), "not known") {
			t.Errorf("the invocation answers %v; want an error, as the answer may be taken for the whole batch", err)
		}
		if live, _ := f.stats(); live != 1 {
			t.Errorf("%d messages are left; want the one that failed", live)
		}
	})
}
