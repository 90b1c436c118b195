package lambdaentry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
	"github.com/longshore-dev/longshore/internal/eventsource"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/lambdaentry"
	"github.com/longshore-dev/longshore/runtime"
)

var errBoom = errors.New("boom")

// function is a Handler on a queue of an in-process server, in virtual time.
type function struct {
	*testing.T
	server *sqsfake.Server
	queue  *sqs.Queue
	name   string
	fq     *faultqueue.Queue // what the Handler settles by
	client *runtime.Client
	mux    *runtime.Mux
	queues *runtime.Queues
	log    *syncBuffer
	h      *lambdaentry.Handler
	opts   *lambdaentry.Options
	leases []driver.Lease // of the last event

	mu      sync.Mutex
	settled []runtime.Settled        // guarded by mu
	sums    []lambdaentry.Invocation // guarded by mu
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// holds is the visibility of the queue.
const holds = 5 * time.Minute

// on runs a test on a queue of a name, whose kind "work" has the handler.
func on(t *testing.T, name string, handler func(ctx context.Context, task *runtime.Task[work]) error, opts *lambdaentry.Options, test func(f *function), handle ...runtime.HandleOption) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &function{T: t, server: sqsfake.New(nil), name: name, mux: runtime.NewMux(nil), queues: new(runtime.Queues), log: new(syncBuffer)}
		t.Cleanup(func() { _ = f.server.Close() })
		native := awssqs.New(awssqs.Options{
			Region: "us-east-1", BaseEndpoint: aws.String(f.server.URL()), HTTPClient: f.server.HTTPClient(),
			Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		})
		live := map[string]string{
			"VisibilityTimeout": strconv.Itoa(int(holds / time.Second)),
			"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead-%s","maxReceiveCount":1000}`, name),
		}
		dead := map[string]string{"MessageRetentionPeriod": "1209600"}
		if strings.HasSuffix(name, ".fifo") {
			live["FifoQueue"], dead["FifoQueue"] = "true", "true"
		}
		for _, q := range []struct {
			name       string
			attributes map[string]string
		}{{"dead-" + name, dead}, {name, live}} {
			if _, err := native.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &q.name, Attributes: q.attributes}); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		if f.queue, err = sqs.New(native, name, nil); err != nil {
			t.Fatal(err)
		}
		f.fq = faultqueue.New(f.queue)
		if err := f.queues.Add(runtime.QueueInfo{Name: "orders", Driver: f.fq}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.queues.Close(context.WithoutCancel(t.Context())) })
		if f.client, err = runtime.NewClient(f.queues, nil); err != nil {
			t.Fatal(err)
		}
		runtime.Handle(f.mux, handler, handle...)
		o := lambdaentry.Options{}
		if opts != nil {
			o = *opts
		}
		o.Logger = slog.New(slog.NewTextHandler(f.log, nil))
		o.OnSettled = func(s runtime.Settled) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.settled = append(f.settled, s)
		}
		o.OnInvocation = func(i lambdaentry.Invocation) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.sums = append(f.sums, i)
		}
		f.opts = &o
		f.start()
		test(f)
	})
}

// start begins with a handler that remembers nothing.
func (f *function) start() {
	f.Helper()
	var err error
	if f.h, err = lambdaentry.New(f.mux, f.queues, f.opts); err != nil {
		f.Fatal(err)
	}
	if err := f.h.Check(f.Context()); err != nil {
		f.Fatal(err)
	}
}

func (f *function) enqueue(do string, opts ...runtime.EnqueueOption) runtime.TaskID {
	f.Helper()
	id, err := runtime.Enqueue(f.Context(), f.client, work{Do: do}, opts...)
	if err != nil {
		f.Fatal(err)
	}
	return id
}

// event receives n messages, as Lambda does, and makes the event.
func (f *function) event(n int) events.SQSEvent {
	f.Helper()
	var leases []driver.Lease
	for len(leases) < n {
		ls, err := f.queue.Receive(f.Context(), driver.ReceiveOptions{Max: min(10, n-len(leases)), Wait: time.Second})
		if err != nil || len(ls) == 0 {
			f.Fatalf("%d of %d messages, %v", len(leases), n, err)
		}
		leases = append(leases, ls...)
	}
	f.leases = leases
	return eventsource.Mapping{Queue: f.queue, Name: f.name}.Event(leases)
}

// deleteDone deletes the messages of the last event but those that failed, as Lambda
// does.
func (f *function) deleteDone(failed []string) {
	f.Helper()
	for _, l := range f.leases {
		if !slices.Contains(failed, noteOf(events.SQSMessage{Body: string(l.Message().Body)})) {
			f.queue.Settle(f.Context(), []driver.Settlement{{Lease: l, Verdict: driver.Ack}})
		}
	}
}

// invoke gives an event to the function for a time, and returns what fails.
func (f *function) invoke(e events.SQSEvent, limit time.Duration) []string {
	f.Helper()
	failed, err := f.try(e, limit)
	if err != nil {
		f.Fatal(err)
	}
	return failed
}

func (f *function) try(e events.SQSEvent, limit time.Duration) ([]string, error) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), limit)
	defer cancel()
	payload, err := json.Marshal(e)
	if err != nil {
		f.Fatal(err)
	}
	b, err := f.h.Invoke(ctx, payload)
	if err != nil {
		return nil, err
	}
	var answer struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(b, &answer); err != nil || answer.BatchItemFailures == nil {
		f.Fatalf("answer %s, %v; want a list", b, err)
	}
	failed := []string{}
	for _, one := range answer.BatchItemFailures {
		i := slices.IndexFunc(e.Records, func(r events.SQSMessage) bool { return r.MessageId == one.ItemIdentifier })
		if i < 0 {
			f.Errorf("the answer names %q, which is not in the event", one.ItemIdentifier)
		}
		failed = append(failed, noteOf(e.Records[i]))
	}
	return failed, nil
}

// taskOf is the task in a message.
func taskOf(body []byte) runtime.TaskID {
	var event struct{ ID runtime.TaskID }
	_ = json.Unmarshal(body, &event) // what is no task has none
	return event.ID
}

// noteOf is what the task of a record does.
func noteOf(r events.SQSMessage) string { return noteOfBody([]byte(r.Body)) }

// noteOfBody is what the task in a message does.
func noteOfBody(body []byte) string {
	var event struct{ Data work }
	_ = json.Unmarshal(body, &event) // what is no task has none
	return event.Data.Do
}

// visible asserts when the next message of the queue comes, from now, and does not
// take it.
func (f *function) visible(what string, want time.Duration) {
	f.Helper()
	start := time.Now()
	ls, err := f.queue.Receive(f.Context(), driver.ReceiveOptions{Max: 1, Wait: want + time.Minute})
	if err != nil || len(ls) != 1 {
		f.Fatalf("%s: %d messages, %v", what, len(ls), err)
	}
	if d := time.Since(start); d < want-time.Second || d > want+time.Second {
		f.Errorf("%s: the message came after %v; want %v", what, d, want)
	}
	for _, err := range f.queue.Settle(f.Context(), []driver.Settlement{{Lease: ls[0], Verdict: driver.Release}}) {
		if err != nil {
			f.Fatal(err)
		}
	}
}

// stats are how many live and dead messages there are.
func (f *function) stats() (live, dead int64) {
	f.Helper()
	s, err := f.queue.Stats(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return s.Ready + s.Leased + s.Delayed, s.Dead
}

func (f *function) sum() lambdaentry.Invocation {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sums[len(f.sums)-1]
}
