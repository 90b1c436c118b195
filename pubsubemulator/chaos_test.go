package pubsubemulator_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/chaos"
	"github.com/longshore-dev/longshore/pubsubemulator"
	"github.com/longshore-dev/longshore/runtime"
)

var storm = chaos.Flags()

func TestMain(m *testing.M) {
	open := func(target []string) (driver.Queue, error) { return openQueue(target[0], target[1]) }
	if code, is := chaos.Worker(open); is {
		os.Exit(code)
	}
	flag.Parse()
	os.Exit(pubsubemulator.Main(m))
}

// chaosHold is the shortest that Pub/Sub has.
const chaosHold = 10 * time.Second

// TestChaosKills kills workers, see package chaos. The Pulls of a worker that was
// killed wait on in the emulator and swallow messages, until a third of the grace
// has passed; what they swallow comes back a hold later.
func TestChaosKills(t *testing.T) {
	storm.Run(t, func(ctx context.Context) (chaos.Queue, error) {
		host, url, q, err := newQueue(t, chaosHold)
		return chaos.Queue{
			Driver: q, Target: []string{host, url}, Hold: chaosHold, Quiet: 3 * chaosHold,
			Left: func(ctx context.Context) (string, error) { return left(ctx, q) },
		}, err
	})
}

// left says what comes from a queue within a hold, in which all that is leased and
// not extended comes back, and from its dead letter. It leases it.
func left(ctx context.Context, q driver.Queue) (string, error) {
	live, err := q.Receive(ctx, driver.ReceiveOptions{Max: 1, Wait: chaosHold + time.Second})
	if err != nil {
		return "", err
	}
	dead, err := q.DeadLetter().Receive(ctx, driver.ReceiveOptions{Max: 1, Wait: time.Second})
	if err != nil || len(live)+len(dead) == 0 {
		return "", err
	}
	return fmt.Sprintf("%d live messages or more, %d dead ones or more", len(live), len(dead)), nil
}

// TestChaosRestarts sends a task as a worker ends. It is done then, or free at once
// for the next worker; none waits for a lease to lapse.
func TestChaosRestarts(t *testing.T) {
	if !storm.On() {
		t.Skip("it runs with -chaos")
	}
	const queues, each = 6, 10
	var done, free atomic.Int32
	t.Cleanup(func() {
		t.Logf("%d restarts: %d tasks done before the end, %d free after it, %d stranded",
			queues*each, done.Load(), free.Load(), queues*each-done.Load()-free.Load())
	})
	for n := range queues {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			_, _, q, err := newQueue(t, chaosHold)
			if err != nil {
				t.Fatal(err)
			}
			all := new(runtime.Queues)
			if err := all.Add(runtime.QueueInfo{Name: "jobs", Driver: q}); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = all.Close(context.Background()) }() // it has no more to do
			for i := range each {
				// Half of the tasks come as the worker is told to end, half as its
				// last Pull ends.
				stop := time.Duration(n*each+i) * restartWait / (queues * each)
				send := stop - time.Duration(each-i)*8*time.Millisecond // it takes up to 50 ms to come
				if i%2 == 1 {
					send = restartWait - time.Duration(each-i)*6*time.Millisecond
				}
				ran, err := restart(t.Context(), all, stop, send)
				switch {
				case err != nil:
					t.Fatal(err)
				case ran:
					done.Add(1)
				case takeOne(t, q):
					free.Add(1)
				}
			}
		})
	}
}

// restartWait is for how long a Pull of a worker that is restarted waits; a third of
// its grace.
const restartWait = time.Second

// takeOne takes the message that is free on the queue.
func takeOne(t *testing.T, q driver.Queue) bool {
	t.Helper()
	leases, err := q.Receive(t.Context(), driver.ReceiveOptions{Max: 1, Wait: chaosHold / 4})
	if err != nil || len(leases) != 1 {
		t.Errorf("%d messages are free, %v; want the one that was not done", len(leases), err)
		return false
	}
	if err := q.Settle(t.Context(), []driver.Settlement{{Lease: leases[0], Verdict: driver.Ack}})[0]; err != nil {
		t.Error(err)
	}
	return true
}

type job struct{}

func (job) Kind() string { return "job" }

// restart runs a worker, tells it to end at stop after its start and sends a task at
// send after it. It answers whether the task was done.
func restart(ctx context.Context, queues *runtime.Queues, stop, send time.Duration) (ran bool, err error) {
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var stopping, sending *time.Timer
	var done atomic.Bool
	sent := make(chan error, 1) // one result, never closed
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(context.Context, *runtime.Task[job]) error { done.Store(true); return nil })
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Grace: 3 * restartWait, OnStart: func() {
		stopping = time.AfterFunc(stop, cancel)
		sending = time.AfterFunc(send, func() {
			_, err := runtime.Enqueue(context.WithoutCancel(ctx), client, job{})
			sent <- err
		})
	}})
	if err != nil {
		return false, err
	}
	err = worker.Run(ctx)
	if sending != nil {
		stopping.Stop()
		err = errors.Join(err, <-sent)
	}
	return done.Load(), err
}
