// Command shop places orders: those on standard input, one JSON object a line, or with
// -n as many as it says. On standard output stands the number of each order that the
// queue has stored.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/longshore-dev/longshore/drivers/mem"
	_ "github.com/longshore-dev/longshore/drivers/pubsub"
	_ "github.com/longshore-dev/longshore/drivers/servicebus"
	_ "github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/examples/orders"
)

type options struct {
	config   string
	first, n int
	rate     float64
}

// run places orders until there are no more or ctx ends. The order under way is placed
// before that.
func run(ctx context.Context, in io.Reader, out io.Writer, o options) error {
	if o.rate < 0 || o.rate > 1e6 {
		return fmt.Errorf("-rate %v is out of range; it must be from 0 to 1000000", o.rate)
	}
	rest := context.WithoutCancel(ctx)
	config, client, err := orders.Open(rest, o.config)
	if err != nil {
		return err
	}
	defer config.Queues.Close(rest)
	var source iter.Seq2[orders.Order, error]
	if source = orders.Made(o.first, o.n); o.n == 0 {
		source = orders.Read(in)
	}
	next := time.NewTimer(0)
	defer next.Stop()
	for order, err := range source {
		if err != nil {
			return err
		}
		select {
		case <-next.C:
		case <-ctx.Done():
		}
		if ctx.Err() != nil { // also when both are ready
			return nil
		}
		if err := orders.Place(rest, client, &order); err != nil {
			return err
		}
		fmt.Fprintln(out, order.Number)
		next.Reset(time.Duration(0))
		if o.rate > 0 {
			next.Reset(time.Duration(float64(time.Second) / o.rate))
		}
	}
	return nil
}

func main() {
	var o options
	flag.StringVar(&o.config, "config", "", "configuration `file` that names the queue")
	flag.IntVar(&o.n, "n", 0, "how `many` orders to make up; 0 for those on standard input")
	flag.IntVar(&o.first, "first", 1, "`number` of the first order that is made up")
	flag.Float64Var(&o.rate, "rate", 0, "orders a `second`; 0 for no limit")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Stdin, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}
