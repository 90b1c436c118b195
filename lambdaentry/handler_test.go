package lambdaentry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/lambdaentry"
	"github.com/longshore-dev/longshore/runtime"
)

// does is a handler that does what the task says.
func does(ctx context.Context, task *runtime.Task[work]) error {
	do, arg, _ := strings.Cut(task.Args.Do, " ")
	switch do {
	case "fail":
		return errBoom
	case "panic":
		panic("boom")
	case "bury":
		return runtime.Permanent(errBoom)
	case "snooze":
		return runtime.Snooze(time.Minute)
	case "later":
		return runtime.RetryAfter(13*time.Hour, errBoom)
	case "pause":
		return runtime.PauseQueue(time.Minute, errBoom)
	case "wait":
		d, err := time.ParseDuration(arg)
		if err != nil {
			return err
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	case "ignore":
		time.Sleep(time.Hour) // in virtual time
	}
	return nil
}

func TestEachMessageIsDecidedByItself(t *testing.T) {
	retry := runtime.Retry(runtime.RetryPolicy{Backoff: runtime.Fixed(40 * time.Second), NoJitter: true})
	on(t, "orders", does, nil, func(f *function) {
		for _, do := range []string{"ok", "fail", "bury", "panic", "snooze", "ok"} {
			f.enqueue(do)
		}
		before := f.server.Requests()
		e := f.event(6)
		if failed := f.invoke(e, 30*time.Second); !slices.Equal(failed, []string{"fail", "panic"}) {
			t.Errorf("the answer names %q; want fail and panic", failed)
		}
		if n := f.server.Requests()["ChangeMessageVisibilityBatch"] - before["ChangeMessageVisibilityBatch"]; n == 0 || n > 3 {
			t.Errorf("%d changes of visibility", n)
		}
		if _, dead := f.stats(); dead != 1 {
			t.Errorf("%d dead letters; want one", dead)
		}
		want := lambdaentry.Invocation{Messages: 6, Done: 3, Dead: 1, Retried: 2}
		if got := f.sum(); got.Messages != want.Messages || got.Done != want.Done || got.Dead != want.Dead || got.Retried != want.Retried || got.Unstarted != 0 {
			t.Errorf("the invocation came to %+v; want %+v", got, want)
		}
		f.visible("what failed", 40*time.Second)
	}, retry)
}

// A batch that is done asks nothing of the queue: Lambda deletes.
func TestWhatIsDoneCostsNoRequest(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		for range 10 {
			f.enqueue("ok")
		}
		e := f.event(10)
		before := f.server.Requests()
		if failed := f.invoke(e, 30*time.Second); len(failed) != 0 {
			t.Errorf("the answer names %q", failed)
		}
		for op, n := range f.server.Requests() {
			if n != before[op] {
				t.Errorf("%d requests %s", n-before[op], op)
			}
		}
	})
}

// What is done is deleted early when the rest takes long, so that a time-out does not
// run it again.
func TestWhatIsDoneIsDeletedBeforeATimeout(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		f.enqueue("ok")
		f.enqueue("ignore")
		e := f.event(2)
		if _, err := f.try(e, 10*time.Second); err == nil || !strings.Contains(err.Error(), "ignored the end of their contexts") {
			t.Errorf("the invocation answers %v; want that it timed out", err)
		}
		if live, dead := f.stats(); live != 1 || dead != 0 {
			t.Errorf("%d messages and %d dead letters; want the one that hangs", live, dead)
		}
		time.Sleep(2 * time.Hour)
		if live, _ := f.stats(); live != 1 {
			t.Errorf("%d messages after the handler had ended at last; want that it was left", live)
		}
	})
}

func TestContextsEndBeforeTheInvocation(t *testing.T) {
	var cause error
	var at time.Duration
	start := time.Now()
	handler := func(ctx context.Context, task *runtime.Task[work]) error {
		if task.Args.Do == "first" {
			start = time.Now()
		}
		<-ctx.Done()
		cause, at = context.Cause(ctx), time.Since(start)
		return cause
	}
	on(t, "orders", handler, &lambdaentry.Options{Concurrency: 1}, func(f *function) {
		f.enqueue("first")
		f.enqueue("second")
		if failed := f.invoke(f.event(2), 20*time.Second); len(failed) != 2 {
			t.Errorf("the answer names %q; want both", failed)
		}
		if cause != runtime.ErrTimeout || at != 18*time.Second {
			t.Errorf("the context ended with %v after %v; want ErrTimeout after 18s", cause, at)
		}
		if got := f.sum(); got.Retried != 1 || got.Unstarted != 1 {
			t.Errorf("the invocation came to %+v; want one retried and one unstarted", got)
		}
		f.visible("what was not started", 0)
	})
}

func TestNothingIsStartedNearTheEnd(t *testing.T) {
	on(t, "orders", does, &lambdaentry.Options{Concurrency: 1, Margin: 5 * time.Second}, func(f *function) {
		for range 10 {
			f.enqueue("wait 2s")
		}
		if failed := f.invoke(f.event(10), 20*time.Second); len(failed) != 2 { // starts at 0, 2 .. 14
			t.Errorf("%d of 10 tasks are named; want the two that would begin after 15 s", len(failed))
		}
		if live, _ := f.stats(); live != 3 { // Lambda deletes the last
			t.Errorf("%d messages are left; want 3, as what was done was deleted early", live)
		}
	})
}

func TestAGroupStopsAtItsFirstFailure(t *testing.T) {
	var ran []string
	handler := func(ctx context.Context, task *runtime.Task[work]) error {
		ran = append(ran, task.Args.Do)
		if strings.HasPrefix(task.Args.Do, "a") {
			_, what, _ := strings.Cut(task.Args.Do, " ")
			return does(ctx, &runtime.Task[work]{Args: work{Do: what}})
		}
		return nil
	}
	retry := runtime.Retry(runtime.RetryPolicy{Backoff: runtime.Fixed(40 * time.Second), NoJitter: true})
	on(t, "orders.fifo", handler, &lambdaentry.Options{Concurrency: 1}, func(f *function) {
		for _, do := range []string{"a1 ok", "a2 bury", "a3 fail", "a4 ok", "a5 ok"} {
			f.enqueue(do, runtime.Group("a"))
		}
		f.enqueue("b1", runtime.Group("b"))
		failed := f.invoke(f.event(6), 30*time.Second)
		if !slices.Equal(failed, []string{"a3 fail", "a4 ok", "a5 ok"}) {
			t.Errorf("the answer names %q; want the failure and all behind it", failed)
		}
		slices.Sort(ran)
		if !slices.Equal(ran, []string{"a1 ok", "a2 bury", "a3 fail", "b1"}) {
			t.Errorf("what ran: %q", ran)
		}
		f.deleteDone(failed)
		f.visible("the head", 40*time.Second)
	}, retry)
}

// A group whose bury failed does not go on.
func TestAGroupWaitsForItsBury(t *testing.T) {
	on(t, "orders.fifo", does, nil, func(f *function) {
		f.enqueue("bury", runtime.Group("a"))
		f.enqueue("ok", runtime.Group("a"))
		f.fq.Add(faultqueue.Rule{Op: faultqueue.Settle, Match: func(c *faultqueue.Call) bool { return c.Batch[0].Verdict == driver.Bury },
			Fault: faultqueue.FailBefore(driver.Errorf(driver.PermissionDenied, "settle", "no"))})
		if failed := f.invoke(f.event(2), 30*time.Second); !slices.Equal(failed, []string{"bury", "ok"}) {
			t.Errorf("the answer names %q; want both", failed)
		}
		if live, dead := f.stats(); live != 2 || dead != 0 {
			t.Errorf("%d messages, %d dead letters", live, dead)
		}
	})
}

func TestASettleThatFailsForNowIsTriedAgain(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		f.enqueue("bury")
		failures := 3
		f.fq.Add(faultqueue.Rule{Op: faultqueue.Settle, Match: func(*faultqueue.Call) bool { failures--; return failures >= 0 },
			Fault: faultqueue.FailBefore(driver.Errorf(driver.Unavailable, "settle", "down"))})
		if failed := f.invoke(f.event(1), 30*time.Second); len(failed) != 0 {
			t.Errorf("the answer names %q", failed)
		}
		if live, dead := f.stats(); live != 0 || dead != 1 {
			t.Errorf("%d messages, %d dead letters; want it dead", live, dead)
		}
	})
}

// When the queue takes nothing, the invocation is answered in time and all comes again.
func TestAQueueThatIsDownLosesNothing(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		for _, do := range []string{"ok", "bury", "fail", "snooze"} {
			f.enqueue(do)
		}
		e := f.event(4)
		for _, op := range []faultqueue.Op{faultqueue.Settle, faultqueue.Send, faultqueue.Extend} {
			f.fq.Add(faultqueue.Rule{Op: op, Fault: faultqueue.Hang()})
		}
		start := time.Now()
		if failed := f.invoke(e, 30*time.Second); !slices.Equal(failed, []string{"bury", "fail", "snooze"}) {
			t.Errorf("the answer names %q; want all that could not be settled", failed)
		}
		if d := time.Since(start); d >= 30*time.Second {
			t.Errorf("the invocation took %v", d)
		}
	})
}

func TestAPausedQueueStartsNothing(t *testing.T) {
	ran := 0
	handler := func(ctx context.Context, task *runtime.Task[work]) error {
		ran++
		return does(ctx, task)
	}
	on(t, "orders", handler, &lambdaentry.Options{Concurrency: 1}, func(f *function) {
		f.enqueue("pause")
		f.enqueue("ok")
		f.invoke(f.event(2), 30*time.Second)
		if ran != 1 {
			t.Errorf("%d tasks ran; want the one that pauses its queue", ran)
		}
		f.visible("what waits", time.Minute)
	})
}

func TestALeaseThatWouldEndIsExtended(t *testing.T) {
	ran := 0
	handler := func(ctx context.Context, task *runtime.Task[work]) error {
		ran++
		return does(ctx, task)
	}
	on(t, "orders", handler, nil, func(f *function) {
		f.enqueue("wait 14m")
		failed := make(chan []string, 1)
		go func() { failed <- f.invoke(f.event(1), 15*time.Minute) }()
		time.Sleep(13 * time.Minute) // almost three times the visibility
		if ls, err := f.queue.Receive(f.Context(), driver.ReceiveOptions{Max: 1, Wait: 10 * time.Second}); err != nil || len(ls) > 0 {
			t.Errorf("the message is there a second time: %d, %v", len(ls), err)
		}
		if got := <-failed; len(got) != 0 || ran != 1 {
			t.Errorf("the answer names %q, after %d runs", got, ran)
		}
		if !strings.Contains(f.log.String(), "below six times") {
			t.Errorf("the log does not warn of the visibility: %s", f.log)
		}
	})
}

func TestSuspectsRunAloneAndLast(t *testing.T) {
	var ran []string
	on(t, "orders", func(_ context.Context, task *runtime.Task[work]) error {
		ran = append(ran, task.Args.Do)
		return nil
	}, &lambdaentry.Options{Concurrency: 1}, func(f *function) {
		f.enqueue("suspect")
		e := f.event(1)
		e.Records[0].Attributes["ApproximateReceiveCount"] = "7"
		for range 3 {
			f.enqueue("other")
		}
		e.Records = append(e.Records, f.event(3).Records...)
		f.invoke(e, 30*time.Second)
		if ran[3] != "suspect" {
			t.Errorf("they ran as %q; want the suspect last", ran)
		}
		if live, _ := f.stats(); live != 1 { // Lambda deletes it
			t.Errorf("%d messages are left; want that the others were deleted before the suspect ran", live)
		}
	})
}

func TestAllFailed(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		f.enqueue("fail")
		f.enqueue("fail")
		if failed := f.invoke(f.event(2), 30*time.Second); len(failed) != 2 {
			t.Errorf("the answer names %q", failed)
		}
		if !strings.Contains(f.log.String(), "all messages of an invocation come again") {
			t.Errorf("the log says %s", f.log)
		}
	})
}

func TestTelemetryIsFlushedBeforeTheAnswer(t *testing.T) {
	var flushed []time.Duration
	flush := func(ctx context.Context) error {
		end, _ := ctx.Deadline()
		flushed = append(flushed, time.Until(end))
		<-ctx.Done() // a collector that hangs
		return ctx.Err()
	}
	on(t, "orders", does, &lambdaentry.Options{Flush: flush}, func(f *function) {
		f.enqueue("ok")
		start := time.Now()
		f.invoke(f.event(1), 30*time.Second)
		if len(flushed) != 1 || flushed[0] <= 0 || time.Since(start) > 5*time.Second {
			t.Errorf("flushes with %v, answer after %v", flushed, time.Since(start))
		}
	})
}

func TestEventsThatAreNotTaken(t *testing.T) {
	record := func(change func(r *events.SQSMessage)) string {
		r := events.SQSMessage{
			MessageId: "id", ReceiptHandle: "handle", Body: "body", EventSource: "aws:sqs",
			EventSourceARN: "arn:aws:sqs:us-east-1:123456789012:orders",
		}
		change(&r)
		b, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{r}})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	on(t, "orders", does, nil, func(f *function) {
		for what, tt := range map[string]struct{ event, want string }{
			"no JSON":              {"secret", "not valid JSON at byte 1"},
			"another form":         {`{"Records":"secret"}`, `field "Records" is a JSON string`},
			"binary without":       {`{"Records":[{"messageAttributes":{"a":{"binaryValue":"secret!"}}}]}`, "not base64"},
			"of another source":    {record(func(r *events.SQSMessage) { r.EventSource = "aws:kinesis" }), `event source "aws:kinesis"`},
			"of another queue":     {record(func(r *events.SQSMessage) { r.EventSourceARN = "arn:aws:sqs:us-east-1:123456789012:mails" }), `:mails"; the function has the queues orders`},
			"of no queue":          {record(func(r *events.SQSMessage) { r.EventSourceARN = "orders" }), `is of "orders"`},
			"without an id":        {record(func(r *events.SQSMessage) { r.MessageId = "" }), "record 0 has no messageId"},
			"without a receipt":    {record(func(r *events.SQSMessage) { r.ReceiptHandle = "" }), "record 0 has no receiptHandle"},
			"of something else":    {`{"Records":[{"eventSource":"aws:s3"}]}`, `event source "aws:s3"`},
			"with a number for id": {`{"Records":[{"messageId":7}]}`, "is a JSON number"},
		} {
			_, err := f.h.Invoke(f.Context(), []byte(tt.event))
			if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("an event %s: %v; want %q", what, err, tt.want)
			}
			if strings.Contains(fmt.Sprint(err), "secret") || strings.Contains(f.log.String(), "secret") {
				t.Errorf("an event %s: its contents are told: %v", what, err)
			}
		}
		if b, err := f.h.Invoke(f.Context(), []byte(`{"Records":[]}`)); err != nil || string(b) != `{"batchItemFailures":[]}` {
			t.Errorf("an empty event: %s, %v", b, err)
		}
	})
}

// Unknown fields do not matter, and a message is in the answer once.
func TestEventsThatAreTaken(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		f.enqueue("fail")
		e := f.event(1)
		e.Records = append(e.Records, e.Records[0])
		if failed := f.invoke(e, 30*time.Second); len(failed) != 1 {
			t.Errorf("a message twice in the event: the answer names %q", failed)
		}
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(f.Context(), 30*time.Second)
		defer cancel()
		if _, err := f.h.Invoke(ctx, []byte(`{"new":{"a":[1]},`+string(b[1:]))); err != nil {
			t.Errorf("an event with a field that nobody knows: %v", err)
		}
	})
}

// A record without a body is no task, and goes where such messages go as far as the
// broker takes it.
func TestARecordWithoutABody(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		f.enqueue("ok")
		e := f.event(1)
		e.Records[0].Body = ""
		if failed := f.invoke(e, 30*time.Second); len(failed) != 1 {
			t.Errorf("the answer names %q; want it left to the queue's own dead-lettering", failed)
		}
	})
}

func TestClose(t *testing.T) {
	var cause error
	on(t, "orders", func(ctx context.Context, _ *runtime.Task[work]) error {
		<-ctx.Done()
		cause = context.Cause(ctx)
		return cause
	}, &lambdaentry.Options{Concurrency: 1}, func(f *function) {
		f.enqueue("running")
		f.enqueue("waiting")
		e := f.event(2)
		failed := make(chan []string, 1)
		go func() { failed <- f.invoke(e, 15*time.Minute) }()
		time.Sleep(time.Second)
		start := time.Now()
		ctx, cancel := context.WithTimeout(f.Context(), 10*time.Second)
		defer cancel()
		if err := f.h.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if d := time.Since(start); d != 7*time.Second || cause != runtime.ErrDraining {
			t.Errorf("the handler's context ended after %v with %v", d, cause)
		}
		if got := <-failed; len(got) != 2 {
			t.Errorf("the answer names %q", got)
		}
		if _, err := f.h.Handle(f.Context(), e); !driver.Is(err, driver.Closed) {
			t.Errorf("after it: %v", err)
		}
	})
}

// On a mapping that deletes what an answer names, nothing is lost: what is done is
// deleted one by one, and a failure fails the invocation.
func TestAMappingThatTakesAnswersForTheWholeBatch(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		lambdaentry.Whole(f.h)
		f.enqueue("ok")
		f.enqueue("fail")
		if _, err := f.try(f.event(2), 30*time.Second); err == nil || !strings.Contains(err.Error(), "ReportBatchItemFailures") {
			t.Errorf("the invocation answers %v; want an error that names the setting", err)
		}
		if live, dead := f.stats(); live != 1 || dead != 0 {
			t.Errorf("%d messages, %d dead letters; want what failed", live, dead)
		}
		f.visible("what failed", 0)
		if failed := f.invoke(events.SQSEvent{}, 30*time.Second); len(failed) != 0 {
			t.Errorf("without a failure the answer names %q", failed)
		}
	}, runtime.Retry(runtime.RetryPolicy{Backoff: runtime.Fixed(0)}))
}

func TestNewRefuses(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		other, err := mem.New("other", nil)
		if err != nil {
			t.Fatal(err)
		}
		queues := func(qs ...driver.Queue) *runtime.Queues {
			all := new(runtime.Queues)
			for i, q := range qs {
				if err := all.Add(runtime.QueueInfo{Name: fmt.Sprint("q", i), Driver: q}); err != nil {
					t.Fatal(err)
				}
			}
			return all
		}
		for want, try := range map[string]func() (*lambdaentry.Handler, error){
			"no mux":                   func() (*lambdaentry.Handler, error) { return lambdaentry.New(nil, f.queues, nil) },
			"no handler is registered": func() (*lambdaentry.Handler, error) { return lambdaentry.New(runtime.NewMux(nil), f.queues, nil) },
			"no queue":                 func() (*lambdaentry.Handler, error) { return lambdaentry.New(f.mux, nil, nil) },
			"not of Amazon SQS":        func() (*lambdaentry.Handler, error) { return lambdaentry.New(f.mux, queues(other), nil) },
			`both "orders"`:            func() (*lambdaentry.Handler, error) { return lambdaentry.New(f.mux, queues(f.queue, f.fq), nil) },
			"concurrency -1": func() (*lambdaentry.Handler, error) {
				return lambdaentry.New(f.mux, f.queues, &lambdaentry.Options{Concurrency: -1})
			},
			"margin 6m0s is not within 0": func() (*lambdaentry.Handler, error) {
				return lambdaentry.New(f.mux, f.queues, &lambdaentry.Options{Margin: 6 * time.Minute})
			},
		} {
			if _, err := try(); !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v; want InvalidArgument with %q", err, want)
			}
		}
	})
}

func TestCheckRefusesWhatAWorkerRefuses(t *testing.T) {
	on(t, "orders", does, nil, func(f *function) {
		for what, tt := range map[string]struct {
			fault faultqueue.Fault
			want  string // in the error; empty for none
		}{
			"a queue without a dead letter": {faultqueue.Lie(nil, func(c *faultqueue.Call) { c.Policy.DeadLetterTarget = "" }), "it has no dead letter"},
			"a low limit":                   {faultqueue.Lie(nil, func(c *faultqueue.Call) { c.Policy.MaxAttempts = 5 }), "attempt limit 5 is below 15"},
			"no permission":                 {faultqueue.FailBefore(driver.Errorf(driver.PermissionDenied, "policy", "no")), "cannot be read"},
			"a broker that is down":         {faultqueue.FailBefore(driver.Errorf(driver.Unavailable, "policy", "down")), ""},
		} {
			f.fq.Clear()
			f.fq.Add(faultqueue.Rule{Op: faultqueue.Policy, Fault: tt.fault})
			err := f.h.Check(f.Context())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%s: %v; want %q", what, err, tt.want)
			}
		}
	})
}

// FuzzInvoke: whatever the event, the answer is a list of ids of the event or an error.
func FuzzInvoke(f *testing.F) {
	mux := runtime.NewMux(nil)
	mux.HandleAny(func(context.Context, *runtime.Info) error { return nil })
	queues := new(runtime.Queues)
	q, err := sqs.New(awssqs.New(awssqs.Options{Region: "us-east-1"}), "orders", nil)
	if err != nil {
		f.Fatal(err)
	}
	if err := queues.Add(runtime.QueueInfo{Name: "orders", Driver: &inert{q}}); err != nil {
		f.Fatal(err)
	}
	h, err := lambdaentry.New(mux, queues, &lambdaentry.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	const arn = `"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:1:orders"`
	f.Add([]byte(`{"Records":[{"messageId":"1","receiptHandle":"r","body":"x",` + arn + `}]}`))
	f.Add([]byte(`{"Records":[{"messageId":"1","receiptHandle":"r","body":"{\"specversion\":\"1.0\",\"id\":\"a\",\"type\":\"k\",\"source\":\"s\"}","attributes":{"ApproximateReceiveCount":"9","SentTimestamp":"-1","ApproximateFirstReceiveTimestamp":"99999999999999999"},"messageAttributes":{"longshore":{"stringValue":"{","dataType":"String"}},` + arn + `}]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		b, err := h.Invoke(t.Context(), payload)
		if err != nil {
			return
		}
		var event events.SQSEvent
		if err := json.Unmarshal(payload, &event); err != nil {
			t.Fatalf("an event that does not decode was answered: %v", err)
		}
		var answer events.SQSEventResponse
		if err := json.Unmarshal(b, &answer); err != nil || answer.BatchItemFailures == nil {
			t.Fatalf("answer %s, %v", b, err)
		}
		for _, one := range answer.BatchItemFailures {
			if one.ItemIdentifier == "" || !slices.ContainsFunc(event.Records, func(r events.SQSMessage) bool { return r.MessageId == one.ItemIdentifier }) {
				t.Fatalf("the answer names %q", one.ItemIdentifier)
			}
		}
	})
}

// inert is a queue whose every settle works and does nothing.
type inert struct{ *sqs.Queue }

func (*inert) Settle(_ context.Context, batch []driver.Settlement) []error {
	return make([]error, len(batch))
}
