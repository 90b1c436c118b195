package guide_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// write writes a file of the guide and answers its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "longshore.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFilesOfTheGuideAreRead(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("ORDERS_URL", "mem://orders")
	files := blocks(pages(t)["configuration.md"], "yaml")
	if len(files) != 3 {
		t.Fatalf("%d files, want 3", len(files))
	}
	for _, file := range files {
		if _, err := runtime.ReadConfig(write(t, file)); err != nil {
			t.Errorf("%v in\n%s", err, file)
		}
	}
	config, err := runtime.ReadConfig(write(t, files[1]))
	if err != nil {
		t.Fatal(err)
	}
	orders := config.Settings[0]
	if o := config.WorkerOptions(); o.Concurrency != 50 || o.Strict || config.DefaultQueue != "orders" || config.Routes["mail.send"] != "mails" {
		t.Errorf("the file says %+v", config)
	}
	if orders.URL != "sqs://orders?region=eu-west-1" || orders.Weight != 6 || orders.Rate != (runtime.Rate{PerSecond: 100, Burst: 20}) || orders.Hold != time.Minute {
		t.Errorf("of orders it says %+v", orders)
	}
	if least := orders.Retry.MaxDeliveries + 3; orders.Declared.MaxAttempts < least || orders.Declared.DeadLetterRetention <= orders.Declared.Retention {
		t.Errorf("a worker would refuse what is declared, %+v; it needs %d attempts of the broker", orders.Declared, least)
	}
}

// The file with all of it has every key that there is.
func TestTheGuideHasEveryKey(t *testing.T) {
	file := blocks(pages(t)["configuration.md"], "yaml")[1]
	for _, wrong := range []string{
		"no: 1", "queues: {a: {no: 1}}", "queues: {a: {url: 'mem://a', retry: {no: 1}}}", "queues: {a: {url: 'mem://a', declared: {no: 1}}}",
		"queues: {a: {url: 'mem://a'}}\npayloads: {no: 1}",
	} {
		_, err := runtime.ReadConfig(write(t, wrong))
		if !driver.Is(err, driver.InvalidArgument) {
			t.Fatalf("%s: %v", wrong, err)
		}
		_, known, found := strings.Cut(err.Error(), "known are ")
		if !found {
			t.Fatalf("%s: %v", wrong, err)
		}
		for key := range strings.SplitSeq(known, ", ") {
			if !strings.Contains("\n"+file, "\n"+key+":") && !strings.Contains(file, "  "+key+":") {
				t.Errorf("the file of the guide has no %s", key)
			}
		}
	}
}

func TestWorkFromFile(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	mux := runtime.NewMux(&runtime.MuxOptions{Logger: quiet})
	ran := 0
	runtime.Handle(mux, func(context.Context, *runtime.Task[Charge]) error {
		ran++
		stop()
		return nil
	})
	path := write(t, strings.Replace(blocks(pages(t)["configuration.md"], "yaml")[0], "mem://charges", "mem://charges-from-file", 1))
	if err := workFromFile(ctx, path, mux); err != nil || ran != 1 {
		t.Errorf("the handler ran %d times (%v), want once", ran, err)
	}
}
