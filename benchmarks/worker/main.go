// Command worker measures what a worker costs while its handlers wait, and while
// there is nothing to do, on the in-memory queue. See README.md.
package main

import (
	"context"
	"flag"
	"os"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/command"
)

func main() {
	os.Exit(command.Exit(run(context.Background(), os.Args[1:]))) //nolint:forbidigo // this is main
}

const synopsis = command.Usage("worker heartbeats|idle [flags]")

// run measures a figure.
func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return synopsis
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "heartbeats":
		o := heartbeatOptions{out: os.Stdout}
		flags.IntVar(&o.handlers, "handlers", 100_000, "how many handlers wait at the same time")
		flags.DurationVar(&o.hold, "hold", 3*time.Second, "how long a lease runs")
		flags.IntVar(&o.holds, "holds", 10, "for how many holds the CPU time counts")
		flags.IntVar(&o.batch, "batch", 1000, "how many tasks are sent at a time: what is received together is extended together")
		flags.StringVar(&o.profile, "profile", "", "a file for the CPU profile of that time")
		if err := command.Parse(flags, args[1:], synopsis); err != nil {
			return err
		}
		return measureHeartbeats(ctx, o)
	case "idle":
		o := idleOptions{out: os.Stdout, workers: idleWorkers}
		flags.DurationVar(&o.length, "for", time.Minute, "how long the CPU time of each worker counts")
		if err := command.Parse(flags, args[1:], synopsis); err != nil {
			return err
		}
		return measureIdle(ctx, o)
	}
	return synopsis
}
