// Command sqs measures what Longshore costs on Amazon SQS: how many requests and
// how much CPU a message takes, beside a loop written by hand with the SDK and
// another library, against servers in processes of their own. See README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/command"
)

func main() {
	os.Exit(command.Exit(run(context.Background(), os.Args[1:]))) //nolint:forbidigo // this is main
}

const synopsis = command.Usage("sqs cpu|requests|send|backlog|telemetry [flags]")

// run measures a figure, or is one of the processes that this takes.
func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return synopsis
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "cpu":
		o := cpuOptions{out: os.Stdout}
		only := flags.String("only", "", "run only contenders whose name contains this; no limit is checked then")
		flags.IntVar(&o.rounds, "rounds", 5, "rounds; in each every contender runs once, and the median of all counts")
		flags.DurationVar(&o.warmUp, "warmup", 3*time.Second, "how long a contender runs in a round before it counts")
		flags.DurationVar(&o.length, "round", 3*time.Second, "how long it counts")
		flags.StringVar(&o.record, "record", "", "a file for the table; no limit is checked then")
		flags.StringVar(&o.profiles, "profiles", "", "a directory for a CPU profile of each contender's last round")
		if err := command.Parse(flags, args[1:], synopsis); err != nil {
			return err
		}
		o.contenders = slices.DeleteFunc(slices.Clone(contenders), func(c contender) bool { return !strings.Contains(c.name, *only) })
		return compareCPU(ctx, o)
	case "requests":
		o := requestsOptions{out: os.Stdout}
		flags.Int64Var(&o.messages, "messages", 100_000, "how many messages count")
		flags.DurationVar(&o.warmUp, "warmup", 5*time.Second, "how long the worker runs before they count")
		if err := command.Parse(flags, args[1:], synopsis); err != nil {
			return err
		}
		return countRequests(ctx, o)
	case "send":
		if err := command.Parse(flags, args[1:], synopsis); err != nil {
			return err
		}
		return countSends(ctx, os.Stdout)
	case "backlog":
		o := backlogOptions{out: os.Stdout}
		flags.DurationVar(&o.length, "for", time.Minute, "how long there is a backlog")
		flags.DurationVar(&o.pace, "pace", 5*time.Second, "how long tasks take equally long")
		flags.Int64Var(&o.times, "times", 10, "how many times as many tasks as slots are ready")
		if err := command.Parse(flags, args[1:], synopsis); err != nil {
			return err
		}
		return watchBacklog(ctx, o)
	case "telemetry":
		o := cpuOptions{out: os.Stdout}
		flags.IntVar(&o.rounds, "rounds", 9, "rounds; in each a worker runs with telemetry and without, and the median of their shares counts")
		flags.DurationVar(&o.warmUp, "warmup", 2*time.Second, "how long a worker runs in a round before it counts")
		flags.DurationVar(&o.length, "round", 3*time.Second, "how long it counts")
		if err := command.Parse(flags, args[1:], synopsis); err != nil {
			return err
		}
		return compareTelemetry(ctx, o)
	case "worker":
		var p period
		name := flags.String("name", "", "")
		flags.IntVar(&p.parallel, "parallel", 0, "")
		flags.DurationVar(&p.warmUp, "warmup", 0, "")
		flags.DurationVar(&p.length, "round", 0, "")
		flags.StringVar(&p.profile, "profile", "", "")
		if err := command.Parse(flags, args[1:], synopsis); err != nil {
			return err
		}
		all := append(slices.Clone(contenders), watched)
		i := slices.IndexFunc(all, func(c contender) bool { return c.name == *name })
		if i < 0 {
			return fmt.Errorf("there is no contender %q", *name)
		}
		return work(ctx, all[i], p, os.Stdout)
	case "server":
		if len(args) != 2 {
			return synopsis
		}
		return serve(ctx, args[1], os.Stdin, os.Stdout)
	}
	return synopsis
}
