package pubsub_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/runtime"
)

// Whatever requests fail, before or after their effect, and however workers come and
// go: each task is done or dead in the end.
func TestNothingIsLostWhateverFails(t *testing.T) {
	for seed := range uint64(4) {
		o := pubsub.Options{Ordered: seed%2 == 1, ExactlyOnce: seed >= 2}
		on(t, &pubsubfake.Options{Linger: seed == 0}, o, func(e *env) {
			const n = 200
			for i := range 10 {
				var opts []runtime.EnqueueOption
				if o.Ordered && i > 0 {
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
				select {
				case <-time.After(time.Duration(chance(60)) * time.Second):
				case <-ctx.Done():
					return context.Cause(ctx)
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
			var mended []func()
			breaking.Go(func() {
				for ctx.Err() == nil {
					mended = append(mended, e.server.Fault(someFault(chance)))
					e.sleep(time.Duration(chance(5000)) * time.Millisecond)
				}
			})
			for range 10 {
				stop := e.mayStart(e.queue, quiet, handler)
				e.sleep(time.Duration(2+chance(8)) * time.Minute)
				stop()
			}
			cancel()
			breaking.Wait()
			for _, mend := range mended {
				mend()
			}
			stop := e.worker(e.queue, quiet, handler)
			e.sleep(time.Hour)
			stop()
			e.none("all done or dead", e.queue)
			for _, l := range e.all(e.queue.DeadLetter()) {
				id, _, _ := strings.Cut(strings.SplitN(string(l.Message().Body), `"id":"`, 2)[1], `"`)
				kept[id] = true
			}
			if len(kept) != n {
				e.Errorf("seed %d: %d of %d tasks are done or dead", seed, len(kept), n)
			}
		})
	}
}

// someFault is a fault of a few requests.
func someFault(chance func(n int) int) pubsubfake.Fault {
	ops := [...]string{"Pull", "Publish", "Acknowledge", "ModifyAckDeadline", "GetSubscription", ""}
	refusals := [...]codes.Code{codes.Unavailable, codes.Internal, codes.ResourceExhausted, codes.Aborted, codes.DeadlineExceeded}
	f := pubsubfake.Fault{Op: ops[chance(len(ops))], Count: 1 + chance(3), AfterEffect: chance(2) == 0}
	switch chance(5) {
	case 0:
		f.Cut = true
	case 1:
		f.Delay = time.Duration(1+chance(20)) * time.Second
	case 2:
		f.Transient = true
	default:
		f.Code = refusals[chance(len(refusals))]
	}
	return f
}

// mayStart is worker for one whose start may fail.
func (e *env) mayStart(q driver.Queue, o runtime.WorkerOptions, handler func(ctx context.Context, t *runtime.Task[job]) error) (stop func()) {
	w := e.newWorker(q, o, handler)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// all leases what is there.
func (e *env) all(s driver.Source) []driver.Lease {
	e.Helper()
	var all []driver.Lease
	for {
		got, err := s.Receive(e.Context(), driver.ReceiveOptions{Max: 100, Wait: time.Second})
		e.must(err)
		if len(got) == 0 {
			return all
		}
		all = append(all, got...)
	}
}
