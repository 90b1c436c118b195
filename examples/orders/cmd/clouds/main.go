// Command clouds serves the queues of Amazon SQS, Google Pub/Sub and Azure Service Bus
// on this machine, for who has no account at hand. Each has a queue "orders" with a
// dead letter. They are those of Longshore's own tests, and keep nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/longshore-dev/longshore/examples/orders/internal/clouds"
)

func run(ctx context.Context, env string) error {
	servers, err := clouds.Start(ctx)
	if err != nil {
		return err
	}
	defer servers.Close()
	var settings strings.Builder
	for _, s := range servers.Environment() {
		name, value, _ := strings.Cut(s, "=")
		fmt.Fprintf(&settings, "export %s='%s'\n", name, value)
	}
	// Whoever waits for the file sees all of it.
	if err := os.WriteFile(env+".tmp", []byte(settings.String()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(env+".tmp", env); err != nil {
		return err
	}
	defer os.Remove(env)
	fmt.Fprintf(os.Stderr, "clouds: serving; in other terminals:  . %s\n", filepath.Join(".", env))
	<-ctx.Done()
	return nil
}

func main() {
	env := flag.String("env", "clouds.env", "`file` for the settings by which programs find the servers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, *env); err != nil {
		fmt.Fprintln(os.Stderr, "clouds:", err)
		os.Exit(1)
	}
}
