package guide_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func runWithProbes(ctx context.Context, worker *runtime.Worker, l net.Listener) error {
	server := &http.Server{Handler: worker.HealthHandler(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	err := worker.Run(ctx) // probes are answered until it has drained
	_ = server.Close()
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		return errors.Join(err, ended)
	}
	return err
}

func TestHealthProbesPage(t *testing.T) {
	kit := runtimetest.New(t, nil)
	mux := runtime.NewMux(nil)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path string) string {
		request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "http://"+l.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		return answer.Status
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	runtime.Handle(mux, func(context.Context, *runtime.Task[SendMail]) error {
		fmt.Println("while it runs:", ask("/livez")+",", ask("/readyz"))
		stop()
		return nil
	})
	enqueue(t, kit, SendMail{"ann@example.com"})
	worker, err := runtime.NewWorker(kit.Queues(), mux, nil)
	if err != nil {
		t.Fatal(err)
	}
	direct := func(path string) string {
		answer := httptest.NewRecorder()
		worker.HealthHandler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return answer.Result().Status
	}
	printsHere(t, "health-probes.md", func(t *testing.T) {
		fmt.Println("before:", direct("/livez")+",", direct("/readyz"))
		if err := runWithProbes(ctx, worker, l); err != nil {
			t.Fatal(err)
		}
		fmt.Println("after:", direct("/livez")+",", direct("/readyz"))
	})
}
