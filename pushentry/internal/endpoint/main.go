// Command endpoint is a service whose tasks do what their note says. The storm of kills
// runs it. Its queue is that of LONGSHORE_QUEUE, and each run is a line in the file of
// LONGSHORE_JOURNAL.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/pushentry"
	"github.com/longshore-dev/longshore/runtime"
)

// Work does what it says after a pause.
type Work struct {
	Do    string        `json:"do"`
	Pause time.Duration `json:"pause"`
}

// Kind is the task's kind.
func (Work) Kind() string { return "work" }

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	journal, err := os.OpenFile(os.Getenv("LONGSHORE_JOURNAL"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	queues, err := runtime.Open(ctx, os.Getenv("LONGSHORE_QUEUE"))
	if err != nil {
		return err
	}
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[Work]) error {
		timer := time.NewTimer(t.Args.Pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if t.Args.Do == "bury" {
			return runtime.Permanent(errors.New("it is hopeless"))
		}
		// One call, so that lines of several processes do not mix.
		_, err := fmt.Fprintf(journal, "ended %s %d %d\n", t.ID, t.Attempt, time.Now().UnixNano())
		return err
	}, runtime.Retry(runtime.RetryPolicy{MaxDeliveries: 90}))
	return pushentry.Run(ctx, mux, queues, &pushentry.Options{Unauthenticated: true})
}
