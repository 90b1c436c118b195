package lambdaentry

import (
	"context"
	"errors"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// A message may come to a process that still runs it: when its visibility has ended in
// spite of all, and the process has several invocations at a time. It is not run twice
// beside itself: the run that there is goes on with the newer lease.

// runKey is a message that runs.
type runKey struct {
	source *source
	id     string
}

// run is a message's run. What it came to is set when ended is closed.
type run struct {
	batch    *batch
	item     *item
	ended    chan struct{}
	decision runtime.Decision
}

// dispatch runs the message of it, or joins the run that there is.
func (b *batch) dispatch(ctx context.Context, it *item) runtime.Decision {
	delivery := it.delivery() // from begin on, others may change it
	for {
		first, mine := b.begin(it)
		if mine {
			d := exited()
			defer func() { b.end(first, d) }()
			d = b.mux.Dispatch(ctx, delivery)
			return d
		}
		if d, ok := b.join(ctx, it, first); ok {
			return d
		}
	}
}

// exitDelay is how long a task is put off whose handler has ended its goroutine.
const exitDelay = 10 * time.Second

var errExited = errors.New("the handler ended its goroutine (runtime.Goexit)")

// exited is what becomes of a run without a result.
func exited() runtime.Decision {
	return runtime.Decision{Action: runtime.Settle, Settlement: driver.Settlement{Verdict: driver.Release, Delay: exitDelay}, Err: errExited}
}

// begin says that the message of it runs from now on, unless it does so already.
func (b *batch) begin(it *item) (r *run, mine bool) {
	b.Handler.mu.Lock()
	defer b.Handler.mu.Unlock()
	key := runKey{it.source, it.id}
	if r = b.runs[key]; r != nil {
		return r, false
	}
	r = &run{batch: b, item: it, ended: make(chan struct{})}
	b.runs[key] = r
	return r, true
}

// end says what a run has come to.
func (b *batch) end(r *run, d runtime.Decision) {
	b.Handler.mu.Lock()
	defer b.Handler.mu.Unlock()
	r.decision = d
	close(r.ended)
	delete(b.runs, runKey{r.item.source, r.item.id})
}

// join hands the lease of it to the run that there is and waits for what that comes to.
// It answers false when that had lost its lease before.
func (b *batch) join(ctx context.Context, it *item, first *run) (runtime.Decision, bool) {
	b.options.Logger.Warn("a message came again while it runs here; it is not started twice", "queue", it.source.info.Name, "message", it.id)
	first.batch.mu.Lock()
	took := first.item.state == running && !first.item.lost
	if took {
		first.item.lease, first.item.expires, first.item.extendAt = it.lease, it.expires, it.extendAt
	}
	first.batch.mu.Unlock()
	b.mu.Lock()
	it.joined = took
	b.mu.Unlock()
	nothing := runtime.Decision{Action: runtime.Nothing, Err: runtime.ErrLeaseLost}
	select {
	case <-first.ended:
	case <-ctx.Done(): // that run has the lease
		return nothing, true
	}
	d := first.decision
	switch {
	case d.Action == runtime.Settle && d.Settlement.Verdict == driver.Ack:
		return d, true
	case took && d.Action != runtime.Nothing:
		return nothing, true // that run sees to it
	}
	b.mu.Lock()
	it.joined = false
	b.mu.Unlock()
	return runtime.Decision{}, false
}
