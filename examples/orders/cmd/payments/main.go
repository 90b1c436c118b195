// Command payments is a payment server that is as hard to use as a real one: it fails
// now and then, and asks those who come too often to wait. GET /charges tells what it
// has charged, which at the end must be what was ordered.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/longshore-dev/longshore/examples/orders/internal/payments"
)

func run(ctx context.Context, address string, o payments.Options) error {
	book, err := payments.New(&o)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: book, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	ended := make(chan error, 1) // one result, never closed
	go func() { ended <- server.Serve(l) }()
	fmt.Fprintf(os.Stderr, "payments: listening on http://%s\n", l.Addr())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = server.Shutdown(rest)
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	fmt.Fprintf(os.Stderr, "payments: %+v\n", book.Sum())
	return err
}

func main() {
	var o payments.Options
	address := flag.String("listen", "127.0.0.1:9090", "`address` to listen on")
	flag.Float64Var(&o.Fail, "fail", 0.1, "which `part` of the requests fail, 0 to 1; half of those after the money was taken")
	flag.IntVar(&o.Throttle, "throttle", 20, "`requests` a second that are taken; 0 for no limit")
	flag.Uint64Var(&o.Seed, "seed", rand.Uint64(), "`number` that decides which requests fail")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, *address, o); err != nil {
		fmt.Fprintln(os.Stderr, "payments:", err)
		os.Exit(1)
	}
}
