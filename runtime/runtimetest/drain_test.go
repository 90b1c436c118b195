package runtimetest_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

// patient retries after an hour, three times.
var patient = runtime.RetryPolicy{MaxAttempts: 4, Backoff: runtime.Fixed(time.Hour), NoJitter: true}

func TestDrainRecordsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{Retry: patient})
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(_ context.Context, task *runtime.Task[mail]) error {
			switch {
			case task.Args.To == "nobody":
				return runtime.Permanent(errBoom)
			case task.Attempt < 3:
				return errBoom
			}
			return nil
		})
		start := time.Now()
		ann := enqueue(t, kit.Client(), mail{"ann"})
		nobody := enqueue(t, kit.Client(), mail{"nobody"}, runtime.Delay(30*time.Minute))

		kit.Drain(t, mux, nil)

		if took := time.Since(start); took < 2*time.Hour || took > 2*time.Hour+time.Minute {
			t.Errorf("draining took %v, want 2h", took)
		}
		want := []runtimetest.Attempt{
			{ID: ann, Attempt: 1, Err: errBoom, Verdict: driver.Release, Delay: time.Hour, Delivered: start},
			{ID: nobody, Attempt: 1, Err: errBoom, Verdict: driver.Bury, Reason: driver.ReasonPermanent, Delivered: start.Add(30 * time.Minute)},
			{ID: ann, Attempt: 2, Err: errBoom, Verdict: driver.Release, Delay: time.Hour, Delivered: start.Add(time.Hour)},
			{ID: ann, Attempt: 3, Verdict: driver.Ack, Delivered: start.Add(2 * time.Hour)},
		}
		got := kit.Attempts()
		if len(got) != len(want) {
			t.Fatalf("%d attempts %v, want %d", len(got), got, len(want))
		}
		for i, a := range got {
			w := want[i]
			if a.ID != w.ID || a.Kind != "mail.send" || a.Queue != "test" || a.Attempt != w.Attempt || !errors.Is(a.Err, w.Err) ||
				a.Verdict != w.Verdict || a.Delay != w.Delay || a.Reason != w.Reason ||
				a.Delivered.Sub(w.Delivered).Abs() > time.Second || a.Ended.Before(a.Delivered) {
				t.Errorf("attempt %d: %v from %v to %v; want %v at %v", i, a, a.Delivered, a.Ended, w, w.Delivered)
			}
		}
		if got := kit.Attempts(ann); len(got) != 3 {
			t.Errorf("attempts at one task: %v, want 3", got)
		}
		dead := kit.Dead(t)
		if len(dead) != 1 || dead[0].ID != nobody || dead[0].Death.Reason != driver.ReasonPermanent {
			t.Errorf("dead %+v, want %s", dead, nobody)
		}
		if again := kit.Dead(t); len(again) != 1 {
			t.Errorf("looked at again, the dead letters are %+v", again)
		}
		runtimetest.RequireEnqueuedMany[mail](t, kit, 2) // no copy among them
	})
}

func TestDrainWorksOffWhatHandlersEnqueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{
			Queues: []string{"a", "b"},
			Client: runtime.ClientOptions{DefaultQueue: "a", Routes: map[string]string{"order.pay": "b"}},
		})
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(ctx context.Context, task *runtime.Task[order]) error {
			_, err := runtime.Enqueue(ctx, kit.Client(), mail{"ann"}, runtime.Delay(20*time.Hour))
			return err
		})
		mails := 0
		runtime.Handle(mux, func(context.Context, *runtime.Task[mail]) error {
			mails++
			return nil
		})
		enqueue(t, kit.Client(), order{1})

		settled := 0
		opts := &runtime.WorkerOptions{Concurrency: 1, OnSettled: func(runtime.Settled) { settled++ }}
		kit.Drain(t, mux, opts)
		kit.Drain(t, mux, opts) // with nothing to do

		if mails != 1 || settled != 2 {
			t.Errorf("%d mails, %d calls of the hook; want 1 and 2", mails, settled)
		}
	})
}

func TestSnoozesAndHopsAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{Client: runtime.ClientOptions{MaxDelay: 100 * time.Hour}})
		mux := runtime.NewMux(nil)
		runs := 0
		runtime.Handle(mux, func(context.Context, *runtime.Task[mail]) error {
			if runs++; runs == 1 {
				return runtime.Snooze(40 * time.Hour)
			}
			return nil
		})
		enqueue(t, kit.Client(), mail{"ann"}, runtime.Delay(72*time.Hour))

		kit.Drain(t, mux, nil)

		got := kit.Attempts()
		if len(got) != 2 || got[0].Verdict != driver.Release || got[0].Delay != 40*time.Hour || got[0].Err != nil ||
			got[1].Verdict != driver.Ack || got[1].Attempt != 1 {
			t.Errorf("attempts %v, want one put off by 40h and one acked, both the first", got)
		}
		runtimetest.RequireEnqueued[mail](t, kit)
	})
}

func TestDrainEndsWhatHasNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{MaxDeliveries: 100})
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(ctx context.Context, task *runtime.Task[order]) error {
			_, err := runtime.Enqueue(ctx, kit.Client(), task.Args)
			return err
		})
		enqueue(t, kit.Client(), order{4711})

		got := failure(t, func(tb testing.TB) { kit.Drain(tb, mux, nil) })

		if want := "runtimetest: drain: 1 task left after 100 deliveries; "; !strings.HasPrefix(got, want) ||
			!strings.Contains(got, "\n  \"order.pay\" attempt 1: ack") {
			t.Errorf("failure %q, want %q and the last attempts", got, want)
		}
	})
}

func TestDrainSaysWhyItCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{Retry: runtime.RetryPolicy{MaxAttempts: 500}})
		enqueue(t, kit.Client(), mail{"ann"})
		if got := failure(t, func(tb testing.TB) { kit.Drain(tb, runtime.NewMux(nil), nil) }); !strings.Contains(got, "no handler is registered") {
			t.Errorf("without handlers: failure %q", got)
		}
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(context.Context, *runtime.Task[mail]) error { return nil })
		if got := failure(t, func(tb testing.TB) { kit.Drain(tb, mux, nil) }); !strings.Contains(got, "runtimetest: drain: ") {
			t.Errorf("with more attempts than the queue allows: failure %q", got)
		}
	})
}

func TestRecordOfAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(context.Context, *runtime.Task[mail]) error { return runtime.Permanent(errBoom) })
		w, err := runtime.NewWorker(kit.Queues(), mux, &runtime.WorkerOptions{OnSettled: kit.Record})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		id := enqueue(t, kit.Client(), mail{"ann"})
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		got := kit.Attempts(id)
		if len(got) != 1 {
			t.Fatalf("attempts %v, want 1", got)
		}
		if text, want := got[0].String(), `"mail.send" attempt 1: bury as permanent: boom`; text != want {
			t.Errorf("attempt %q, want %q", text, want)
		}
	})
}

func TestWhatTheQueueHasNotTakenIsNoAttempt(t *testing.T) {
	kit := runtimetest.New(t, nil)
	d := runtime.Decision{Action: runtime.Settle, Settlement: driver.Settlement{Verdict: driver.Ack}, Task: &runtime.Info{ID: "one"}}

	kit.Record(runtime.Settled{Decision: d, Err: runtime.ErrLeaseLost})
	kit.Record(runtime.Settled{Decision: runtime.Decision{Action: runtime.Settle, Settlement: driver.Settlement{Verdict: driver.Release}}}) // unstarted
	kit.Record(runtime.Settled{Decision: d})

	if got := kit.Attempts(); len(got) != 1 || got[0].ID != "one" {
		t.Errorf("attempts %v, want the last", got)
	}
}

func TestWhatIsNoTaskIsBuried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(context.Context, *runtime.Task[mail]) error { return nil })
		q := kit.Queues().All()[0].Driver
		if err := q.Send(t.Context(), []driver.Message{{Body: []byte("hello")}})[0].Err; err != nil {
			t.Fatal(err)
		}

		kit.Drain(t, mux, nil)

		got := kit.Attempts()
		if len(got) != 1 || got[0].ID != "" || got[0].Reason != driver.ReasonUndecodable {
			t.Errorf("attempts %v, want one without an id", got)
		}
		if dead := kit.Dead(t); len(dead) != 1 || dead[0].ID != "" || dead[0].Death.Reason != driver.ReasonUndecodable {
			t.Errorf("dead %+v", dead)
		}
	})
}

func TestNoDeadLetterNoDead(t *testing.T) {
	kit := runtimetest.New(t, &runtimetest.Options{Mem: mem.Options{NoDeadLetter: true}})
	if dead := kit.Dead(t); len(dead) != 0 {
		t.Errorf("dead %+v", dead)
	}
}

func TestDrainLeavesQueuesThatItIsNotToWorkOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{Queues: []string{"mails", "orders"}, Client: runtime.ClientOptions{DefaultQueue: "mails"}})
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(context.Context, *runtime.Task[mail]) error { return nil })
		enqueue(t, kit.Client(), mail{"ann"})
		enqueue(t, kit.Client(), mail{"bob"}, runtime.ToQueue("orders"))

		// One that waited for the other queue would be recycled, which it says.
		kit.Drain(t, mux, &runtime.WorkerOptions{Queues: []string{"mails"}, MaxAge: time.Hour})

		if got := kit.Attempts(); len(got) != 1 || got[0].Queue != "mails" {
			t.Errorf("attempts %v, want that on the one queue", got)
		}
	})
}

// What Dead answers of a dead letter is what a redrive is asked about.
func TestDeadLettersAreWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(context.Context, *runtime.Task[mail]) error { return runtime.Permanent(errBoom) })
		enqueue(t, kit.Client(), mail{"ann"}, runtime.Attribute("tenant", "blue"))
		binary := driver.Message{Body: []byte(`{"to":"bob"}`), Attributes: map[string]string{
			"ce-specversion": "1.0", "ce-id": "bob", "ce-type": "mail.send", "ce-source": "elsewhere", "content-type": "application/json",
		}}
		if err := kit.Queues().All()[0].Driver.Send(t.Context(), []driver.Message{binary})[0].Err; err != nil {
			t.Fatal(err)
		}

		kit.Drain(t, mux, nil)

		got := kit.Dead(t)
		var want []runtime.DeadTask
		if _, err := runtime.Redrive(t.Context(), kit.Queues(), runtimetest.DefaultQueue, &runtime.RedriveOptions{
			Match: func(d runtime.DeadTask) bool { want = append(want, d); return false },
		}); err != nil {
			t.Fatal(err)
		}
		same := func(a, b runtime.DeadTask) bool {
			return a.ID == b.ID && a.Kind == b.Kind && a.MessageID == b.MessageID && a.EnqueuedAt.Equal(b.EnqueuedAt) &&
				maps.Equal(a.Attributes, b.Attributes) && a.Death == b.Death && a.Message.ID == b.Message.ID && bytes.Equal(a.Message.Body, b.Message.Body)
		}
		if len(got) != 2 || got[1].ID != "bob" || !slices.EqualFunc(got, want, same) {
			t.Errorf("dead %+v, want %+v", got, want)
		}
	})
}
