// Command servicebus measures what Longshore does on Azure Service Bus: how many
// messages a second it takes off a queue, beside a loop written by hand with the client
// library, and what a message takes, against a server in a process of its own. See
// README.md.
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

const synopsis = command.Usage("servicebus rate|requests [flags]")

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
		flags.Int64Var(&o.messages, "messages", 50_000, "how many messages count")
		flags.DurationVar(&o.warmUp, "warmup", 5*time.Second, "how long the worker runs before they count")
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
