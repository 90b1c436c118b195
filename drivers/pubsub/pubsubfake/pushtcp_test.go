package pubsubfake_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// The server's own client reaches endpoints on the network; 102 acknowledges there,
// whatever comes after it.
func TestPushOverTCP(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"204": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"102": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusProcessing)
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"102, then cut": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusProcessing)
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			const messages = 200
			var came atomic.Int32
			worker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				came.Add(1)
				answer(w, r)
			}))
			defer worker.Close()
			s := pubsubfake.New(nil)
			defer s.Close()
			e := newEnv(t, s, s.ClientOptions)
			e.queue("orders", func(c *pubsubpb.Subscription) { c.PushConfig = &pubsubpb.PushConfig{PushEndpoint: worker.URL} })
			e.publishMany("orders", messages)
			deadline := time.NewTimer(20 * time.Second)
			defer deadline.Stop()
			poll := time.NewTicker(time.Millisecond)
			defer poll.Stop()
			for e.server.Count(subName("orders")) != (pubsubfake.Count{}) {
				select {
				case <-poll.C:
				case <-deadline.C:
					t.Fatalf("counts are %+v", e.server.Count(subName("orders")))
				}
			}
			if n := came.Load(); n != messages {
				t.Errorf("%d requests, want %d", n, messages)
			}
		})
	}
}
