package runtime_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// A task whose reserved attributes are not ours to read runs as if it had none,
// and can be copied, buried and redriven like any other.
func TestReservedAttributesThatDoNotDecodeDoNoHarm(t *testing.T) {
	long := strings.Repeat("x", driver.MaxReserved)
	for name, attributes := range map[string]map[string]string{
		"a carry that is garbage":         {driver.AttributeCarry: "\x00nonsense"},
		"a carry that is too long":        {driver.AttributeCarry: `{"v":1,"err":"` + long + `"}`},
		"a carry of a later version":      {driver.AttributeCarry: `{"v":99}`},
		"a carry of negative attempts":    {driver.AttributeCarry: `{"v":1,"attempts":-5}`},
		"a carry due after all time":      {driver.AttributeCarry: `{"v":1,"notBefore":9223372036854775807}`},
		"a death that is garbage":         {driver.AttributeDeath: "nonsense"},
		"a death that is too long":        {driver.AttributeDeath: `{"v":1,"reason":"x","detail":"` + long + `"}`},
		"a death of a later version":      {driver.AttributeDeath: `{"v":99,"reason":"x"}`},
		"a death after all time":          {driver.AttributeDeath: `{"v":1,"reason":"x","at":9223372036854775807}`},
		"a death in eight thousand years": {driver.AttributeDeath: `{"v":1,"reason":"x","at":253302400799999}`},
		"both are garbage":                {driver.AttributeCarry: "1", driver.AttributeDeath: "2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := ""
				stranger := faulty(faultqueue.Rule{Op: faultqueue.Receive, Match: alive, Fault: faultqueue.Lie(nil, views(func(v *faultqueue.View) {
					if first == "" {
						first = v.Message.ID
					}
					if v.Message.ID == first { // what is sent in its place comes as it was sent
						driver.UnpackAttributes(&v.Message, maps.Clone(attributes))
					}
				}))})
				b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 2, Backoff: runtime.Fixed(time.Hour), NoJitter: true},
					func(q driver.Queue) driver.Queue { return stranger(brief(q)) })
				r := newRuns()
				b.handle(func(_ context.Context, task *runtime.Task[job]) error {
					n := r.add()
					if want := 1 + (n-1)%2; task.Attempt != want {
						t.Errorf("run %d is attempt %d; want %d", n, task.Attempt, want)
					}
					if n < 3 {
						return errBoom
					}
					return nil
				})
				b.runFor(2 * time.Hour)
				if d := b.dead().Death; d == nil || d.Reason != driver.ReasonExhausted || d.Attempts != 2 {
					t.Fatalf("death %+v; log:\n%s", d, b.log)
				}
				if at := r.all(); len(at) != 2 || at[1] != time.Hour {
					t.Errorf("ran at %v; want at 0 and after an hour; log:\n%s", at, b.log)
				}
				time.Sleep(time.Minute)
				if report, err := runtime.Redrive(t.Context(), b.queues, "jobs", nil); err != nil || report.Moved != 1 {
					t.Errorf("redrive: %+v, %v", report, err)
				}
				stop := b.start(runtime.WorkerOptions{})
				time.Sleep(time.Minute)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if n := len(r.all()); n != 3 {
					t.Errorf("ran %d times, want 3", n)
				}
				b.stats(0, 0, 0)
			})
		})
	}
}

// A copy goes without the attributes of another producer that Send refuses, and
// with the others.
func TestACopyKeepsOfForeignAttributesWhatCanBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := make(map[string]string) // of the run that followed the snooze
		stranger := faulty(faultqueue.Rule{Op: faultqueue.Receive, Match: alive, Fault: faultqueue.Lie(nil, views(func(v *faultqueue.View) {
			if v.Message.Carry.IsZero() {
				v.Message.Attributes = map[string]string{"odd name/": "x", "empty": "", "googclient_schemaencoding": "JSON", "shop": "5"}
			}
		}))})
		b := newBench(t, nil, runtime.RetryPolicy{MaxAttempts: 1}, stranger)
		r := newRuns()
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			if r.add() == 1 {
				return runtime.Snooze(30 * time.Minute)
			}
			maps.Copy(seen, task.Attributes)
			return nil
		})
		b.runFor(time.Hour)
		if at := r.all(); len(at) != 2 || at[1] < 30*time.Minute-2*time.Second {
			t.Errorf("ran at %v; want twice, half an hour apart\n%s", at, b.log)
		}
		if want := map[string]string{"shop": "5"}; !maps.Equal(seen, want) {
			t.Errorf("the copy has %v; want %v", seen, want)
		}
	})
}
