package servicebus_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/servicebus"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
	"github.com/longshore-dev/longshore/runtime"
)

type job struct{}

func (job) Kind() string { return "job" }

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// worker runs a worker on the queue until the function that it returns is called,
// which waits for its end and gives its error.
func (e *env) worker(o runtime.WorkerOptions, handler func(ctx context.Context, t *runtime.Task[job]) error) (stop func() error) {
	e.Helper()
	queues := new(runtime.Queues)
	e.must(queues.Add(runtime.QueueInfo{Name: "orders", Driver: e.queue}))
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, handler)
	w, err := runtime.NewWorker(queues, mux, &o)
	e.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // one result, never closed
	go func() { ended <- w.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// enqueue enqueues n tasks.
func (e *env) enqueue(n int, opts ...runtime.EnqueueOption) {
	e.Helper()
	queues := new(runtime.Queues)
	e.must(queues.Add(runtime.QueueInfo{Name: "orders", Driver: e.queue}))
	client, err := runtime.NewClient(queues, nil)
	e.must(err)
	for _, r := range runtime.EnqueueMany(e.Context(), client, make([]job, n), opts...) {
		e.must(r.Err)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A worker that works takes a delivery, a disposition and no renewal for each message,
// and makes no links.
func TestRequestsAMessage(t *testing.T) {
	for name, arrivals := range map[string]func(e *env){
		"backlog": func(e *env) { e.enqueue(1000) },
		"stream": func(e *env) {
			for range 1000 {
				e.enqueue(1)
				time.Sleep(7 * time.Millisecond) // never in the moment in which a receive ends
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			on(t, servicebus.Options{}, func(e *env) {
				var done atomic.Int64
				stop := e.worker(runtime.WorkerOptions{Concurrency: 50}, func(ctx context.Context, _ *runtime.Task[job]) error {
					err := pause(ctx, 20*time.Millisecond)
					done.Add(1)
					return err
				})
				e.enqueue(500)
				time.Sleep(5 * time.Second)
				before, was := e.server.Traffic(), done.Load()
				arrivals(e)
				time.Sleep(time.Minute)
				after, n := e.server.Traffic(), float64(done.Load()-was)
				if err := stop(); err != nil {
					e.Fatal(err)
				}
				deliveries := float64(after.Deliveries - before.Deliveries)
				dispositions := 0
				for outcome, count := range after.Dispositions {
					if outcome != "released" { // those are the client library's own
						dispositions += count - before.Dispositions[outcome]
					}
				}
				e.Logf("%.0f messages: %.3f deliveries and %.3f dispositions each, %d released by the library, %d links, %d sessions, %d renewals",
					n, deliveries/n, float64(dispositions)/n, after.Dispositions["released"]-before.Dispositions["released"],
					after.Links-before.Links, after.Sessions-before.Sessions, after.Requests["renew-lock"]-before.Requests["renew-lock"])
				if n != 1000 || deliveries > 1.05*n || float64(dispositions) > 1.05*n {
					e.Errorf("%.0f messages took %.0f deliveries and %d dispositions; want at most 1.05 each for 1000", n, deliveries, dispositions)
				}
				if after.Links != before.Links || after.Connections != before.Connections || after.Requests["renew-lock"] != before.Requests["renew-lock"] {
					e.Errorf("there are new links, connections or renewals: before %+v, after %+v", before, after)
				}
			})
		})
	}
}

// A worker renews the locks of handlers that run for longer than a third of them, and
// of no others.
func TestAHandlerOfTwentyMinutesKeepsItsMessage(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		on(t, servicebus.Options{Sessions: sessions}, func(e *env) {
			e.enqueue(1)
			var runs, done atomic.Int32
			stop := e.worker(runtime.WorkerOptions{}, func(ctx context.Context, _ *runtime.Task[job]) error {
				runs.Add(1)
				err := pause(ctx, 20*time.Minute)
				if err == nil {
					done.Add(1)
				}
				return err
			})
			time.Sleep(21 * time.Minute)
			e.must(stop())
			if runs.Load() != 1 || done.Load() != 1 {
				e.Errorf("sessions %v: it ran %d times and ended %d times; want once", sessions, runs.Load(), done.Load())
			}
			e.counts(sbfake.Counts{})
		})
	}
}

// Many leases are kept for ten holds, on one link.
func TestManyLeasesForManyHolds(t *testing.T) {
	const n = 1000
	on(t, servicebus.Options{}, func(e *env) {
		e.send(numbers(n)...)
		var leases []driver.Lease
		for len(leases) < n {
			leases = append(leases, e.receive(e.queue, 100, time.Minute)...)
		}
		for range 30 {
			time.Sleep(conformanceHold / 3)
			for i, r := range e.queue.Extend(e.Context(), leases, 0) {
				if r.Err != nil {
					e.Fatalf("lease %d: %v", i, r.Err)
				}
			}
		}
		e.counts(sbfake.Counts{Active: n, Locked: n})
		batch := make([]driver.Settlement, n)
		for i := range batch {
			batch[i] = driver.Settlement{Lease: leases[i], Verdict: driver.Ack}
		}
		for _, err := range e.queue.Settle(e.Context(), batch) {
			e.must(err)
		}
		e.counts(sbfake.Counts{})
	})
}

// A drain leaves nothing leased.
func TestADrainStrandsNothing(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		for round := range 10 {
			on(t, servicebus.Options{Sessions: sessions}, func(e *env) {
				stop := e.worker(runtime.WorkerOptions{Concurrency: 10, Grace: 30 * time.Second}, func(ctx context.Context, _ *runtime.Task[job]) error {
					return pause(ctx, time.Second)
				})
				e.enqueue(30)
				time.Sleep(time.Duration(round)*377*time.Millisecond + time.Millisecond)
				e.must(stop())
				time.Sleep(2 * time.Second)
				if c := e.server.Counts("orders"); c.Locked != 0 {
					e.Errorf("sessions %v, round %d: %d messages stay leased", sessions, round, c.Locked)
				}
			})
		}
	}
}

// Whatever requests fail, before or after their effect, and however workers come and
// go: each task is done or dead in the end.
func TestNothingIsLostWhateverFails(t *testing.T) {
	for seed := range uint64(2) {
		on(t, servicebus.Options{Sessions: seed%2 == 1}, func(e *env) {
			const n = 200
			for i := range 10 {
				var opts []runtime.EnqueueOption
				if seed%2 == 1 && i > 0 {
					opts = append(opts, runtime.Group(strconv.Itoa(i)))
				}
				e.enqueue(n/10, opts...)
			}
			kept, mu := make(map[string]bool), sync.Mutex{} // guarded by mu
			random := rand.New(rand.NewPCG(seed, 1))        // guarded by mu
			chance := func(n int) int {
				mu.Lock()
				defer mu.Unlock()
				return random.IntN(n)
			}
			handler := func(ctx context.Context, t *runtime.Task[job]) error {
				if err := pause(ctx, time.Duration(chance(60))*time.Second); err != nil {
					return err
				}
				if chance(3) == 0 {
					return errors.New("bad luck")
				}
				mu.Lock()
				defer mu.Unlock()
				kept[string(t.ID)] = true
				return nil
			}
			quiet := runtime.WorkerOptions{Concurrency: 20, Logger: slog.New(slog.DiscardHandler)}
			ctx, cancel := context.WithCancel(e.Context())
			var breaking sync.WaitGroup
			var mend []func()
			breaking.Go(func() {
				for ctx.Err() == nil {
					mend = append(mend, e.server.Fault(someFault(chance)))
					if chance(20) == 0 {
						e.server.Cut()
					}
					time.Sleep(time.Duration(chance(5000)) * time.Millisecond)
				}
			})
			for range 6 {
				stop := e.worker(quiet, handler)
				time.Sleep(time.Duration(2+chance(8)) * time.Minute)
				_ = stop() // it may not have come to its start
			}
			cancel()
			breaking.Wait()
			for _, f := range mend {
				f()
			}
			stop := e.worker(quiet, handler)
			time.Sleep(time.Hour)
			e.must(stop())
			for {
				got := e.receive(e.queue.DeadLetter(), 100, time.Second)
				if len(got) == 0 {
					break
				}
				for _, l := range got {
					id, _, _ := strings.Cut(strings.SplitN(string(l.Message().Body), `"id":"`, 2)[1], `"`)
					kept[id] = true
					e.ack(e.queue.DeadLetter(), l)
				}
			}
			e.counts(sbfake.Counts{})
			if len(kept) != n {
				e.Errorf("seed %d: %d of %d tasks are done or dead", seed, len(kept), n)
			}
			e.end()
		})
	}
}

// end closes queue and client, and waits until the client's goroutines have noticed.
// Where requests at the same time find that there is no link, the client library makes
// one for each and forgets all but one, with what renews its token: that ends at its
// next turn.
func (e *env) end() {
	e.Helper()
	var client *azservicebus.Client
	if !e.queue.As(&client) {
		e.Fatal("there is no client")
	}
	if s := driver.SystemOf(e.queue); s != "servicebus" {
		e.Errorf("system %q", s)
	}
	e.close(e.queue)
	e.must(client.Close(e.Context()))
	time.Sleep(time.Hour)
}

// someFault is a fault of a few requests.
func someFault(chance func(n int) int) sbfake.Fault {
	ops := [...]string{
		sbfake.OpSend, sbfake.OpDeliver, sbfake.OpSettle, sbfake.OpAdmin, "renew-lock", "schedule-message",
		"cancel-scheduled-message", "update-disposition", "renew-session-lock", sbfake.OpToken, sbfake.OpAttach, "",
	}
	conditions := [...]string{"com.microsoft:server-busy", "com.microsoft:timeout", "amqp:internal-error", "com.microsoft:operation-cancelled"}
	op := chance(len(ops))
	f := sbfake.Fault{Op: ops[op], Count: 1 + chance(3), AfterEffect: chance(2) == 0}
	kinds := 5
	if op >= 9 {
		// The client library waits for the answer to these with a mutex held, so that
		// virtual time would stand still.
		kinds = 2
	}
	switch chance(kinds) {
	case 0:
		f.Cut = true
	case 1:
		f.Condition = conditions[chance(len(conditions))]
	case 2:
		f.Detach = true // which to a request is no answer
	case 3:
		f.Silent = true
	case 4:
		f.Delay = time.Duration(1+chance(20)) * time.Second
	}
	return f
}
