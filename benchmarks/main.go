// Command benchmarks compares how many small tasks a second go through
// Longshore's in-memory queue, bare channels and in-memory queues of other
// libraries. See README.md for what is measured.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

func main() {
	os.Exit(run()) //nolint:forbidigo // this is main
}

// run answers the exit code.
func run() int {
	o := defaults()
	flag.IntVar(&o.rounds, "rounds", o.rounds, "rounds; in each every contender runs once, and the median of all counts")
	flag.DurationVar(&o.warmUp, "warmup", o.warmUp, "how long a contender runs in a round before it counts")
	flag.DurationVar(&o.length, "round", o.length, "how long it counts")
	flag.IntVar(&o.least, "min", 0, "fail when longshore does fewer tasks a second in every round; the first that reaches it is the last")
	gc := flag.Int("gc", 400, "percentage by which the heap grows between collections, as in GOGC")
	only := flag.String("only", "", "run only contenders whose name contains this")
	flag.Parse()
	if flag.NArg() > 0 || o.rounds < 1 || o.warmUp < 0 || o.length <= 0 {
		flag.Usage()
		return 2
	}
	o.contenders = slices.DeleteFunc(o.contenders, func(c contender) bool { return !strings.Contains(c.name, *only) })
	debug.SetGCPercent(*gc)
	if err := compare(context.Background(), o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func defaults() options {
	return options{
		contenders: []contender{longshore, channel, channelJSON, watermillGoChannel, gocloudMem},
		rounds:     5, warmUp: 2 * time.Second, length: time.Second, drain: 30 * time.Second, out: os.Stdout,
	}
}
