// Command claimcheck measures what a store for large payloads costs tasks that are
// small: the throughput of the in-memory queue with a store and compression configured,
// beside that without. See README.md.
package main

import (
	"context"
	"flag"
	"os"

	"github.com/longshore-dev/longshore/benchmarks/internal/command"
)

func main() {
	os.Exit(command.Exit(run(context.Background(), os.Args[1:]))) //nolint:forbidigo // this is main
}

const synopsis = command.Usage("claimcheck [flags]")

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("claimcheck", flag.ContinueOnError)
	o := options{out: os.Stdout}
	flags.IntVar(&o.rounds, "rounds", 15, "rounds at most; in each both run once, in turn first, and the medians of all count")
	flags.IntVar(&o.tasks, "tasks", 200_000, "tasks of a run")
	flags.Float64Var(&o.least, "min", 0.97, "the least that the rate with a store may be of that without")
	if err := command.Parse(flags, args, synopsis); err != nil {
		return err
	}
	return compare(ctx, o)
}
