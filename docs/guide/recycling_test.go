package guide_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func runAndRecycle(ctx context.Context, queues *runtime.Queues, mux *runtime.Mux) (exit int) {
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{
		MaxTasks:  100_000,
		MaxAge:    24 * time.Hour,
		MaxMemory: 2 << 30, // bytes of live heap
	})
	if err != nil {
		fmt.Println(err)
		return 2
	}
	switch err := worker.Run(ctx); {
	case errors.Is(err, runtime.ErrRecycle):
		fmt.Println("recycled")
		return 0 // nothing is wrong: the host starts another process
	case err != nil:
		fmt.Println(err)
		return 1
	}
	return 0
}

func TestRecyclingPage(t *testing.T) {
	prints(t, "recycling.md", func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(context.Context, *runtime.Task[SendMail]) error { return nil })
		log := slog.Default()
		slog.SetDefault(quiet)
		defer slog.SetDefault(log)
		if exit := runAndRecycle(t.Context(), kit.Queues(), mux); exit != 0 || clock() < 21*time.Hour || clock() > 25*time.Hour {
			t.Errorf("exit code %d after %v", exit, clock())
		}
	})
}
