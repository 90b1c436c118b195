package main

import (
	"context"
	"errors"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/sqs" // opens sqs://
	"github.com/longshore-dev/longshore/runtime"
)

// slots are how many handlers run at the same time.
const slots = 64

// connections are as many as a client keeps open for any number of pollers here.
const connections = 128

var longshore = contender{
	name: "longshore", parallel: []int{slots},
	does: "lease with a deadline and extension, envelope and JSON, retry policy, ack after the handler, dead letter",
	open: func(ctx context.Context, parallel int, done func(error)) (func() error, error) {
		return openLongshore(ctx, parallel, nil, done)
	},
}

// watched is ours with telemetry.
var watched = contender{
	name: "longshore with telemetry", parallel: []int{slots},
	does: "the same, with metrics, and 1 % of traces sampled",
	open: func(ctx context.Context, parallel int, done func(error)) (func() error, error) {
		telemetry, shutdown, err := load.NewTelemetry()
		if err != nil {
			return nil, err
		}
		end, err := openLongshore(ctx, parallel, telemetry, done)
		if err != nil {
			return nil, err
		}
		return func() error { return errors.Join(end(), shutdown(context.WithoutCancel(ctx))) }, nil
	},
}

func openLongshore(ctx context.Context, parallel int, telemetry *runtime.Telemetry, done func(error)) (func() error, error) {
	q, err := driver.Default.Open(ctx, "sqs://"+load.QueueName+"?region="+region)
	if err != nil {
		return nil, err
	}
	w, err := load.StartWith(ctx, q, runtime.WorkerOptions{
		Concurrency: parallel, OnSettled: func(s runtime.Settled) { done(load.Acked(s)) },
	}, load.Equipment{Telemetry: telemetry}, func(_ context.Context, t *runtime.Task[load.Task]) error { return t.Args.Do() }, done)
	if err != nil {
		return nil, err
	}
	return w.End, nil
}
