// Command benchmarks compares how many small tasks a second go through
// Longshore's in-memory queue, bare channels and the queues of other libraries, and
// how long a task waits at a steady rate. See README.md for what is measured.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/command"
	"github.com/longshore-dev/longshore/benchmarks/internal/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command.Exit(run(ctx, os.Args[1:]))
	stop()
	os.Exit(code) //nolint:forbidigo // this is main
}

const synopsis = command.Usage("benchmarks compare|peers|latency|report [flags]")

// cores are how many the figures are for.
const cores = 2

// run measures a figure, or writes the report.
func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return synopsis
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "compare", "peers":
		o := defaults()
		if args[0] == "peers" {
			o.contenders, o.check = mostPeers(), checkPeers
		}
		gc, only, err := o.parse(flags, args[1:])
		if err != nil {
			return err
		}
		o.contenders = slices.DeleteFunc(o.contenders, func(c contender) bool { return !strings.Contains(c.name, only) })
		if only != "" {
			o.check = nil
		}
		debug.SetGCPercent(gc)
		return compare(ctx, o)
	case "latency":
		o := latencyOptions{out: os.Stdout}
		flags.IntVar(&o.perSecond, "rate", 1000, "tasks a second")
		flags.DurationVar(&o.warmUp, "warmup", 2*time.Second, "how long tasks are sent before they count")
		flags.DurationVar(&o.length, "for", 30*time.Second, "how long they count")
		flags.StringVar(&o.record, "record", "", "a file for the table; no limit is checked then")
		procs := flags.Int("cores", cores, "how many cores to use")
		if err := command.Parse(flags, args[1:], synopsis); err != nil {
			return err
		}
		if o.perSecond < 1 || o.length <= 0 || o.warmUp < 0 {
			return synopsis
		}
		runtime.GOMAXPROCS(*procs)
		return measureLatency(ctx, o)
	case "report":
		in := flags.String("in", "", "the directory with what was recorded")
		out := flags.String("out", "", "the file to write")
		if err := command.Parse(flags, args[1:], synopsis); err != nil {
			return err
		}
		return writeReport(*in, *out)
	}
	return synopsis
}

// parse reads the flags of a comparison.
func (o *options) parse(flags *flag.FlagSet, args []string) (gc int, only string, err error) {
	flags.IntVar(&o.rounds, "rounds", o.rounds, "rounds; in each every contender runs once, and the median of all counts")
	flags.DurationVar(&o.warmUp, "warmup", o.warmUp, "how long a contender runs in a round before it counts")
	flags.DurationVar(&o.length, "round", o.length, "how long it counts")
	flags.IntVar(&o.least, "min", 0, "fail when longshore does fewer tasks a second in every round; the first that reaches it is the last")
	flags.StringVar(&o.record, "record", "", "a file for the table; no limit is checked then")
	flags.IntVar(&gc, "gc", 400, "percentage by which the heap grows between collections, as in GOGC")
	flags.StringVar(&only, "only", "", "run only contenders whose name contains this; no limit but -min is checked then")
	procs := flags.Int("cores", cores, "how many cores to use")
	if err := command.Parse(flags, args, synopsis); err != nil {
		return 0, "", err
	}
	if o.rounds < 1 || o.warmUp < 0 || o.length <= 0 || *procs < 1 {
		return 0, "", synopsis
	}
	runtime.GOMAXPROCS(*procs)
	return gc, only, nil
}

func defaults() options {
	return options{
		contenders: append(mostPeers(), channel, channelJSON, asynqRedis(), riverPostgres()),
		rounds:     5, warmUp: 2 * time.Second, length: time.Second, drain: 30 * time.Second, out: os.Stdout,
	}
}

// mostPeers are those in this process, of which the figures speak.
func mostPeers() []contender {
	return []contender{longshore, longshoreMany, watermillGoChannel, watermillBuffered, gocloudMem}
}

// writeReport writes the page from what was recorded.
func writeReport(in, out string) error {
	sections, err := report.Load(in)
	if err != nil {
		return err
	}
	var page strings.Builder
	if err := report.Render(&page, report.ThisMachine(), sections); err != nil {
		return err
	}
	if err := os.WriteFile(out, []byte(page.String()), 0o600); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
