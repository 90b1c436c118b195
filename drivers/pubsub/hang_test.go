package pubsub_test

import (
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// A Pull without an answer may be an empty queue, but not where nothing is answered.
func TestAnEndpointThatHangsIsNoEmptyQueue(t *testing.T) {
	on(t, &pubsubfake.Options{PullMargin: -1}, pubsub.Options{}, func(e *env) {
		poll := func(n int) (failed int) {
			for range n {
				if _, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Wait: 10 * time.Second}); err != nil {
					e.code("receive", err, driver.Unavailable, "in time")
					failed++
				}
			}
			return failed
		}
		if n := poll(20); n != 0 {
			e.Errorf("%d polls of an empty queue failed", n)
		}
		mend := e.server.Fault(pubsubfake.Fault{Delay: time.Hour})
		if n := poll(20); n < 13 {
			e.Errorf("%d of 20 polls failed; want all but those of the first minute", n)
		}
		mend()
		if n := poll(20); n > 6 {
			e.Errorf("%d of 20 polls failed; want those of the first minute", n)
		}
		disarm := e.server.Fault(pubsubfake.Fault{Op: "GetSubscription", Code: codes.Unavailable})
		if n := poll(20); n != 0 {
			e.Errorf("%d polls failed where the subscription cannot be read for a while", n)
		}
		disarm()
	})
}

// Many requests to an endpoint that does not answer take as long as a few.
func TestManyRequestsWithoutAnAnswer(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		on(t, nil, pubsub.Options{Ordered: ordered}, func(e *env) {
			batch := messages(1000)
			if ordered {
				for i := range batch {
					batch[i].GroupKey = strconv.Itoa(i)
				}
			}
			e.send(batch[:300]...)
			ls := e.lease(e.queue, 300)
			e.server.Fault(pubsubfake.Fault{Delay: time.Hour})
			start := time.Now()
			for _, r := range e.queue.Send(e.Context(), batch) {
				e.code("send", r.Err, driver.Unavailable, "in time")
			}
			if took := time.Since(start); took > 30*time.Second {
				e.Errorf("ordered %v: a send gave up after %v", ordered, took)
			}
			back := make([]driver.Settlement, len(ls))
			for i, l := range ls {
				back[i] = driver.Settlement{Lease: l, Verdict: driver.Release, Delay: time.Duration(i) * time.Second}
			}
			start = time.Now()
			for _, err := range e.queue.Settle(e.Context(), back) {
				e.code("release", err, driver.Unavailable, "in time")
			}
			if took := time.Since(start); took > 10*time.Second {
				e.Errorf("ordered %v: a settle gave up after %v", ordered, took)
			}
		})
	}
}
