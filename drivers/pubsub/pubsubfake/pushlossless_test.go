package pubsubfake_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// TestPushLosesNothing has an endpoint acknowledge, refuse, forget and break at
// random, while answers are lost and the subscription is pulled now and then.
func TestPushLosesNothing(t *testing.T) {
	const keys, each = 5, 40
	profiles := map[string][]func(*pubsubpb.Subscription){
		"plain":   nil,
		"retry":   {retry(time.Second, 20*time.Second)},
		"ordered": {ordered},
	}
	for name, change := range profiles {
		for seed := range uint64(3) {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				var mu sync.Mutex
				r := rand.New(rand.NewPCG(seed, 1)) // guarded by mu
				done := map[string]bool{}           // guarded by mu
				next := map[string]int{}            // guarded by mu; by key
				see := func(text string) {
					key, number, _ := strings.Cut(text, "/")
					var n int
					_, _ = fmt.Sscan(number, &n)
					if name == "ordered" && n > next[key] {
						t.Errorf("%s was pushed before %d of its key", text, next[key])
					}
					next[key] = max(next[key], n+1)
				}
				pushes(t, func(ctx context.Context, text string, _ int) int {
					mu.Lock()
					see(text)
					chance, wait := r.IntN(12), time.Duration(r.IntN(3000))*time.Millisecond
					mu.Unlock()
					time.Sleep(wait)
					switch chance {
					case 0:
						return http.StatusServiceUnavailable
					case 1:
						<-ctx.Done()
						return http.StatusOK
					case 2:
						panic(http.ErrAbortHandler)
					}
					mu.Lock()
					defer mu.Unlock()
					done[text] = true
					return http.StatusOK
				}, func(e *env, _ *endpoint) {
					e.queue("orders", append(change, push)...)
					e.server.Fault(pubsubfake.Fault{Op: "Push", Count: 10, AfterEffect: true})
					e.server.Fault(pubsubfake.Fault{Op: "Push", Count: 5, Delay: 11 * time.Second, AfterEffect: true})
					for n := range each {
						for key := range keys {
							e.publishKey("orders", fmt.Sprint(key), fmt.Sprintf("%d/%d", key, n))
						}
					}
					for i := 0; e.server.Count(subName("orders")) != (pubsubfake.Count{}) && i < 10_000; i++ {
						time.Sleep(20 * time.Second)
						if i%3 > 0 {
							continue
						}
						e.direct("orders", "")
						if ms := e.pull("orders", 0); i%2 > 0 {
							for _, m := range ms {
								mu.Lock()
								see(string(m.GetMessage().GetData()))
								done[string(m.GetMessage().GetData())] = true
								mu.Unlock()
							}
							if len(ms) > 0 {
								e.must(e.ack("orders", ms...))
							}
						} // else they come back when their ack deadline ends
						e.direct("orders", endpointURL)
					}
					e.wantCount("orders", pubsubfake.Count{})
					mu.Lock()
					defer mu.Unlock()
					if len(done) != keys*each {
						t.Errorf("%d messages were done, want %d", len(done), keys*each)
					}
				})
			})
		}
	}
}
