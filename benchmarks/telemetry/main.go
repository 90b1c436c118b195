// Command telemetry measures what telemetry costs a task on the in-memory queue: the
// CPU time from typed Enqueue to ack, with telemetry less without, in rounds that take
// turns. See README.md.
package main

import (
	"context"
	"flag"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/command"
)

func main() {
	os.Exit(command.Exit(run(context.Background(), os.Args[1:], os.Stdout))) //nolint:forbidigo // this is main
}

// gcPercent is that of the other figures: the default collects a heap of some megabytes
// a hundred times a second.
const gcPercent = 400

const synopsis = command.Usage("telemetry [flags]")

func run(ctx context.Context, args []string, out io.Writer) error {
	o := options{out: out}
	flags := flag.NewFlagSet("telemetry", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 15, "rounds; in each tasks run with telemetry and without, and the median of the differences counts")
	flags.IntVar(&o.tasks, "tasks", 300_000, "how many tasks a round has, each way")
	flags.DurationVar(&o.most, "most", 1500*time.Nanosecond, "how much CPU time telemetry may take a task")
	flags.StringVar(&o.profile, "profile", "", "a file for a CPU profile of the last round with telemetry")
	if err := command.Parse(flags, args, synopsis); err != nil {
		return err
	}
	if o.rounds < 1 || o.tasks < 1 {
		return synopsis
	}
	debug.SetGCPercent(gcPercent)
	return compare(ctx, o)
}
