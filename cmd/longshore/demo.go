package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
)

const demoLong = `Show what becomes of tasks when things go wrong, in about ten seconds. It needs
no input, no queue, no configuration and no network: a queue in memory and its
workers run in this process.

Some tasks fail once, some take longer than their lease, some lose the worker
that runs them, and some fail each time until a bug is fixed. Then come the dead
letters, a redrive, and an accounting, which is added up from what the workers
and the queue said, not from what was planned.

With --json standard output has one JSON object and nothing else, and the story
goes to standard error. Its fields are those of longshore run --json, and redriven,
retries, buried, redelivered, outlived_hold and extensions.

Exit codes: 0 it adds up; 1 it does not, it was interrupted, or output could not
be written; 2 a flag is wrong; 130 ended by a second signal.`

func demoCommand(std streams, code *int) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show in ten seconds what becomes of tasks when things go wrong",
		Long:  demoLong,
		Args:  noArgument("demo", "longshore run does tasks of your own"),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, again, stop := watchSignals(c.Context())
			defer stop()
			var err error
			*code, err = demo(ctx, again, asJSON, std)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the accounting as JSON on standard output, and the story on standard error")
	return c
}

// demo tells the story and answers the exit code, or an error when it did
// nothing. ctx ends it gently, again at once.
func demo(ctx context.Context, again <-chan struct{}, asJSON bool, std streams) (int, error) {
	q, err := mem.New("demo", &mem.Options{Hold: demoHold})
	if err != nil {
		return exitUsage, err
	}
	ended := make(chan int, 1)
	go func() { // left behind only by an abort
		defer q.Close(context.WithoutCancel(ctx))
		ended <- tellDemo(ctx, q, asJSON, std)
	}()
	select {
	case code := <-ended:
		return code, nil
	case <-again:
		return exitAborted, nil
	}
}

// tellDemo tells the story on a queue.
func tellDemo(ctx context.Context, q driver.Queue, asJSON bool, std streams) int {
	begun := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	tell := newTeller(std.out, stop)
	if asJSON {
		tell = newTeller(std.err, func() {})
	}
	s := newStory(q, tell)
	sum := s.run(ctx)
	sum.report(tell)
	err := tell.failure()
	if asJSON {
		err = sum.writeJSON(std.out, time.Since(begun))
	}
	if err != nil {
		fmt.Fprintf(std.err, "longshore: the output could not be written: %s\n", escapeLine(err.Error()))
		return exitFailed
	}
	if !sum.ok() {
		return exitFailed
	}
	return exitOK
}
