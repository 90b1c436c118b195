// Command lambda confirms orders as a function on AWS Lambda, on the queue that the
// configuration file names; its event source mapping brings the messages.
package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"path/filepath"

	_ "github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/examples/orders"
	"github.com/longshore-dev/longshore/lambdaentry"
)

// start does not return unless something is wrong from the beginning.
func start(ctx context.Context, log *slog.Logger) error {
	// Nothing else can be written there. What is to stay belongs on a file system that
	// is mounted.
	if os.Getenv("RECEIPTS_DIR") == "" {
		if err := os.Setenv("RECEIPTS_DIR", filepath.Join(os.TempDir(), "receipts")); err != nil {
			return err
		}
	}
	settings, err := orders.FromEnvironment()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(settings.Receipts, 0o755); err != nil {
		return err
	}
	// In the function's zip, see make bootstrap.
	config, client, err := orders.Open(ctx, cmp.Or(os.Getenv("ORDERS_CONFIG"), "sqs.yaml"))
	if err != nil {
		return err
	}
	lambdaentry.Start(orders.NewMux(client, orders.Web(), settings, log), config.Queues, &lambdaentry.Options{Logger: log})
	return nil
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	if err := start(context.Background(), log); err != nil {
		log.Error("lambda: " + err.Error())
		os.Exit(1)
	}
}
