// Command push confirms orders that Pub/Sub pushes, as on Cloud Run: it listens on
// PORT, and drains on SIGTERM.
package main

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/examples/orders"
	"github.com/longshore-dev/longshore/pushentry"
)

func run(ctx context.Context, log *slog.Logger, path string) error {
	settings, err := orders.FromEnvironment()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(settings.Receipts, 0o755); err != nil {
		return err
	}
	rest := context.WithoutCancel(ctx)
	config, client, err := orders.Open(rest, path)
	if err != nil {
		return err
	}
	defer config.Queues.Close(rest)
	return pushentry.Run(ctx, orders.NewMux(client, orders.Web(), settings, log), config.Queues, &pushentry.Options{
		// Both as the push subscription has them: who pushes, and for whom. Without
		// them everybody could, unless who asks is checked before, as Cloud Run does
		// of a service that is not public.
		Audience:       os.Getenv("PUSH_AUDIENCE"),
		ServiceAccount: os.Getenv("PUSH_SERVICE_ACCOUNT"),
		// Cloud Run checks the token of a service that is not public, and takes its
		// signature away.
		SignatureChecked: os.Getenv("PUSH_SIGNATURE_CHECKED") == "true",
		Unauthenticated:  os.Getenv("PUSH_UNAUTHENTICATED") == "true",
		Logger:           log,
	})
}

func main() {
	path := flag.String("config", "/etc/orders/pubsub.yaml", "configuration `file` that names the queue")
	flag.Parse()
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, log, *path); err != nil {
		log.Error("push: " + err.Error())
		os.Exit(1)
	}
}
