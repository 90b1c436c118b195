package runtime_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

// generous is a queue that orders by giving a group's messages in order, several
// at once. What it is given it hides from the queue inside.
type generous struct{ driver.Queue }

func (g generous) Capabilities() driver.Capabilities {
	c := g.Queue.Capabilities()
	c.Ordered = true
	return c
}

func (g generous) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	plain := slices.Clone(batch)
	for i := range plain {
		plain[i].Attributes = map[string]string{"group": plain[i].GroupKey}
		plain[i].GroupKey = ""
	}
	return g.Queue.Send(ctx, plain)
}

func (g generous) Receive(ctx context.Context, o driver.ReceiveOptions) ([]driver.Lease, error) {
	leases, err := g.Queue.Receive(ctx, o)
	for i, l := range leases {
		leases[i] = grouped{l}
	}
	return leases, err
}

type grouped struct{ driver.Lease }

func (g grouped) Message() driver.Message {
	m := g.Lease.Message()
	m.GroupKey = m.Attributes["group"]
	return m
}

// Of a group that comes all at once one task runs at a time, in order; when its
// head has to come again so have those behind it. Other groups go on.
func TestAGroupThatComesAtOnceRunsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: 30 * time.Second}, runtime.RetryPolicy{Backoff: runtime.Fixed(0)}, func(q driver.Queue) driver.Queue { return generous{q} })
		running := 0
		var order, others []string
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			if task.Attributes["group"] == "h" {
				others = append(others, task.Args.Name)
				return nil
			}
			if running++; running > 1 {
				t.Errorf("%d of the group run at once", running)
			}
			defer func() { running-- }()
			order = append(order, task.Args.Name)
			time.Sleep(time.Minute)
			if task.Args.Name == "b" && task.Attempt == 1 {
				return errBoom
			}
			if task.Args.Name == "c" {
				return runtime.Permanent(errBoom)
			}
			return nil
		})
		for _, name := range []string{"a", "b", "c", "d"} {
			b.enqueue(name, runtime.Group("g"))
		}
		stop := b.start(runtime.WorkerOptions{Concurrency: 4})
		time.Sleep(time.Second)
		for _, name := range []string{"x", "y"} {
			b.enqueue(name, runtime.Group("h"))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if want := []string{"x", "y"}; !slices.Equal(others, want) {
			t.Errorf("the other group ran %v while the first was busy, want %v", others, want)
		}
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if want := []string{"a", "b", "b", "c", "d"}; !slices.Equal(order, want) {
			t.Errorf("ran %v, want %v", order, want)
		}
		b.stats(0, 0, 1)
	})
}

func TestADrainGivesBackThoseBehindAHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Hold: 30 * time.Second}, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue { return generous{q} })
		b.handle(func(context.Context, *runtime.Task[job]) error {
			time.Sleep(10 * time.Second)
			return nil
		})
		for _, name := range []string{"a", "b", "c"} {
			b.enqueue(name, runtime.Group("g"))
		}
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Second)
		b.stats(0, 3, 0)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		b.stats(2, 0, 0)
	})
}

// remembering keeps the leases that it gives.
type remembering struct {
	driver.Queue
	given chan driver.Lease
}

func (w *remembering) Receive(ctx context.Context, o driver.ReceiveOptions) ([]driver.Lease, error) {
	leases, err := w.Queue.Receive(ctx, o)
	for _, l := range leases {
		w.given <- l
	}
	return leases, err
}

// Of a group whose head is done elsewhere, while its handler still runs here, the
// next one comes and waits. At a drain it is given back at once, and does not wait for
// a handler that may never return.
func TestADrainGivesBackThoseBehindAHeadThatIsLost(t *testing.T) {
	for name, drainAt := range map[string]time.Duration{"before the drain": 15 * time.Second, "during the drain": 5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &remembering{given: make(chan driver.Lease, 10)}
				b := newBench(t, &mem.Options{Hold: 30 * time.Second, Ordered: true}, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
					w.Queue = q
					return w
				})
				b.handle(func(_ context.Context, task *runtime.Task[job]) error {
					if task.Args.Name == "b" {
						t.Error("b has run")
					}
					time.Sleep(time.Minute)
					return nil
				})
				b.enqueue("a", runtime.Group("g"))
				b.enqueue("b", runtime.Group("g"))
				stop := b.start(runtime.WorkerOptions{Grace: 25 * time.Second})
				time.Sleep(time.Second)
				if errs := w.Settle(t.Context(), []driver.Settlement{{Lease: <-w.given, Verdict: driver.Ack}}); errs[0] != nil {
					t.Fatal(errs[0])
				}
				time.Sleep(drainAt - time.Second) // the lease of a is found lost after a third of its hold
				b.stats(0, 1, 0)
				ended := make(chan error)
				go func() { ended <- stop() }()
				time.Sleep(6 * time.Second)
				b.stats(1, 0, 0)
				if err := <-ended; !driver.Is(err, driver.DeadlineExceeded) {
					t.Errorf("the worker ended with %v, want that a handler did not return", err)
				}
				b.stats(1, 0, 0)
				time.Sleep(time.Minute) // the handler returns
			})
		})
	}
}

// Where a queue gives several messages of a group at once, those behind a head
// that fails are delivered with it again and again. That is no attempt of theirs.
func TestFollowersKeepTheirAttemptsBehindAFailingHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &mem.Options{Ordered: true, GroupBatches: true}, runtime.RetryPolicy{MaxAttempts: 3, Backoff: runtime.Fixed(time.Second)}, nil)
		var attempts []string // the group runs one at a time
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			attempts = append(attempts, fmt.Sprint(task.Args.Name, task.Attempt))
			return errBoom
		})
		for _, name := range []string{"a", "b", "c"} {
			b.enqueue(name, runtime.Group("g"))
		}
		stop := b.start(runtime.WorkerOptions{})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if want := []string{"a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3"}; !slices.Equal(attempts, want) {
			t.Errorf("attempts %v, want %v", attempts, want)
		}
		b.stats(0, 0, 3)
	})
}
