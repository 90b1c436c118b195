package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

const (
	demoHold = 3 * time.Second
	// demoLongTask outlives its hold.
	demoLongTask = demoHold * 3 / 2
)

// demoRetries has a task that fails each time dead within two seconds.
var demoRetries = runtime.RetryPolicy{MaxAttempts: 4, Backoff: runtime.Exponential(300*time.Millisecond, time.Second)}

// demoTask is a task of the story. Its trouble is its payload.
type demoTask struct {
	id      runtime.TaskID
	kind    string
	trouble trouble
}

// trouble is what is to go wrong with a task.
type trouble string

const (
	noTrouble    trouble = "none"
	failsOnce    trouble = "the mail server is busy once"
	outlivesHold trouble = "it takes longer than the hold"
	losesWorker  trouble = "its first worker is cut off"
	badCurrency  trouble = "its currency is not known"
	badDate      trouble = "its date can be read in two ways"
	badSignature trouble = "its signature does not fit, which no retry can help"
	badRegion    trouble = "its region makes the handler panic"
)

// demoTasks are all tasks in the order in which they are enqueued. The reports
// come first, for the worker that is to be cut off.
func demoTasks() []demoTask {
	var tasks []demoTask
	for _, group := range []struct {
		name, kind string
		troubles   []trouble
	}{
		{"report", "report.build", []trouble{losesWorker, losesWorker, losesWorker}},
		{"mail", "mail.send", []trouble{
			failsOnce, noTrouble, failsOnce, noTrouble, noTrouble, failsOnce, noTrouble,
			failsOnce, noTrouble, failsOnce, noTrouble, noTrouble, failsOnce, noTrouble,
		}},
		{"video", "video.encode", []trouble{outlivesHold, outlivesHold, outlivesHold}},
		{"import", "order.import", []trouble{badCurrency, badDate, badSignature, badRegion}},
	} {
		for i, trouble := range group.troubles {
			tasks = append(tasks, demoTask{runtime.TaskID(fmt.Sprintf("%s-%d", group.name, i+1)), group.kind, trouble})
		}
	}
	return tasks
}

var (
	errBusy   = errors.New("the mail server is busy")
	errCutOff = errors.New("the worker is cut off")
)

// handle does one attempt in worker w.
func (s *story) handle(ctx context.Context, w *demoWorker, t *runtime.Info) error {
	payload, _ := t.Payload()
	what := trouble(payload)
	switch {
	case what == failsOnce && t.Attempt == 1:
		return errBusy
	case what == outlivesHold:
		return w.work(ctx, demoLongTask)
	case what == losesWorker && w.doomed:
		return w.work(ctx, time.Hour)
	case what == losesWorker:
		return w.work(ctx, time.Second)
	case s.fixed.Load():
	case what == badCurrency:
		return errors.New(`currency "XTS" is not known`)
	case what == badDate:
		return errors.New(`date "11/12/26" is ambiguous`)
	case what == badSignature:
		return runtime.Permanent(errors.New("the signature does not fit"))
	case what == badRegion:
		panic("no rate for region 7")
	}
	return w.work(ctx, 50*time.Millisecond)
}

// work takes as long as d, unless the worker or its patience ends before.
func (w *demoWorker) work(ctx context.Context, d time.Duration) error {
	done := time.NewTimer(d)
	defer done.Stop()
	select {
	case <-done.C:
		return nil
	case <-w.cut:
		return errCutOff
	case <-ctx.Done():
		return ctx.Err()
	}
}
