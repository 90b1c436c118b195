// Command push measures how many pushes a second a push endpoint answers, and how long
// they take, with the client in the same process. See README.md.
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

const synopsis = command.Usage("push rate [flags]")

// run measures a figure.
func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "rate" {
		return synopsis
	}
	o := options{out: os.Stdout}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.IntVar(&o.perSecond, "rate", 5200, "how many pushes a second are sent")
	flags.IntVar(&o.connections, "connections", 32, "over how many connections")
	flags.IntVar(&o.cores, "cores", 2, "how many cores all of it may use; 0 for all there are")
	flags.DurationVar(&o.warmUp, "warmup", 2*time.Second, "how long it runs before pushes count")
	flags.DurationVar(&o.length, "for", 10*time.Second, "for how long pushes count")
	flags.DurationVar(&o.flood, "flood", 4*time.Second, "how long pushes are sent as fast as they are answered, after that; 0 for not at all")
	flags.StringVar(&o.profile, "profile", "", "a file for the CPU profile of the time that counts")
	if err := command.Parse(flags, args[1:], synopsis); err != nil {
		return err
	}
	return measure(ctx, o)
}
