package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// testJob is a job with a handler of the test's own, for a bubble.
type testJob struct {
	layer struct{ driver.Queue } // what the job has for its queue; a test may put another in
	*job
	path     string // of the failed file
	out, err bytes.Buffer

	mu   sync.Mutex
	done map[int]int // guarded by mu; times that a line succeeded
}

type testHandler func(ctx context.Context, number int, t *runtime.Info) error

func newTestJob(t *testing.T, in io.Reader, handle testHandler, change func(*runOptions)) *testJob {
	t.Helper()
	j := &testJob{path: filepath.Join(t.TempDir(), "failed.jsonl"), done: make(map[int]int)}
	o := &runOptions{
		workerFlags: workerFlags{
			queueFlags: queueFlags{names: []string{"mem://jobs"}}, concurrency: 10, maxAttempts: 5,
			timeout: time.Minute, backoff: time.Second, grace: 30 * time.Second,
		},
		kind: "line", failed: j.path,
	}
	if change != nil {
		change(o)
	}
	err := o.resolve()
	if err != nil {
		t.Fatal(err)
	}
	o.override()
	if j.job, err = newJob(o, streams{in: in, out: &j.out, err: &j.err}); err != nil {
		t.Fatal(err)
	}
	j.openQueue = func(ctx context.Context, s *runtime.QueueSettings) (runtime.QueueInfo, error) {
		info, err := s.Open(ctx)
		j.layer.Queue, info.Driver = info.Driver, &j.layer
		return info, err
	}
	err = j.open(t.Context(), func(ctx context.Context, task *runtime.Info) error {
		n, _ := j.account.number(task.ID)
		if payload, _ := task.Payload(); string(payload) != fmt.Sprint("line ", n) {
			t.Errorf("line %d got the payload %q", n, payload)
		}
		err := handle(ctx, n, task)
		if err == nil {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.done[n]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// lines is an input of n lines.
func lines(n int) io.Reader {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, "line", i+1)
	}
	return strings.NewReader(b.String())
}

// checkAll checks that each line up to the last succeeded or is in the failed
// file, and none of them both; and that the counts say so.
func (j *testJob) checkAll(t *testing.T, last int) {
	t.Helper()
	c := j.account.snapshot()
	if err := c.check(); err != nil {
		t.Error(err)
	}
	if c.Sent != last || c.Succeeded != len(j.done) {
		t.Errorf("sent %d and succeeded %d, want %d and %d", c.Sent, c.Succeeded, last, len(j.done))
	}
	var failed []failure
	if c.Succeeded < last {
		failed = readFailures(t, j.path)
	}
	if len(failed) != c.Dead+c.Unfinished {
		t.Errorf("%d lines in the failed file, want %d", len(failed), c.Dead+c.Unfinished)
	}
	seen := make(map[int]bool)
	for _, f := range failed {
		if seen[f.Line] || j.done[f.Line] > 0 || f.Line < 1 || f.Line > last || f.Payload != fmt.Sprint("line ", f.Line) {
			t.Errorf("line %d does not belong into the failed file: %+v", f.Line, f)
		}
		seen[f.Line] = true
	}
	reruns := 0
	for _, times := range j.done {
		reruns += times - 1
	}
	if c.Duplicates < reruns {
		t.Errorf("%d duplicates, but %d lines succeeded again", c.Duplicates, reruns)
	}
}

// fate is a handler that does something else to each line and attempt, as the
// seed has it.
func fate(seed uint64) testHandler {
	return func(ctx context.Context, n int, task *runtime.Info) error {
		r := rand.New(rand.NewPCG(seed, uint64(n)<<8|uint64(task.Attempt)))
		select {
		case <-time.After(time.Duration(r.IntN(2000)) * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		switch r.IntN(12) {
		case 0, 1, 2:
			return errBoom
		case 3:
			return runtime.Permanent(errBoom)
		case 4:
			return runtime.RetryAfter(time.Duration(r.IntN(100))*time.Second, errBoom)
		case 5:
			<-ctx.Done() // the timeout, or the drain
			return context.Cause(ctx)
		case 6:
			panic("boom")
		}
		return nil
	}
}

func TestJobAccountsForEachLine(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			j := newTestJob(t, lines(1000), fate(seed), nil)

			code, err := j.run(t.Context(), nil)

			if code != exitFailed || err != nil {
				t.Errorf("exit code %d, %v; want %d", code, err, exitFailed)
			}
			j.checkAll(t, 1000)
			if c := j.account.snapshot(); c.Unfinished != 0 || c.Dead == 0 || c.Succeeded == 0 || c.Retries == 0 {
				t.Errorf("counts %+v; want some of each and none unfinished", c)
			}
			for _, f := range readFailures(t, j.path) {
				if f.Attempts < 1 || f.Error == "" || f.Reason != driver.ReasonPermanent && f.Reason != driver.ReasonExhausted {
					t.Errorf("a dead line: %+v", f)
				}
			}
		})
	}
}

func TestJobAccountsForEachLineWhenItIsStopped(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			j := newTestJob(t, lines(12_000), fate(seed), nil) // more than what may be ahead
			time.AfterFunc(time.Duration(seed)*20*time.Second, cancel)

			code, err := j.run(ctx, nil)

			if code != exitFailed || err != nil {
				t.Errorf("exit code %d, %v; want %d", code, err, exitFailed)
			}
			j.checkAll(t, j.lastLine)
			if want := fmt.Sprintf("the input was read up to line %d\n", j.lastLine); !strings.Contains(j.err.String(), want) {
				t.Errorf("it does not say %q but\n%s", want, j.err.String())
			}
		})
	}
}

func TestJobIsAborted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		again, end := make(chan struct{}), make(chan struct{})
		j := newTestJob(t, lines(30), func(context.Context, int, *runtime.Info) error {
			<-end // whatever its context says
			return nil
		}, func(o *runOptions) { o.grace = time.Hour })
		time.AfterFunc(time.Second, cancel)
		time.AfterFunc(time.Minute, func() { close(again) })
		began := time.Now()

		code, _ := j.run(ctx, again)

		if took := time.Since(began); code != exitAborted || took != time.Minute {
			t.Errorf("exit code %d after %v; want %d after 1m", code, took, exitAborted)
		}
		j.checkAll(t, 30)
		if c := j.account.snapshot(); c.Unfinished != 30 {
			t.Errorf("counts %+v, want 30 unfinished", c)
		}
		close(end)
	})
}

// A handler that outlives the grace must not keep the job from its accounting.
func TestJobWithAHandlerThatNeverReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan struct{})
		j := newTestJob(t, lines(3), func(_ context.Context, n int, _ *runtime.Info) error {
			if n == 2 {
				<-end
			}
			return nil
		}, nil)
		time.AfterFunc(time.Second, cancel)

		code, err := j.run(ctx, nil)

		if code != exitFailed || err != nil || !strings.Contains(j.err.String(), "some tasks did not return within 30s; their lines are unfinished") {
			t.Errorf("exit code %d, %v, and it says\n%s", code, err, j.err.String())
		}
		j.checkAll(t, 3)
		close(end)
	})
}

// lossy loses the n-th message and claims to have it.
type lossy struct {
	driver.Queue
	n int
}

func (q *lossy) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	if q.n -= len(batch); q.n == 0 {
		return []driver.SendResult{{ID: "lost"}}
	}
	return q.Queue.Send(ctx, batch)
}

func TestJobNoticesALostTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newTestJob(t, lines(5), func(context.Context, int, *runtime.Info) error { return nil }, nil)
		j.layer.Queue = &lossy{j.layer.Queue, 3}

		code, _ := j.run(t.Context(), nil)

		got := j.account.snapshot()
		if want := (counts{Sent: 5, Succeeded: 4, Lost: 1, Attempts: 4}); code != exitFailed || got != want {
			t.Errorf("exit code %d with %+v, want %+v", code, got, want)
		}
		if f := readFailures(t, j.path); len(f) != 1 || f[0].Line != 3 {
			t.Errorf("the failed file holds %+v, want line 3", f)
		}
	})
}

// refusing answers the sends from the n-th on with an error.
type refusing struct {
	driver.Queue
	n   int
	err error
}

func (q *refusing) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	if q.n--; q.n <= 0 {
		return driver.FailSend(len(batch), q.err)
	}
	return q.Queue.Send(ctx, batch)
}

func TestJobEndsWhenTheQueueTakesNoMore(t *testing.T) {
	for _, code := range []driver.Code{driver.PermissionDenied, driver.Unavailable} {
		synctest.Test(t, func(t *testing.T) {
			j := newTestJob(t, lines(50), func(context.Context, int, *runtime.Info) error { return nil }, nil)
			j.layer.Queue = &refusing{j.layer.Queue, 4, driver.Errorf(code, "send", "not today")}

			exit, _ := j.run(t.Context(), nil)

			got := j.account.snapshot()
			if want := (counts{Sent: 4, Succeeded: 3, Unfinished: 1, Attempts: 3}); exit != exitFailed || got != want {
				t.Errorf("%v: exit code %d with %+v, want %+v", code, exit, got, want)
			}
			if f := readFailures(t, j.path); len(f) != 1 || f[0].Line != 4 || f[0].Reason != reasonNotEnqueued || !strings.Contains(f[0].Error, "not today") {
				t.Errorf("the failed file holds %+v, want line 4", f)
			}
			if want := "line 4 could not be enqueued"; !strings.Contains(j.err.String(), want) {
				t.Errorf("it does not say %q but\n%s", want, j.err.String())
			}
		})
	}
}

// broken answers every receive but the first with an error, once more was sent
// than a worker leases at a time.
type broken struct {
	driver.Queue
	receives, sends atomic.Int64
	enough          chan struct{} // closed by the hundredth send
}

func (q *broken) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	results := q.Queue.Send(ctx, batch)
	if q.sends.Add(1) == 100 {
		close(q.enough)
	}
	return results
}

func (q *broken) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	if q.receives.Add(1) > 1 {
		select {
		case <-q.enough:
			return nil, driver.Errorf(driver.NotFound, "receive", "deleted")
		case <-ctx.Done():
			return nil, driver.ContextError(ctx, "receive")
		}
	}
	return q.Queue.Receive(ctx, opts)
}

func TestJobEndsWhenTheQueueIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newTestJob(t, lines(3*maxAhead), func(context.Context, int, *runtime.Info) error { return nil }, nil)
		j.layer.Queue = &broken{Queue: j.layer.Queue, enough: make(chan struct{})}

		code, _ := j.run(t.Context(), nil)

		j.checkAll(t, j.lastLine)
		for _, want := range []string{"receive: deleted", "the worker has ended"} {
			if !strings.Contains(j.err.String(), want) {
				t.Errorf("it does not say %q but\n%s", want, j.err.String())
			}
		}
		if c := j.account.snapshot(); code != exitFailed || c.Unfinished == 0 {
			t.Errorf("exit code %d with %+v", code, c)
		}
	})
}

func TestJobThatIsStoppedBeforeItStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		j := newTestJob(t, lines(3), func(context.Context, int, *runtime.Info) error { return nil }, nil)
		cancel()

		code, err := j.run(ctx, nil)

		if code != exitFailed || err != nil {
			t.Errorf("exit code %d, %v; want %d", code, err, exitFailed)
		}
		j.checkAll(t, j.lastLine)
	})
}

func TestJobWhoseInputBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := io.MultiReader(lines(5), iotest.ErrReader(errors.New("broken")))
		j := newTestJob(t, in, func(context.Context, int, *runtime.Info) error { return nil }, nil)

		code, _ := j.run(t.Context(), nil)

		j.checkAll(t, 5)
		if want := "reading the input failed after line 5: broken"; code != exitFailed || !strings.Contains(j.err.String(), want) {
			t.Errorf("exit code %d, and it does not say %q but\n%s", code, want, j.err.String())
		}
	})
}

// The reader must not run ahead of the worker without limit.
func TestJobReadsNoFurtherAheadThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		j := newTestJob(t, lines(3*maxAhead), func(ctx context.Context, n int, _ *runtime.Info) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}, func(o *runOptions) { o.timeout = 0 })
		time.AfterFunc(time.Hour, cancel)

		_, _ = j.run(ctx, nil)

		if j.lastLine != maxAhead {
			t.Errorf("%d lines were taken, want %d", j.lastLine, maxAhead)
		}
		j.checkAll(t, maxAhead)
	})
}

func TestJobTellsOfDeadLines(t *testing.T) {
	for verbose, want := range map[bool]int{false: maxTold, true: 25} {
		synctest.Test(t, func(t *testing.T) {
			j := newTestJob(t, lines(25), func(context.Context, int, *runtime.Info) error {
				return runtime.Permanent(errors.New("first\x1b[2J\nlast"))
			}, func(o *runOptions) { o.verbose = verbose })

			_, _ = j.run(t.Context(), nil)

			text := j.err.String()
			if got := strings.Count(text, `is dead after 1 attempt (permanent): first\x1b[2J … last`+"\n"); got != want {
				t.Errorf("it tells of %d dead lines, want %d:\n%s", got, want, text)
			}
			if rest := strings.Contains(text, "… and 15 more dead lines\n"); rest == verbose {
				t.Errorf("verbose %v, and it says\n%s", verbose, text)
			}
			if strings.Contains(text, "task buried") {
				t.Errorf("the worker's log tells it again:\n%s", text)
			}
		})
	}
}

// Longer than the queue delays a release, so that a copy waits.
func TestJobTellsOfALongRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newTestJob(t, lines(1), func(_ context.Context, _ int, task *runtime.Info) error {
			if task.Attempt == 1 {
				return runtime.RetryAfter(20*time.Hour, errors.New("busy"))
			}
			return nil
		}, func(o *runOptions) { o.verbose = true })

		code, _ := j.run(t.Context(), nil)

		if want := "line 1: attempt 1 of 5 failed, again in 20h0m0s: busy\n"; code != exitOK || !strings.Contains(j.err.String(), want) {
			t.Errorf("exit code %d and\n%swant %q", code, &j.err, want)
		}
	})
}

func TestJobTellsOfRetriesOnlyWhenAsked(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			j := newTestJob(t, lines(1), func(_ context.Context, _ int, task *runtime.Info) error {
				if task.Attempt < 3 {
					return errBoom
				}
				return nil
			}, func(o *runOptions) { o.verbose = verbose })

			code, _ := j.run(t.Context(), nil)

			if got := strings.Contains(j.err.String(), "line 1: attempt 2 of 5 failed, again in "); got != verbose || code != exitOK {
				t.Errorf("exit code %d, verbose %v, and it says\n%s", code, verbose, j.err.String())
			}
		})
	}
}
