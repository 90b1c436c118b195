//go:build unix

package guide_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func serve(ctx context.Context, queues *runtime.Queues, mux *runtime.Mux) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	worker, err := runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Grace: 25 * time.Second})
	if err != nil {
		return err
	}
	return worker.Run(ctx)
}

// importRows stands for long work in small steps.
func importRows(ctx context.Context, t *runtime.Task[ImportRows]) error {
	for row := range t.Args.Rows {
		select {
		case <-time.After(time.Second): // one row
		case <-ctx.Done():
			fmt.Printf("%v: %v after row %d\n", clock(), context.Cause(ctx), row)
			return context.Cause(ctx) // goes back at once, and burns no attempt
		}
	}
	return nil
}

func TestDeploysPage(t *testing.T) {
	prints(t, "deploys.md", func(t *testing.T) {
		// The bubble stands in for the signal: its context ends when the signal would
		// come. What serve does on a real one is TestServeEndsOnSIGTERM's business.
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, importRows)
		enqueue(t, kit, ImportRows{1000})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		worker, err := runtime.NewWorker(kit.Queues(), mux, &runtime.WorkerOptions{Grace: 25 * time.Second, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		if err := worker.Run(ctx); err != nil {
			t.Fatal(err)
		}
		stats, err := kit.Queues().All()[0].Driver.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%v: the worker has ended, and %d task is ready for another\n", clock(), stats.Ready)
	})
}

func TestServeEndsOnSIGTERM(t *testing.T) {
	kit := runtimetest.New(t, nil)
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(context.Context, *runtime.Task[SendMail]) error {
		return syscall.Kill(os.Getpid(), syscall.SIGTERM)
	})
	enqueue(t, kit, SendMail{"ann@example.com"})
	if err := serve(t.Context(), kit.Queues(), mux); err != nil {
		t.Error(err)
	}
}

// What hosts are told to wait is more than the grace of the page's code.
func TestHostsWaitLongerThanTheGrace(t *testing.T) {
	const grace = 25
	text := page(t, "deploys.md")
	var deployment struct {
		Spec struct {
			Template struct {
				Spec struct {
					Seconds    int `yaml:"terminationGracePeriodSeconds"`
					Containers []struct {
						Live struct {
							Get struct{ Path string } `yaml:"httpGet"`
						} `yaml:"livenessProbe"`
					}
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(blocks(text, "yaml")[0]), &deployment); err != nil {
		t.Fatal(err)
	}
	pod := deployment.Spec.Template.Spec
	if pod.Seconds <= grace || len(pod.Containers) != 1 || pod.Containers[0].Live.Get.Path != "/livez" {
		t.Errorf("the pod is %+v", pod)
	}
	_, after, found := strings.Cut(blocks(text, "ini")[0], "\nTimeoutStopSec=")
	stop, _, _ := strings.Cut(after, "\n")
	if seconds, err := strconv.Atoi(stop); !found || err != nil || seconds <= grace {
		t.Errorf("TimeoutStopSec=%s (%v)", stop, err)
	}
	if !strings.Contains(text, fmt.Sprintf("Grace: %d * time.Second", grace)) {
		t.Errorf("the code has another grace than %d s", grace)
	}
}
