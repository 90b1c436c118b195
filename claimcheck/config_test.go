package claimcheck_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/claimcheck"
	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

func config(t *testing.T, text string) *runtime.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "longshore.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := runtime.OpenConfig(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Queues.Close(context.Background()) })
	return c
}

type report struct{ Text string }

func (report) Kind() string { return "report" }

// A payload of 5 MB passes from a client to a handler by what the file says.
func TestFromConfig(t *testing.T) {
	dir := t.TempDir()
	c := config(t, "queues: {reports: {url: 'mem://claimcheck-config'}}\npayloads: {url: 'file://"+filepath.ToSlash(dir)+"', threshold: 32KiB, max: 8MiB, timeout: 10s, compression: zstd}\n")
	if _, err := runtime.NewClient(c.Queues, c.ClientOptions()); !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), "claimcheck.FromConfig") {
		t.Errorf("a client whose store nobody has opened: %v", err)
	}
	store, err := claimcheck.FromConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if p := c.Payloads; p.Store != store || p.Threshold != 32<<10 || p.MaxSize != 8<<20 || p.Timeout != 10*time.Second || p.Compression == nil {
		t.Errorf("it says %+v", p)
	}
	client, err := runtime.NewClient(c.Queues, c.ClientOptions())
	if err != nil {
		t.Fatal(err)
	}
	want := randomText(5 << 20)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	mux := runtime.NewMux(&runtime.MuxOptions{Payloads: c.Payloads})
	runtime.Handle(mux, func(_ context.Context, task *runtime.Task[report]) error {
		if task.Args.Text != want {
			t.Errorf("the handler gets %d bytes", len(task.Args.Text))
		}
		stop()
		return nil
	})
	if _, err := runtime.Enqueue(ctx, client, report{want}); err != nil {
		t.Fatal(err)
	}
	if objects, err := os.ReadDir(dir); err != nil || len(objects) != 1 {
		t.Errorf("the directory has %d objects (%v); want 1", len(objects), err)
	}
	options := c.WorkerOptions()
	options.Logger = slog.New(slog.DiscardHandler)
	worker, err := runtime.NewWorker(c.Queues, mux, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Run(ctx); err != nil || ctx.Err() != context.Canceled {
		t.Errorf("%v, %v", err, ctx.Err())
	}
}

// randomText is hard to compress, and JSON has it as it is.
func randomText(n int) string {
	b := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[x%64]
	}
	return string(b)
}

func TestFromConfigWithoutAStore(t *testing.T) {
	c := config(t, "queues: {reports: {url: 'mem://claimcheck-none'}}\n")
	if store, err := claimcheck.FromConfig(t.Context(), c); store != nil || err != nil || c.Payloads != nil {
		t.Errorf("%v, %v, %v", store, err, c.Payloads)
	}
	c = config(t, "queues: {reports: {url: 'mem://claimcheck-compressed'}}\npayloads: {compression: zstd}\n")
	if store, err := claimcheck.FromConfig(t.Context(), c); store != nil || err != nil || c.Payloads == nil || c.Payloads.Store != nil || c.Payloads.Compression == nil {
		t.Errorf("%v, %v, %+v", store, err, c.Payloads)
	}
	c = config(t, "queues: {reports: {url: 'mem://claimcheck-wrong'}}\npayloads: {url: 'ftp://x'}\n")
	if _, err := claimcheck.FromConfig(t.Context(), c); !driver.Is(err, driver.InvalidArgument) {
		t.Errorf("%v", err)
	}
}
