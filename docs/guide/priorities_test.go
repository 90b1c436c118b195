package guide_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/longshore-dev/longshore/runtime"
)

func resizeAll(ctx context.Context, config *runtime.Config) error {
	client, err := runtime.NewClient(config.Queues, config.ClientOptions())
	if err != nil {
		return err
	}
	for _, image := range []string{"archive-1", "archive-2"} {
		if _, err := runtime.Enqueue(ctx, client, Resize{image}); err != nil { // default_queue
			return err
		}
	}
	_, err = runtime.Enqueue(ctx, client, Resize{"avatar"}, runtime.ToQueue("urgent"))
	return err
}

func TestPrioritiesPage(t *testing.T) {
	file := write(t, blocks(page(t, "priorities.md"), "yaml")[0])
	prints(t, "priorities.md", func(t *testing.T) {
		config, err := runtime.OpenConfig(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		defer config.Queues.Close(context.WithoutCancel(t.Context()))
		if err := resizeAll(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(_ context.Context, t *runtime.Task[Resize]) error {
			fmt.Println(t.Queue, t.Args.Image)
			return nil
		})
		options := config.WorkerOptions()
		options.Concurrency = 1
		workUntil(t, config.Queues, mux, options, 3)
	})
}
