package main

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// demoQueue is what the story calls its queue.
const demoQueue = "demo"

// story is what longshore demo shows, in three acts.
type story struct {
	queue   driver.Queue
	tell    *teller
	ledger  *demoLedger
	fixed   atomic.Bool // the bug of the imports is
	queues  *runtime.Queues
	workers []*demoWorker

	listed int // dead letters after the first act
	moved  int // by the redrive

	mu   sync.Mutex
	told map[string]bool // guarded by mu; kinds of which a failure was told
}

func newStory(q driver.Queue, tell *teller) *story {
	return &story{queue: q, tell: tell, ledger: newDemoLedger(), queues: new(runtime.Queues), told: make(map[string]bool)}
}

// run plays the acts as far as it comes, ends the workers and adds up.
func (s *story) run(ctx context.Context) *demoSum {
	s.tell.opening()
	var problems []error
	err := s.play(ctx)
	complete := ctx.Err() == nil
	if complete && err != nil {
		problems = append(problems, err)
	}
	return s.sum(context.WithoutCancel(ctx), complete, append(problems, s.stopAll()...))
}

// play plays the acts until one fails or ctx ends.
func (s *story) play(ctx context.Context) error {
	if err := s.queues.Add(runtime.QueueInfo{Name: demoQueue, Driver: s.queue}); err != nil {
		return err
	}
	for _, act := range []func(context.Context) error{s.goWrong, s.listDead, s.redrive} {
		if err := act(ctx); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

// goWrong is the first act: all tasks run, until each has succeeded or is dead.
func (s *story) goWrong(ctx context.Context) error {
	tasks := demoTasks()
	s.tell.goWrong(tasks)
	if err := s.enqueue(ctx, tasks); err != nil {
		return err
	}
	reports := slices.IndexFunc(tasks, func(t demoTask) bool { return t.trouble != losesWorker })
	doomed, err := s.start(ctx, "worker 2", reports, true)
	if err != nil {
		return err
	}
	starting, started := context.WithTimeout(ctx, time.Second)
	s.ledger.waitRunning(starting, doomed, reports)
	started()
	if _, err := s.start(ctx, "worker 1", 12, false); err != nil {
		return err
	}
	s.tell.event("%s wait on the queue; worker 1 and worker 2 start", count(len(tasks), "task"))

	if !pause(ctx, time.Second) {
		return nil
	}
	runs := s.ledger.cutOff(doomed)
	doomed.kill()
	s.tell.event("worker 2 is cut off, as by a power failure, with %s half done", count(runs, "task"))
	if !pause(ctx, time.Second/2) {
		return nil
	}
	if _, err := s.start(ctx, "worker 3", 12, false); err != nil {
		return err
	}
	s.tell.event("worker 3 takes its place; the tasks come back when their hold is over")
	s.wait(ctx, s.ledger.waitSettled)
	return nil
}

func (s *story) enqueue(ctx context.Context, tasks []demoTask) error {
	client, err := runtime.NewClient(s.queues, nil)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		raw := runtime.Raw{Kind: t.kind, Data: []byte(t.trouble), ContentType: "text/plain"}
		id, err := runtime.EnqueueRaw(ctx, client, raw, runtime.ID(t.id))
		if err != nil {
			return err
		}
		s.ledger.enqueued(id)
	}
	return nil
}

// wait waits as long as there is something to wait for.
func (s *story) wait(ctx context.Context, settled func(context.Context) bool) {
	waitOrEmpty(ctx, settled, func() (demoTally, *driver.Stats) {
		stats, err := s.queue.Stats(ctx)
		if err != nil {
			return demoTally{}, nil
		}
		return s.ledger.snapshot(), &stats
	})
}

// listDead is the second act: what is in the dead letter is shown and stays.
func (s *story) listDead(ctx context.Context) error {
	s.tell.listDead(s.ledger.snapshot())
	_, err := runtime.Redrive(ctx, s.queues, demoQueue, &runtime.RedriveOptions{
		Match: func(d runtime.DeadTask) bool {
			s.listed++
			s.tell.dead(&d)
			return false
		},
	})
	return err
}

// redrive is the third act: the bug is fixed, and the dead letters go back.
func (s *story) redrive(ctx context.Context) error {
	s.tell.redrive()
	s.fixed.Store(true)
	s.tell.event("the new version of the import handler is deployed")
	report, err := runtime.Redrive(ctx, s.queues, demoQueue, &runtime.RedriveOptions{Rate: 4})
	s.moved = report.Moved
	if err != nil {
		return err
	}
	s.tell.event("the redrive found no more for two seconds and ends: %d of %d sent back", report.Moved, report.Examined)
	s.wait(ctx, s.ledger.waitSucceeded)
	return nil
}

// began is told by w that it runs a task.
func (s *story) began(w *demoWorker, t *runtime.Info) {
	if s.ledger.began(w, t) {
		s.tell.event("%s comes back: %s runs it, attempt %d", t.ID, w.name, t.Attempt)
	}
}

// settled is told by w how a delivery ended.
func (s *story) settled(w *demoWorker, settled *runtime.Settled) {
	d := &settled.Decision
	switch end, took := s.ledger.settled(w, settled); {
	case end == demoDies:
		s.tell.event("%s is dead after %s (%s)", d.Task.ID, count(d.Task.Attempt, "attempt"), d.Settlement.Reason)
	case end == demoAgain && s.firstOf(d.Task.Kind):
		s.tell.event("%s fails: %s; attempt %d of %d in %v", d.Task.ID, brief(d.Err.Error()),
			d.Task.Attempt+1, d.Task.MaxAttempts, rounded(delayOf(d)))
	case end == demoDone && d.Task.Redrives > 0:
		s.tell.event("%s is done, attempt %d of redrive %d", d.Task.ID, d.Task.Attempt, d.Task.Redrives)
	case end == demoDone && took > demoHold:
		s.tell.event("%s is done after %v on a lease of %v, which was extended", d.Task.ID, took.Round(time.Second/10), demoHold)
	case end == demoDone && d.Task.Attempt > 1 && d.Task.Kind == "report.build":
		s.tell.event("%s is done", d.Task.ID)
	case end == demoTwice:
		s.tell.event("%s ran again although it had succeeded", d.Task.ID)
	}
}

// firstOf says whether a failure is the first of its kind.
func (s *story) firstOf(kind string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.told[kind]
	s.told[kind] = true
	return first
}

// pause waits for d and says false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
