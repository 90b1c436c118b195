// Localstack runs a LocalStack until it is interrupted. It prints the settings
// with which the AWS SDKs and the longshore command use it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/longshore-dev/longshore/localstack"
)

func main() {
	port := flag.Int("port", 4566, "listen on `PORT` of the loopback interface; 0 takes a free one")
	services := flag.String("services", "sqs", "run these AWS `SERVICES`, separated by commas")
	check := flag.Bool("check", false, "only start one and end it, installing it if need be: the exit status says whether one runs here")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if *check {
		err = try(ctx)
	} else {
		err = run(ctx, os.Stdout, &localstack.Options{Services: strings.Split(*services, ","), Port: *port, Notes: os.Stderr})
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// try starts one and ends it.
func try(ctx context.Context) error {
	i, err := localstack.Start(ctx, &localstack.Options{Services: []string{"sqs"}, Notes: os.Stderr})
	if err != nil {
		return err
	}
	return i.Close(context.WithoutCancel(ctx))
}

// run runs one until ctx ends, which is no error.
func run(ctx context.Context, out io.Writer, o *localstack.Options) error {
	i, err := localstack.Start(ctx, o)
	if err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the user has ended it
		}
		return err
	}
	fmt.Fprintf(out, `LocalStack answers at %s (%s). In another terminal:

export AWS_ENDPOINT_URL=%s
export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test

Ctrl-C ends it.
`, i.Endpoint(), i.Via(), i.Endpoint())
	select {
	case <-ctx.Done():
		return i.Close(context.WithoutCancel(ctx))
	case <-i.Exited():
		return fmt.Errorf("localstack: it ended by itself; its last lines:\n%s", i.Log())
	}
}
