package runtimetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// Drain runs a worker until no task is left on its queues, which are all of the
// kit's unless opts name some: each is done or dead, those that handlers enqueue
// meanwhile too. It waits for delays and backoffs; in
// a testing/synctest bubble they pass at once.
//
// Nil options run one handler at a time, so that the order is the same each time,
// and log nothing. The hooks of opts are called too.
//
// It fails the test when the worker is refused or ends, and after
// [Options].MaxDeliveries. It waits for as long as somebody else holds a lease.
func (k *Kit) Drain(tb testing.TB, mux *runtime.Mux, opts *runtime.WorkerOptions) {
	tb.Helper()
	var o runtime.WorkerOptions
	if opts != nil {
		o = *opts
	} else {
		o.Concurrency = 1
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Grace == 0 {
		o.Grace = time.Hour // longer polls
	}
	watch := &drainWatch{kit: k, queues: k.named(o.Queues), left: k.maxDeliveries, over: make(chan error, 1), then: o.OnSettled}
	o.OnSettled = watch.settled
	worker, err := runtime.NewWorker(k.queues, mux, &o)
	if err != nil {
		tb.Fatalf("runtimetest: drain: %v", err)
	}
	if left, err := k.left(watch.queues); err != nil || left == 0 {
		if err != nil {
			tb.Fatalf("runtimetest: drain: %v", err)
		}
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1) // by Run
	go func() { ended <- worker.Run(ctx) }()
	select {
	case err = <-watch.over:
		cancel()
		if run := <-ended; err == nil {
			err = run
		}
	case err = <-ended:
	}
	if err != nil {
		tb.Fatalf("runtimetest: drain: %v", err)
	}
}

// drainWatch says when a drain is over.
type drainWatch struct {
	kit    *Kit
	queues []*runtime.QueueInfo
	over   chan error // capacity 1, never closed
	then   func(runtime.Settled)

	mu   sync.Mutex
	left int // guarded by mu; deliveries
}

func (w *drainWatch) settled(s runtime.Settled) {
	w.kit.Record(s)
	if w.then != nil {
		w.then(s)
	}
	left, err := w.kit.left(w.queues)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left--; w.left == 0 && left > 0 && err == nil {
		err = w.kit.endless(left)
	}
	if left == 0 || err != nil {
		select {
		case w.over <- err:
		default: // said already
		}
	}
}

// left is how many tasks are on these queues and not dead.
func (k *Kit) left(queues []*runtime.QueueInfo) (int64, error) {
	var n int64
	for _, q := range queues {
		s, err := q.Driver.Stats(context.Background())
		if err != nil {
			return 0, err
		}
		n += s.Ready + s.Leased + s.Delayed
	}
	return n, nil
}

// endless is the error of too many deliveries.
func (k *Kit) endless(left int64) error {
	attempts := k.Attempts()
	last := make([]string, 0, 3)
	for _, a := range attempts[max(0, len(attempts)-cap(last)):] {
		last = append(last, "\n  "+a.String())
	}
	text := fmt.Sprintf("%s left after %d deliveries; raise Options.MaxDeliveries unless they have no end", tasks(int(left)), k.maxDeliveries)
	if len(last) > 0 {
		text += "; the last:" + strings.Join(last, "")
	}
	return errors.New(text)
}
