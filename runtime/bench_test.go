package runtime_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

type payload struct {
	Text string `json:"text"`
}

func (payload) Kind() string { return "bench" }

// BenchmarkTask is one task from a typed Enqueue through its handler to its ack,
// with 100 workers and a payload of 64 bytes.
func BenchmarkTask(b *testing.B) {
	q, err := mem.New("bench", nil)
	if err != nil {
		b.Fatal(err)
	}
	var qs runtime.Queues
	if err := qs.Add(runtime.QueueInfo{Name: "bench", Driver: q}); err != nil {
		b.Fatal(err)
	}
	defer qs.Close(b.Context())
	client, err := runtime.NewClient(&qs, nil)
	if err != nil {
		b.Fatal(err)
	}
	mux := runtime.NewMux(nil)
	total := int64(b.N)
	const window = 256
	ahead := make(chan struct{}, total/window+40)
	for range 40 {
		ahead <- struct{}{}
	}
	var done atomic.Int64
	finished := make(chan struct{})
	runtime.Handle(mux, func(context.Context, *runtime.Task[payload]) error { return nil })
	worker, err := runtime.NewWorker(&qs, mux, &runtime.WorkerOptions{
		Concurrency: 100, Logger: slog.New(slog.DiscardHandler),
		OnSettled: func(runtime.Settled) {
			n := done.Add(1)
			if n%window == 0 {
				ahead <- struct{}{}
			}
			if n == total {
				close(finished)
			}
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := worker.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	args := payload{strings.Repeat("x", 64-len(`{"text":""}`))}
	const producers = 4
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	var sending sync.WaitGroup
	for p := range producers {
		n := b.N / producers
		if p == 0 {
			n += b.N % producers
		}
		sending.Go(func() {
			for i := range n {
				if i%window == 0 {
					<-ahead // not so far ahead that the backlog is what is measured
				}
				if _, err := runtime.Enqueue(b.Context(), client, args); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	sending.Wait()
	<-finished
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "tasks/s")
	b.StopTimer()
	stop()
	running.Wait()
}
