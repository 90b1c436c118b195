package runtime_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

func TestARunWhoseContextHasEndedWorksOnNothing(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, nil)
	b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
	b.enqueue("a")
	w, err := runtime.NewWorker(b.queues, b.mux, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Run(ctx); err != nil {
		t.Errorf("run: %v", err)
	}
	b.stats(1, 0, 0)
}

// reading lies about the queue's configuration.
type reading struct {
	driver.Queue
	policy driver.Policy
	err    error
}

func (r reading) Policy(context.Context) (driver.Policy, error) { return r.policy, r.err }

func TestWhatCannotBeReadCanBeDeclared(t *testing.T) {
	known := driver.Policy{Hold: time.Minute, MaxAttempts: 15, DeadLetterTarget: "dead", DeadLetterReadable: true}
	partly := known
	partly.MaxAttempts, partly.Hold = 0, 0
	slow := known
	slow.RetryDelay = 10 * time.Second
	denied := driver.Errorf(driver.PermissionDenied, "test", "no")
	for name, c := range map[string]struct {
		read     driver.Policy
		err      error
		declared *driver.Policy
		want     string
	}{
		"all is read":                  {read: known},
		"some is not":                  {read: partly, want: "attempt limit is unknown"},
		"some is not, and declared":    {read: partly, declared: &driver.Policy{Hold: time.Minute, MaxAttempts: 15}},
		"some is declared too low":     {read: partly, declared: &driver.Policy{Hold: time.Minute, MaxAttempts: 14}, want: "limit 14 is below 15"},
		"what is read counts":          {read: known, declared: &driver.Policy{MaxAttempts: 1}},
		"nothing is read":              {err: denied, want: "cannot be read"},
		"nothing is read, but known":   {err: denied, declared: &known},
		"a delay that nobody reads":    {err: denied, declared: &slow, want: "the broker adds 10s"},
		"a delay that is not there":    {read: known, declared: &slow},
		"it is gone, whatever is said": {err: driver.Errorf(driver.NotFound, "test", "gone"), declared: &known, want: "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, err := mem.New("jobs", nil)
				if err != nil {
					t.Fatal(err)
				}
				defer q.Close(t.Context())
				var queues runtime.Queues
				if err := queues.Add(runtime.QueueInfo{Name: "jobs", Driver: reading{q, c.read, c.err}, Declared: c.declared}); err != nil {
					t.Fatal(err)
				}
				mux := runtime.NewMux(nil)
				runtime.Handle(mux, func(context.Context, *runtime.Task[job]) error { return nil })
				w, err := runtime.NewWorker(&queues, mux, nil)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err = w.Run(ctx)
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("run: %v, want %q", err, c.want)
				}
			})
		})
	}
}

func TestADriverWithoutBatchesIsRefused(t *testing.T) {
	q, err := mem.New("jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close(t.Context())
	var queues runtime.Queues
	err = queues.Add(runtime.QueueInfo{Name: "jobs", Driver: limited{q, func(c *driver.Capabilities) { c.MaxSendBatch = 0 }}})
	if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), "batches of 0") {
		t.Errorf("add: %v", err)
	}
}

// down is a queue whose configuration cannot be read for some time.
type down struct {
	driver.Queue
	until time.Time
	code  driver.Code
}

func (d down) Policy(ctx context.Context) (driver.Policy, error) {
	if time.Now().Before(d.until) {
		return driver.Policy{}, driver.Errorf(d.code, "test", "not now")
	}
	return d.Queue.Policy(ctx)
}

func TestAWorkerMayStartBeforeItsBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
			return down{q, time.Now().Add(time.Hour), driver.Unavailable}
		})
		r := newRuns()
		b.handle(func(context.Context, *runtime.Task[job]) error { r.add(); return nil })
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Hour + 10*time.Second)
		if at := r.all(); len(at) != 1 || at[0] < time.Hour {
			t.Errorf("ran at %v, want once, within seconds of 1h; log:\n%s", at, b.log)
		}
		if !strings.Contains(b.log.String(), "not now") {
			t.Errorf("the log does not say why it waits:\n%s", b.log)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAWorkerThatWaitsForItsBrokerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
			return down{q, time.Now().Add(time.Hour), driver.Unavailable}
		})
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Minute)
		start := time.Now()
		if err := stop(); err != nil || time.Since(start) > 0 {
			t.Errorf("stopped after %v with %v, want at once without an error", time.Since(start), err)
		}
	})
}

func TestAWorkerDoesNotWaitForWhatLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
			return down{q, time.Now().Add(time.Hour), driver.NotFound}
		})
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		start := time.Now()
		w, err := runtime.NewWorker(b.queues, b.mux, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Run(t.Context()); !driver.Is(err, driver.NotFound) || time.Since(start) > 0 {
			t.Errorf("after %v: %v, want NotFound at once", time.Since(start), err)
		}
	})
}

// shared is a queue of which others get copies.
type shared struct{ driver.Queue }

func (q shared) Policy(ctx context.Context) (driver.Policy, error) {
	p, err := q.Queue.Policy(ctx)
	p.AlsoSentTo = "the archive"
	return p, err
}

func TestAWorkerSaysWhoElseGetsItsTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue { return shared{q} })
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		stop := b.start(runtime.WorkerOptions{})
		synctest.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if log := b.log.String(); strings.Count(log, "the archive") != 1 || !strings.Contains(log, "others get a copy") {
			t.Errorf("the log does not say once who:\n%s", log)
		}
	})
}
