package sqs_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
	"github.com/longshore-dev/longshore/runtime"
)

// order is the task of these tests.
type order struct{}

// Kind is the task's kind.
func (order) Kind() string { return "order" }

// worker is one that works on the queue, and the tasks that it has begun.
type worker struct {
	*runtime.Worker
	client *runtime.Client
	begun  chan struct{}
	log    strings.Builder // to be read after the end
	stop   func() error    // drains it, and gives what Run returned
}

// work starts a worker on the queue.
func (e *env) work() *worker {
	e.Helper()
	w := &worker{begun: make(chan struct{}, 10)}
	queues, mux := new(runtime.Queues), runtime.NewMux(nil)
	runtime.Handle(mux, func(context.Context, *runtime.Task[order]) error {
		w.begun <- struct{}{}
		return nil
	})
	e.must(queues.Add(runtime.QueueInfo{Name: "orders", Driver: e.queue}))
	var err error
	w.client, err = runtime.NewClient(queues, nil)
	e.must(err)
	w.Worker, err = runtime.NewWorker(queues, mux, &runtime.WorkerOptions{Grace: time.Minute, Logger: slog.New(slog.NewTextHandler(&w.log, nil))})
	e.must(err)
	ctx, cancel := context.WithCancel(e.Context())
	ended := make(chan error, 1) // one result, never closed
	go func() { ended <- w.Run(ctx) }()
	w.stop = func() error {
		cancel()
		return <-ended
	}
	return w
}

// An endpoint that is down when a worker starts, and again later, ends nothing: the
// worker tries again with a growing pause, its health counts that, and it goes on.
func TestAWorkerOutlastsAnEndpointThatIsDown(t *testing.T) {
	on(t, "", nil, func(e *env) {
		const outage = 10 * time.Minute
		down := sqsfake.Fault{Cut: true}
		up := e.server.Fault(down)
		w := e.work()
		e.sleep(outage)
		if h := w.Health(); h.State != runtime.StateStarting || !h.Live {
			e.Errorf("down since its start: %+v; want starting, and live", h)
		}
		up()
		e.sleep(time.Minute)
		if h := w.Health(); !h.Ready {
			e.Errorf("up again: %+v; want ready", h)
		}

		up = e.server.Fault(down)
		e.sleep(outage)
		// 100 ms doubling to 10 s, of which half is jitter.
		if h := w.Health(); !h.Live || h.Queues[0].Failures < 50 || h.Queues[0].Failures > 130 {
			e.Errorf("down for %v: %+v; want live, and a receive that failed each 5 to 10 s", outage, h)
		}
		up()
		e.sleep(time.Minute)
		if h := w.Health(); !h.Ready || h.Queues[0].Failures != 0 {
			e.Errorf("up again: %+v; want ready without failures", h)
		}
		_, err := runtime.Enqueue(e.Context(), w.client, order{})
		e.must(err)
		synctest.Wait()
		if n := len(w.begun); n != 1 {
			e.Errorf("%d tasks have begun; want the one that was sent", n)
		}
		e.must(w.stop())
		if said := w.log.String(); !strings.Contains(said, "polling failed; trying again") {
			e.Errorf("the log does not say that polling failed:\n%s", said)
		}
	})
}

// Cancelling a long poll may leave messages leased for nobody. So the last one is let
// finish, and what it brings goes back at once.
func TestADrainReleasesWhatTheLastPollBrings(t *testing.T) {
	on(t, "", nil, func(e *env) {
		w := e.work()
		e.sleep(30 * time.Second) // it idles, in the middle of a poll of 20 s
		before := e.server.Requests()
		ended := make(chan error, 1)
		go func() { ended <- w.stop() }()
		synctest.Wait()
		e.sleep(time.Second)
		_, err := runtime.Enqueue(e.Context(), w.client, order{})
		e.must(err)
		e.must(<-ended)
		if n := e.since(before, "ReceiveMessage"); n != 1 || len(w.begun) != 0 {
			e.Errorf("%d polls were answered and %d tasks begun in a drain; want the last poll, and none", n, len(w.begun))
		}
		out, err := e.client.ReceiveMessage(e.Context(), &awssqs.ReceiveMessageInput{
			QueueUrl: e.url(""), MessageSystemAttributeNames: []types.MessageSystemAttributeName{"ApproximateReceiveCount"},
		})
		e.must(err)
		if len(out.Messages) != 1 || out.Messages[0].Attributes["ApproximateReceiveCount"] != "2" {
			e.Errorf("%d messages are there after the drain; want the one that came to the last poll, a second time", len(out.Messages))
		}
	})
}
