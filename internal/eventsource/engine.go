package eventsource

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/lambdaentry"
)

// Engine is the function of package lambdaentry behind a Mapping, in one process that
// has several invocations at a time. It runs the worker layer of the suite on a queue of
// Amazon SQS.
func Engine() *conformance.Engine {
	return &conformance.Engine{Name: "lambda", Run: run, AcksGone: true, CannotKeep: true}
}

func run(ctx context.Context, j conformance.Job) error {
	queues, err := j.Queues()
	if err != nil {
		return err
	}
	if j.Options.Hold != 0 {
		queues.All()[0].Hold = j.Options.Hold
	}
	o := &j.Options
	h, err := lambdaentry.New(j.Mux(), queues, &lambdaentry.Options{
		Concurrency: o.Concurrency, Logger: slog.New(slog.DiscardHandler), OnSettled: o.OnSettled, OnError: o.OnError, OnDead: o.OnDead,
	})
	if err != nil {
		return err
	}
	if err := h.Check(ctx); err != nil {
		return err
	}
	var name driver.Name
	j.Queue.As(&name)
	o.OnStart()
	mapping := Mapping{Queue: j.Queue, Name: string(name), Function: h.Invoke, BatchSize: min(10, o.Concurrency), Messages: o.Concurrency}
	polling, stop := context.WithCancel(ctx)
	defer stop()
	var poller sync.WaitGroup
	var polled error
	ended := make(chan struct{})
	poller.Go(func() {
		defer close(ended)
		polled = mapping.Run(polling)
	})
	select {
	case <-ctx.Done():
	case <-ended:
	}
	stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Grace)
	defer cancel()
	closed := h.Close(grace)
	poller.Wait()
	return errors.Join(polled, closed)
}
