// Command lambda measures what a function on AWS Lambda takes: the size of its
// bootstrap, the time from its start to its first handler, what a message costs beside
// its handler, and the memory for the largest batch there is. See README.md.
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

const synopsis = command.Usage("lambda size|start|cost|memory [flags]")

// run measures a figure.
func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return synopsis
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	o := options{out: os.Stdout}
	flags.StringVar(&o.root, "root", "..", "the root of the repository")
	flags.IntVar(&o.starts, "starts", 20, "how many starts are measured")
	flags.IntVar(&o.records, "records", 10_000, "how many records the event has")
	flags.IntVar(&o.rounds, "rounds", 5, "how often the cost is measured; the median counts")
	if err := command.Parse(flags, args[1:], synopsis); err != nil {
		return err
	}
	switch args[0] {
	case "size":
		return o.size(ctx)
	case "start":
		return o.start(ctx)
	case "cost":
		return o.cost(ctx)
	case "memory":
		return o.memory(ctx)
	}
	return synopsis
}
