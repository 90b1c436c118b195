// Pubsubemulator runs a Pub/Sub emulator until it is interrupted. It prints the
// setting with which the Google Cloud clients and the longshore command use it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/longshore-dev/longshore/pubsubemulator"
)

func main() {
	port := flag.Int("port", 8085, "listen on `PORT` of the loopback interface; 0 takes a free one")
	heap := flag.Int("heap", 512, "let it keep up to `MIB` in memory")
	check := flag.Bool("check", false, "only start one on a free port and end it: the exit status says whether one runs here")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if *check {
		err = try(ctx)
	} else {
		err = run(ctx, os.Stdout, &pubsubemulator.Options{Port: *port, Heap: *heap})
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// try starts one and ends it.
func try(ctx context.Context) error {
	i, err := pubsubemulator.Start(ctx, nil)
	if err != nil {
		return err
	}
	return i.Close(context.WithoutCancel(ctx))
}

// run runs one until ctx ends, which is no error.
func run(ctx context.Context, out io.Writer, o *pubsubemulator.Options) error {
	i, err := pubsubemulator.Start(ctx, o)
	if err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the user has ended it
		}
		return err
	}
	fmt.Fprintf(out, `The Pub/Sub emulator answers at %s (%s). In another terminal:

export PUBSUB_EMULATOR_HOST=%s

Ctrl-C ends it.
`, i.Host(), i.Via(), i.Host())
	select {
	case <-ctx.Done():
		return i.Close(context.WithoutCancel(ctx))
	case <-i.Exited():
		return errors.Join(fmt.Errorf("the emulator has ended; its last lines:\n%s", i.Log()), i.Close(context.WithoutCancel(ctx)))
	}
}
