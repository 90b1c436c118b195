package lambdaentry

import (
	"context"
	"errors"
	"log"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// checkTime bounds the start-up check: a function has 10 s to start. Source: AWS
	// Lambda Developer Guide, "Understanding the Lambda execution environment
	// lifecycle".
	checkTime = 5 * time.Second
	// termTime is how long a process has from SIGTERM on, less what the runtime needs.
	// Source: as above, "Shutdown phase": 300 ms with an internal extension.
	termTime = 250 * time.Millisecond
)

// Start checks the queues and answers the invocations of this function; it does not
// return. What New or Check refuse ends the process, which Lambda logs and counts as an
// error of the function; no message is lost by it. At SIGTERM, which Lambda sends before
// it ends an idle process, telemetry is flushed and the queues are closed.
func Start(mux *runtime.Mux, queues *runtime.Queues, opts *Options) {
	h, err := New(mux, queues, opts)
	if err == nil {
		err = h.Check(context.Background())
	}
	if err != nil {
		log.Fatal(err)
	}
	var looking sync.WaitGroup
	if f, ok := here(); ok {
		h.mapping.looked = make(chan struct{})
		looking.Go(func() {
			defer close(h.mapping.looked)
			h.mapping.look(context.Background(), http.DefaultClient, f, slices.Collect(maps.Keys(h.sources)), h.options.Logger)
		})
	}
	h.exit = func() { log.Fatal("lambdaentry: the process ends itself, as handlers outlived their invocation") }
	lambda.StartWithOptions(h, lambda.WithEnableSIGTERM(func() { h.terminate(queues) }))
	looking.Wait()
}

// terminate is what there is time for at SIGTERM.
func (h *Handler) terminate(queues *runtime.Queues) {
	ctx, cancel := context.WithTimeout(context.Background(), termTime)
	defer cancel()
	err := h.Close(ctx)
	if h.options.Flush != nil {
		err = errors.Join(err, h.options.Flush(ctx))
	}
	if err = errors.Join(err, queues.Close(ctx)); err != nil {
		h.options.Logger.Warn("the process ends before all of it has", "error", err)
	}
}

// Check is the start-up check of a Worker, for the queues of the function. It answers
// InvalidArgument for what a Worker would refuse, naming each setting and its fix, and
// the code that reading a queue's configuration answered; but not when that is worth
// another try: then the function begins, and the log says so.
func (h *Handler) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	names := slices.Sorted(maps.Keys(h.sources))
	errs := make([]error, len(names))
	var checks sync.WaitGroup
	for i, name := range names {
		checks.Go(func() { errs[i] = h.checkSource(ctx, h.sources[name]) })
	}
	checks.Wait()
	return errors.Join(errs...)
}

func (h *Handler) checkSource(ctx context.Context, s *source) error {
	policy, found, err := runtime.CheckQueue(ctx, s.info, h.mux)
	if driver.Retryable(err) || driver.Is(err, driver.DeadlineExceeded) {
		h.options.Logger.Warn("the start-up check cannot be made", "queue", s.info.Name, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	if h.mux.Limited(s.info) {
		h.options.Logger.Warn("limits of rate and concurrency of the queue or its kinds are a Worker's, and not kept; set the mapping's maximum concurrency", "queue", s.info.Name)
	}
	s.hold.Store(int64(policy.Hold))
	s.limit.Store(int64(policy.MaxAttempts))
	errs := make([]error, 0, len(found))
	for _, f := range found {
		errs = append(errs, invalid("lambdaentry: start on queue "+f.Queue, "%w", f))
	}
	return errors.Join(errs...)
}
