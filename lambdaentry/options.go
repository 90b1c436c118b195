package lambdaentry

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// Options configure a Handler. The zero value of each field is its default.
type Options struct {
	// Concurrency is how many handlers of an invocation run at the same time: 1 to
	// 10,000, default 10.
	Concurrency int
	// Margin is how long before the end of an invocation no further task is started;
	// half of it before the end handlers' contexts end. Above 0 and at most 5 min; by
	// default a fifth of the invocation's time, at least 1 s and at most 10 s. Where
	// it is half of an invocation's time or more, it is a half of that.
	Margin time.Duration
	// Logger gets failures and troubles, never payloads; nil stands for slog.Default.
	Logger *slog.Logger
	// OnSettled is called once for each message that was decided on, before the
	// invocation is answered, or when it is about to time out. It must be quick and safe for concurrent use.
	OnSettled func(runtime.Settled)
	// OnError is called like OnSettled for each attempt that failed, and OnDead for
	// each task that the queue has taken into its dead letter. A panic in any of the
	// three is logged and does no harm.
	OnError, OnDead func(runtime.Settled)
	// OnInvocation is called when the answer of an invocation is known, before it is
	// given.
	OnInvocation func(Invocation)
	// Flush sends telemetry that is still in memory, before each answer: from then on
	// the process may be frozen. It gets at most 2 s, and near the end of an
	// invocation what is left of that; one that does not heed its context is left, and
	// no other begins beside it. Its error is logged.
	Flush func(context.Context) error
}

// Invocation says what became of the messages of one invocation.
type Invocation struct {
	Messages  int // in the event
	Done      int // acknowledged, snoozed ones and those put off by a copy included
	Dead      int // in the dead letter
	Retried   int // named in the answer after a failed attempt
	Unstarted int // named in the answer without an attempt
	Duration  time.Duration
}

func (o *Options) fill() error {
	if o.Concurrency == 0 {
		o.Concurrency = 10
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	switch {
	case o.Concurrency < 1 || o.Concurrency > 10_000:
		return fmt.Errorf("concurrency %d is not within 1 to 10,000", o.Concurrency)
	case o.Margin < 0 || o.Margin > 5*time.Minute:
		return fmt.Errorf("margin %v is not within 0s to 5m; use 0 for a fifth of the invocation's time", o.Margin)
	}
	return nil
}

// margin is how long before the end of an invocation of the given time no further
// task is started.
func (o *Options) margin(whole time.Duration) time.Duration {
	m := o.Margin
	if m == 0 {
		m = min(max(whole/5, time.Second), 10*time.Second)
	}
	return max(0, min(m, whole/2))
}

func invalid(op string, format string, args ...any) error {
	return driver.Errorf(driver.InvalidArgument, op, format, args...)
}
