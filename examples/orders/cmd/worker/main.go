// Command worker confirms orders on whatever queue the configuration file names, until
// SIGTERM or Ctrl-C. Then it drains.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/mem"
	_ "github.com/longshore-dev/longshore/drivers/pubsub"
	_ "github.com/longshore-dev/longshore/drivers/servicebus"
	_ "github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/examples/orders"
	"github.com/longshore-dev/longshore/runtime"
)

type options struct {
	config, place string
	grace         time.Duration
}

func run(ctx context.Context, log *slog.Logger, o options) error {
	settings, err := orders.FromEnvironment()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(settings.Receipts, 0o755); err != nil {
		return err
	}
	rest := context.WithoutCancel(ctx) // not ctx: what is left is counted after that has ended
	config, client, err := orders.Open(rest, o.config)
	if err != nil {
		return err
	}
	defer config.Queues.Close(rest)
	if o.place != "" {
		if err := place(ctx, client, o.place); err != nil {
			return err
		}
	}

	work := config.WorkerOptions()
	work.Grace, work.Logger = o.grace, log
	work.OnStart = func() { log.Info("started") }
	work.OnDead = func(s runtime.Settled) {
		if task := s.Decision.Task; task != nil {
			log.Warn("dead", "id", task.ID, "reason", s.Decision.Settlement.Reason)
		}
	}
	worker, err := runtime.NewWorker(config.Queues, orders.NewMux(client, orders.Web(), settings, log), work)
	if err != nil {
		return err
	}
	if err := worker.Run(ctx); err != nil {
		return err
	}
	return left(rest, log, config.Queues)
}

// place places the orders of a file, for a queue that only this process has.
func place(ctx context.Context, client *runtime.Client, path string) (err error) {
	file := io.ReadCloser(os.Stdin)
	if path != "-" {
		if file, err = os.Open(path); err != nil {
			return err
		}
	}
	defer file.Close()
	for order, err := range orders.Read(file) {
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := orders.Place(ctx, client, &order); err != nil {
			return err
		}
	}
	return nil
}

// left logs what is left on the queues, as far as they tell: -1 is what they do not.
func left(ctx context.Context, log *slog.Logger, queues *runtime.Queues) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for _, q := range queues.All() {
		s, err := q.Driver.Stats(ctx)
		if driver.Is(err, driver.Unsupported) || driver.Is(err, driver.PermissionDenied) {
			log.Info("ended; the queue does not tell what is left", "queue", q.Name)
			continue
		}
		if err != nil {
			return err
		}
		log.Info("ended", "queue", q.Name, "ready", s.Ready, "leased", s.Leased, "delayed", s.Delayed, "dead", s.Dead)
	}
	return nil
}

func main() {
	var o options
	flag.StringVar(&o.config, "config", "", "configuration `file` that names the queue")
	flag.StringVar(&o.place, "place", "", "`file` with orders to place before, one JSON object a line; - for standard input")
	flag.DurationVar(&o.grace, "grace", 25*time.Second, "`time` for tasks that run to end, after SIGTERM; less than the host gives the process")
	flag.Parse()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, log, o); err != nil {
		log.Error("worker: " + err.Error())
		os.Exit(1)
	}
}
