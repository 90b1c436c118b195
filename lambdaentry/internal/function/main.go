// Command function is the bootstrap of a function whose tasks do what their note says.
// The tests and figures of lambdaentry run it. Its queue is that of LONGSHORE_QUEUE, and
// each run is a line in the file of LONGSHORE_JOURNAL.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	_ "github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/lambdaentry"
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
	journal, err := os.OpenFile(os.Getenv("LONGSHORE_JOURNAL"), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	// One call, so that lines of several processes do not mix.
	write := func(what string, t *runtime.Task[Work]) error {
		_, err := fmt.Fprintf(journal, "%s %s %d %d\n", what, t.ID, t.Attempt, time.Now().UnixNano())
		return err
	}
	queues, err := runtime.Open(context.Background(), os.Getenv("LONGSHORE_QUEUE"))
	if err != nil {
		log.Fatal(err)
	}
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[Work]) error {
		if err := write("began", t); err != nil {
			return err
		}
		if t.Args.Do == "hang" {
			select {} // whatever its context says
		}
		timer := time.NewTimer(t.Args.Pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		switch t.Args.Do {
		case "fail":
			return errors.New("it fails")
		case "panic":
			panic("it panics")
		case "bury":
			return runtime.Permanent(errors.New("it is hopeless"))
		case "exit":
			os.Exit(3) //nolint:forbidigo // that is what it is to do
		}
		return write("ended", t)
	}, runtime.Retry(runtime.RetryPolicy{Backoff: runtime.Fixed(time.Second), NoJitter: true, MaxDeliveries: 100}))
	lambdaentry.Start(mux, queues, &lambdaentry.Options{Concurrency: 20})
}
