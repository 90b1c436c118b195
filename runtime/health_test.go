package runtime_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

// probe asks for a worker's health, as an orchestrator does.
func probe(t *testing.T, w *runtime.Worker, state runtime.State, livez, readyz int) {
	t.Helper()
	for path, want := range map[string]int{"/livez": livez, "/health/readyz": readyz, "/": 404} {
		r := httptest.NewRecorder()
		w.HealthHandler().ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if r.Code != want {
			t.Errorf("%s while %s: %d, want %d; %s", path, state, r.Code, want, r.Body)
		}
		if want == 404 {
			continue
		}
		var h runtime.Health
		if err := json.Unmarshal(r.Body.Bytes(), &h); err != nil || h.State != state || len(h.Queues) != 1 || h.Queues[0].Name != "jobs" {
			t.Errorf("%s answers %s (%v), want state %s", path, r.Body, err, state)
		}
	}
}

func TestHealthFollowsTheLifeOfAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
			return down{q, time.Now().Add(time.Hour), driver.Unavailable}
		})
		b.handle(func(ctx context.Context, _ *runtime.Task[job]) error {
			time.Sleep(3 * time.Hour) // without room to receive
			return nil
		})
		b.enqueue("a")
		w := b.worker(&runtime.WorkerOptions{Concurrency: 1, Grace: 3 * time.Hour})
		probe(t, w, runtime.StateStarting, 200, 503)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		time.Sleep(50 * time.Minute) // the check is tried again
		probe(t, w, runtime.StateStarting, 200, 503)
		time.Sleep(time.Hour)
		probe(t, w, runtime.StateRunning, 200, 200)
		time.Sleep(time.Hour)
		cancel()
		synctest.Wait()
		probe(t, w, runtime.StateDraining, 200, 503)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		probe(t, w, runtime.StateEnded, 503, 503)
	})
}

func TestAStalledPollerIsNotLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hang, fail atomic.Bool
		b := newBench(t, nil, runtime.RetryPolicy{}, faulty(
			faultqueue.Rule{Op: faultqueue.Receive, Match: func(*faultqueue.Call) bool { return hang.Load() }, Fault: faultqueue.Hang()},
			faultqueue.Rule{Op: faultqueue.Receive, Match: func(*faultqueue.Call) bool { return fail.Load() }, Fault: faultqueue.FailBefore(errDown)},
		))
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		w := b.worker(nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		time.Sleep(time.Hour)
		probe(t, w, runtime.StateRunning, 200, 200)
		fail.Store(true)
		time.Sleep(time.Hour)
		if h := w.Health(); !h.Live || h.Queues[0].Failures < 10 {
			t.Errorf("a broker that is down: %+v, want live with failures", h)
		}
		fail.Store(false)
		time.Sleep(5 * time.Minute)
		if h := w.Health(); !h.Ready || h.Queues[0].Failures != 0 {
			t.Errorf("a broker that is back: %+v, want ready without failures", h)
		}
		hang.Store(true)
		time.Sleep(time.Minute)
		probe(t, w, runtime.StateRunning, 200, 200)
		time.Sleep(time.Minute)
		probe(t, w, runtime.StateRunning, 503, 503)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// What a probe sees tells nobody what the tasks are.
func TestHealthHasNoPayloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, runtime.RetryPolicy{}, nil)
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		b.enqueue("secret")
		w := b.worker(nil)
		r := httptest.NewRecorder()
		w.HealthHandler().ServeHTTP(r, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/livez", nil))
		want := `{"state":"starting","live":true,"ready":false,"queues":[{"name":"jobs","stalled":false,"failures":0,"paused":false}]}`
		if got := strings.TrimSpace(r.Body.String()); got != want {
			t.Errorf("livez answers %s, want %s", got, want)
		}
	})
}
