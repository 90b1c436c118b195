package guide_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/claimcheck"
	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// Charge takes money from a customer.
type Charge struct {
	Customer string `json:"customer"`
	Cents    int    `json:"cents"`
}

func (Charge) Kind() string { return "charge" }

// bank books each charge under a key, as a database does with a unique index.
type bank struct {
	mu     sync.Mutex
	booked map[runtime.TaskID]int
}

// book books a charge unless there is one under its key already.
func (b *bank) book(_ context.Context, key runtime.TaskID, customer string, cents int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, done := b.booked[key]; done {
		return nil
	}
	if b.booked == nil {
		b.booked = make(map[runtime.TaskID]int)
	}
	b.booked[key] = cents
	fmt.Printf("booked %d for %s\n", cents, customer)
	return nil
}

func (b *bank) has(key runtime.TaskID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, done := b.booked[key]
	return done
}

// work enqueues tasks and works on them until each is acknowledged or buried.
func work(queue string, register func(mux *runtime.Mux), opts *runtime.MuxOptions, tasks ...Charge) *runtime.Queues {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	queues, err := runtime.Open(ctx, queue)
	check(err)
	client, err := runtime.NewClient(queues, nil)
	check(err)
	for _, task := range tasks {
		_, err := runtime.Enqueue(ctx, client, task)
		check(err)
	}
	mux := runtime.NewMux(opts)
	register(mux)
	var left atomic.Int64
	left.Store(int64(len(tasks)))
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		Concurrency: 1, Logger: quiet,
		OnSettled: func(s runtime.Settled) {
			if s.Decision.Settlement.Verdict != driver.Release && left.Add(-1) == 0 {
				stop()
			}
		},
	})
	check(err)
	check(worker.Run(ctx))
	return queues
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

var quiet = slog.New(slog.DiscardHandler)

// atOnce retries without a wait.
var atOnce = runtime.Retry(runtime.RetryPolicy{Backoff: runtime.Fixed(0)})

// The first run books and fails after that, so the task runs again, and nothing is
// booked twice.
func Example_idempotent() {
	var payments bank
	charge := func(ctx context.Context, t *runtime.Task[Charge]) error {
		// The task's id is the key: the same in every run of this task.
		return payments.book(ctx, t.ID, t.Args.Customer, t.Args.Cents)
	}
	work("mem://idempotent", func(mux *runtime.Mux) {
		runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[Charge]) error {
			err := charge(ctx, t)
			fmt.Println("attempt", t.Attempt)
			if t.Attempt == 1 {
				return errors.New("the connection broke after the booking")
			}
			return err
		}, atOnce)
	}, &runtime.MuxOptions{Logger: quiet}, Charge{"ann", 990})
	// Output:
	// booked 990 for ann
	// attempt 1
	// attempt 2
}

// onceOnly acknowledges a task that is known to be done without running it.
func onceOnly(done interface {
	has(id runtime.TaskID) bool
}) runtime.Middleware {
	return func(next runtime.HandlerFunc) runtime.HandlerFunc {
		return func(ctx context.Context, t *runtime.Info) error {
			if done.has(t.ID) {
				return runtime.ErrSkip
			}
			return next(ctx, t)
		}
	}
}

// The handler runs once; the second attempt is acknowledged by the middleware.
func Example_middleware() {
	var payments bank
	work("mem://middleware", func(mux *runtime.Mux) {
		runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[Charge]) error {
			fmt.Println("attempt", t.Attempt)
			if err := payments.book(ctx, t.ID, t.Args.Customer, t.Args.Cents); err != nil {
				return err
			}
			return errors.New("the connection broke after the booking")
		}, atOnce)
	}, &runtime.MuxOptions{Logger: quiet, Middleware: []runtime.Middleware{onceOnly(&payments)}}, Charge{"ann", 990})
	// Output:
	// attempt 1
	// booked 990 for ann
}

var (
	errClosed  = errors.New("the account is closed")
	errLimited = errors.New("too many requests")
	errHoliday = errors.New("the bank is closed today")
)

// decide says with what a handler returns what is to become of its task.
func decide(err error) error {
	switch {
	case errors.Is(err, errClosed):
		return runtime.Permanent(err) // buried now: no retry can help
	case errors.Is(err, errLimited):
		return runtime.RetryAfter(30*time.Second, err) // a failed attempt, again in 30 s
	case errors.Is(err, errHoliday):
		return runtime.Snooze(12 * time.Hour) // no failed attempt, again in 12 h
	}
	return err // nil: done; else again after the policy's backoff
}

func Example_decide() {
	for _, err := range []error{errClosed, errLimited, errHoliday, nil} {
		fmt.Println(decide(err))
	}
	// Output:
	// the account is closed
	// too many requests
	// snoozed for 12h0m0s
	// <nil>
}

// listDead shows what is in the dead letter and leaves it there.
func listDead(ctx context.Context, queues *runtime.Queues) error {
	_, err := runtime.Redrive(ctx, queues, "charges", &runtime.RedriveOptions{
		Match: func(d runtime.DeadTask) bool {
			fmt.Println(d.Kind, d.Death.Reason, d.Death.Attempts, d.Death.Detail)
			return false
		},
	})
	return err
}

// redriveFailed sends back what ran out of attempts, at most 50 a second.
func redriveFailed(ctx context.Context, queues *runtime.Queues) error {
	report, err := runtime.Redrive(ctx, queues, "charges", &runtime.RedriveOptions{
		Match: func(d runtime.DeadTask) bool { return d.Death.Reason == driver.ReasonExhausted },
		Rate:  50,
	})
	fmt.Println("moved", report.Moved, "kept", report.Kept)
	return err
}

// In a bubble, as a redrive waits two seconds for more.
func TestRedrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := work("mem://charges", func(mux *runtime.Mux) {
			runtime.Handle(mux, func(_ context.Context, task *runtime.Task[Charge]) error {
				if task.Args.Cents < 0 {
					return runtime.Permanent(errors.New("a negative charge"))
				}
				return errors.New("the bank does not answer")
			}, runtime.Retry(runtime.RetryPolicy{MaxAttempts: 1}))
		}, &runtime.MuxOptions{Logger: quiet}, Charge{"ann", 990}, Charge{"bob", -1})
		defer queues.Close(t.Context())
		stats := func() driver.Stats {
			s, err := queues.All()[0].Driver.Stats(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		if err := listDead(t.Context(), queues); err != nil || stats().Dead != 2 || stats().Ready != 0 {
			t.Fatalf("after the list: %v, %+v", err, stats())
		}
		if err := redriveFailed(t.Context(), queues); err != nil || stats().Dead != 1 || stats().Ready != 1 {
			t.Fatalf("after the redrive: %v, %+v", err, stats())
		}
	})
}

// workFromFile enqueues a task and works on all queues of a configuration file.
func workFromFile(ctx context.Context, path string, mux *runtime.Mux) error {
	config, err := runtime.OpenConfig(ctx, path)
	if err != nil {
		return err
	}
	defer config.Queues.Close(context.WithoutCancel(ctx))
	client, err := runtime.NewClient(config.Queues, config.ClientOptions()) // routes
	if err != nil {
		return err
	}
	if _, err := runtime.Enqueue(ctx, client, Charge{"ann", 990}); err != nil {
		return err
	}
	options := config.WorkerOptions() // concurrency and strict
	options.Grace = 10 * time.Second
	worker, err := runtime.NewWorker(config.Queues, mux, options)
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}

// Report is a task that may be large.
type Report struct {
	Text string `json:"text"`
}

func (Report) Kind() string { return "report" }

// workWithPayloads enqueues a report and works on all queues of a configuration file,
// which names a store for large payloads.
func workWithPayloads(ctx context.Context, path string, report Report, show func(Report)) error {
	config, err := runtime.OpenConfig(ctx, path)
	if err != nil {
		return err
	}
	defer config.Queues.Close(context.WithoutCancel(ctx))
	store, err := claimcheck.FromConfig(ctx, config) // sets config.Payloads
	if err != nil {
		return err
	}
	defer store.Close()
	client, err := runtime.NewClient(config.Queues, config.ClientOptions())
	if err != nil {
		return err
	}
	if _, err := runtime.Enqueue(ctx, client, report); err != nil {
		return err
	}
	mux := runtime.NewMux(&runtime.MuxOptions{Payloads: config.Payloads})
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[Report]) error {
		show(t.Args)
		return nil
	})
	worker, err := runtime.NewWorker(config.Queues, mux, config.WorkerOptions())
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}
