// Command pubsub measures what Longshore does on Google Pub/Sub: how many messages a
// second it takes off a queue, beside another library, and how many requests a
// message takes, against a server in a process of its own. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	os.Exit(exit(run(context.Background(), os.Args[1:]))) //nolint:forbidigo // this is main
}

// errUsage is a command line that makes no sense; the flag package has said why.
var errUsage = errors.New("usage: pubsub rate|requests [flags]")

// exit answers the exit code.
func exit(err error) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

// run measures a figure, or is one of the processes that this takes.
func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "rate":
		o := rateOptions{out: os.Stdout}
		only := flags.String("only", "", "run only contenders whose name contains this; no limit is checked then")
		flags.IntVar(&o.rounds, "rounds", 5, "rounds; in each every contender runs once, and the median of all counts")
		flags.IntVar(&o.messages, "messages", 150_000, "how many messages are on the queue when a contender starts")
		flags.StringVar(&o.profiles, "profiles", "", "a directory for a CPU profile of each contender's last round")
		if err := parse(flags, args[1:]); err != nil {
			return err
		}
		o.contenders = slices.DeleteFunc(slices.Clone(contenders), func(c contender) bool { return !strings.Contains(c.name, *only) })
		return compareRates(ctx, o)
	case "requests":
		o := requestsOptions{out: os.Stdout}
		flags.Int64Var(&o.messages, "messages", 100_000, "how many messages count")
		flags.DurationVar(&o.warmUp, "warmup", 3*time.Second, "how long the worker runs before they count")
		flags.DurationVar(&o.wait, "wait", 5*time.Second, "how long a Pull of the worker waits; a third of its grace")
		if err := parse(flags, args[1:]); err != nil {
			return err
		}
		return countRequests(ctx, o)
	case "worker":
		var p part
		flags.StringVar(&p.name, "name", "", "")
		flags.IntVar(&p.Parallel, "parallel", 0, "")
		flags.StringVar(&p.queue, "queue", "", "")
		flags.StringVar(&p.Profile, "profile", "", "")
		if err := parse(flags, args[1:]); err != nil {
			return err
		}
		return work(ctx, p, os.Stdin)
	case "server":
		return serve(ctx, os.Stdin, os.Stdout)
	}
	return errUsage
}

func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return errUsage
	}
	return nil
}
