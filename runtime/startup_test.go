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

// away is a queue that cannot be read before a time.
type away struct {
	driver.Queue
	until time.Time
	code  driver.Code
}

func (a away) Policy(ctx context.Context) (driver.Policy, error) {
	if time.Now().Before(a.until) {
		return driver.Policy{}, driver.Errorf(a.code, "test", "connection refused")
	}
	return a.Queue.Policy(ctx)
}

func TestAnEndpointThatIsDownAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := time.Now().Add(5 * time.Minute)
		b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue { return away{q, until, driver.Unavailable} })
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		b.enqueue("a")
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		b.stats(1, 0, 0)
		if n := strings.Count(b.log.String(), "connection refused"); n < 10 || n > 60 {
			t.Errorf("it was reported %d times in 4 minutes", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		b.stats(0, 0, 0)
		if err := stop(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func TestAStartThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := time.Now().Add(time.Hour)
		b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue { return away{q, until, driver.Unavailable} })
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Minute)
		began := time.Now()
		if err := stop(); err != nil || time.Since(began) > 0 {
			t.Errorf("run: %v after %v", err, time.Since(began))
		}
	})
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
