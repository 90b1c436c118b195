// Command pubsub measures what Longshore does on Google Pub/Sub: how many messages a
// second it takes off a queue, beside another library, and how many requests a
// message takes, against a server in a process of its own. See README.md.
package main

import (
	"context"
	"flag"
	"os"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/command"
	"github.com/longshore-dev/longshore/benchmarks/internal/rate"
)

func main() {
	os.Exit(command.Exit(run(context.Background(), os.Args[1:]))) //nolint:forbidigo // this is main
}

const synopsis = command.Usage("pubsub rate|requests [flags]")

// run measures a figure, or is one of the processes that this takes.
func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return synopsis
	}
	switch args[0] {
	case "rate":
		o := rateOptions(os.Stdout)
		var only string
		if err := command.Parse(o.Flags(&only), args[1:], synopsis); err != nil {
			return err
		}
		o.Pick(only)
		return compareRates(ctx, o)
	case "requests":
		o := requestsOptions{out: os.Stdout}
		flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
		flags.Int64Var(&o.messages, "messages", 100_000, "how many messages count")
		flags.DurationVar(&o.warmUp, "warmup", 3*time.Second, "how long the worker runs before they count")
		flags.DurationVar(&o.wait, "wait", 5*time.Second, "how long a Pull of the worker waits; a third of its grace")
		if err := command.Parse(flags, args[1:], synopsis); err != nil {
			return err
		}
		return countRequests(ctx, o)
	case "worker":
		return rate.Work(ctx, contenders, args[1:], os.Stdin)
	case "server":
		return serve(ctx, os.Stdin, os.Stdout)
	}
	return synopsis
}
