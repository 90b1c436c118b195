//go:build unix

package chaos

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	workers     = 4
	concurrency = 16
	within      = 3 * time.Minute
)

// Options say what a storm does.
type Options struct {
	on    *bool
	tasks *int
	kills *int
	seed  *uint64
}

// Flags are the options as flags of the test binary: -chaos, without which no storm
// runs, -chaos-tasks, -chaos-kills and -chaos-seed.
func Flags() *Options {
	return &Options{
		on:    flag.Bool("chaos", false, "run what kills workers"),
		tasks: flag.Int("chaos-tasks", 10_000, "how many tasks are sent"),
		kills: flag.Int("chaos-kills", 10, "how often a worker is killed"),
		seed:  flag.Uint64("chaos-seed", 0, "the seed of what is done when; 0 takes the time"),
	}
}

// On is whether storms run.
func (o *Options) On() bool { return *o.on }

// Queue is a queue that nobody else uses, and is empty.
type Queue struct {
	Driver driver.Queue
	// Target is by what a worker process opens the same.
	Target []string
	// Hold is for how long its workers lease.
	Hold time.Duration
	// Quiet is for how long no handler must have begun or ended until Left is
	// asked: long enough for a lease to lapse and the task to come again, where Left
	// does not see what is leased.
	Quiet time.Duration
	// Left says what the queue and its dead letter have left; empty for nothing.
	Left func(ctx context.Context) (string, error)
}

// Run sends tasks to the queue and kills the processes that work on them. Every
// task is run to its end and settled, nothing is left behind, and what is run twice
// is explained: see judge. The queue is closed at the end.
func (o *Options) Run(t *testing.T, open func(ctx context.Context) (Queue, error)) {
	t.Helper()
	if !o.On() {
		t.Skip("it runs with -chaos")
	}
	seed := *o.seed
	if seed == 0 {
		seed = uint64(time.Now().Unix())
	}
	t.Logf("seed %d", seed)
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	queue, err := open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s := newStorm(t, o, queue, rand.New(rand.NewPCG(seed, 0)))
	for range workers {
		s.start()
	}
	start := time.Now()
	s.send(ctx)
	s.rage(ctx)
	took := time.Since(start)
	s.settled(ctx)
	s.drain()
	if left, err := queue.Left(ctx); err != nil || left != "" {
		t.Errorf("after the drain there is left: %s, %v", left, err)
	}
	s.account(took)
}

// storm is a queue, the processes that work on it and what they have written.
type storm struct {
	*testing.T
	options *Options
	random  *rand.Rand
	queue   Queue
	dir     string
	journal *journal
	sent    []runtime.TaskID
	workers []*process        // that run
	started int               // workers, in all
	kills   map[int]time.Time // by number of the worker
}

func newStorm(t *testing.T, o *Options, queue Queue, random *rand.Rand) *storm {
	t.Helper()
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "runs"))
	if err != nil {
		t.Fatal(err)
	}
	s := &storm{T: t, options: o, random: random, queue: queue, dir: dir, journal: newJournal(file), kills: make(map[int]time.Time)}
	t.Cleanup(s.end)
	return s
}

// start starts a worker.
func (s *storm) start() {
	s.started++
	p, err := launch(order{Number: s.started, Target: s.queue.Target, Log: s.journal.file.Name(), Concurrency: concurrency, Hold: s.queue.Hold}, s.dir)
	if err != nil {
		s.Fatal(err)
	}
	s.workers = append(s.workers, p)
}

// send enqueues the tasks. Most take a moment, one in 500 takes longer than its
// hold, so that it has to be extended.
func (s *storm) send(ctx context.Context) {
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: queueName, Driver: s.queue.Driver, Retry: retry()}); err != nil {
		s.Fatal(err)
	}
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		s.Fatal(err)
	}
	tasks := make([]task, *s.options.tasks)
	for i := range tasks {
		tasks[i].Pause = time.Duration(s.random.IntN(40)) * time.Millisecond
		if s.random.IntN(500) == 0 {
			tasks[i].Pause = s.queue.Hold + time.Duration(s.random.IntN(4000))*time.Millisecond
		}
	}
	for _, r := range runtime.EnqueueMany(ctx, client, tasks) {
		if r.Err != nil {
			s.Fatalf("enqueue: %v", r.Err)
		}
		s.sent = append(s.sent, r.ID)
	}
}

// rage waits until every task has been run to its end, and kills a worker each
// time that as many more are done as the seed says.
func (s *storm) rage(ctx context.Context) {
	after := make([]int, *s.options.kills) // tasks done by the time of each kill
	for i := range after {
		after[i] = s.random.IntN(max(1, len(s.sent)*9/10))
	}
	slices.Sort(after)
	s.until(ctx, "all tasks are run", func() (bool, string) {
		done := s.done()
		for len(after) > 0 && after[0] <= done {
			after = after[1:]
			s.kill(s.random.IntN(len(s.workers)))
			s.start()
		}
		return done >= len(s.sent), fmt.Sprintf("%d of %d are", done, len(s.sent))
	})
}

// kill ends a worker by SIGKILL.
func (s *storm) kill(i int) {
	p := s.workers[i]
	s.workers = slices.Delete(s.workers, i, i+1)
	s.kills[p.number] = time.Now()
	if err := p.kill(); err != nil {
		s.Fatalf("kill worker %d: %v", p.number, err)
	}
}

// settled waits until neither the queue nor the dead letter has a message.
func (s *storm) settled(ctx context.Context) {
	s.until(ctx, "all tasks are settled", func() (bool, string) {
		s.done()
		if quiet := time.Since(s.journal.last()); quiet < s.queue.Quiet {
			return false, fmt.Sprintf("a handler began or ended %v ago", quiet)
		}
		left, err := s.queue.Left(ctx)
		if err != nil {
			s.Fatalf("what is left: %v", err)
		}
		return left == "", "there is left: " + left
	})
}

// until waits for a condition while no worker ends by itself.
func (s *storm) until(ctx context.Context, what string, met func() (bool, string)) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, state := met()
		if ok {
			return
		}
		for _, p := range s.workers {
			if p.hasEnded() {
				s.Fatalf("worker %d ended by itself: %v\n%s", p.number, p.err, p.output())
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.Fatalf("not within %v: %s; %s", within, what, state)
		}
	}
}

// drain ends the workers as a deployment does.
func (s *storm) drain() {
	for _, p := range s.workers {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			s.Errorf("signal worker %d: %v", p.number, err)
		}
	}
	for _, p := range s.workers {
		if err := p.wait(); err != nil {
			s.Errorf("worker %d: %v\n%s", p.number, err, p.output())
		}
	}
	s.workers = nil
}

// end ends what a failure has left.
func (s *storm) end() {
	for _, p := range s.workers {
		_ = p.kill() // it may have ended
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = s.journal.file.Close() // it was read only
	if err := s.queue.Driver.Close(ctx); err != nil {
		s.Errorf("close: %v", err)
	}
}

// done is how many tasks have been run to their end so far.
func (s *storm) done() int {
	if err := s.journal.read(); err != nil {
		s.Fatal(err)
	}
	return len(s.journal.done)
}

// account prints the figures and judges them.
func (s *storm) account(took time.Duration) {
	done := s.done()
	runs := runsOf(s.journal.entries)
	v := judge(s.sent, runs, s.kills)
	s.Logf("%d tasks sent, %d run to their end in %v, %.0f a second; %d lost; all settled, none dead",
		len(s.sent), done, took.Round(100*time.Millisecond), float64(len(s.sent))/took.Seconds(), len(v.lost))
	s.Logf("%d workers, %d killed by SIGKILL; %d runs beyond the first: %d after a kill, %d after the lease had ended, %d unexplained; highest attempt %d",
		s.started, len(s.kills), v.duplicates, v.killed, v.lapsed, len(v.unexplained), highest(runs))
	for _, id := range v.lost[:min(len(v.lost), 10)] {
		s.Errorf("task %s is lost", id)
	}
	for _, d := range v.unexplained[:min(len(v.unexplained), 10)] {
		s.Errorf("unexplained: %s", d)
	}
	if len(s.kills) != *s.options.kills {
		s.Errorf("%d workers were killed; want %d", len(s.kills), *s.options.kills)
	}
	if len(runs) != len(s.sent) {
		s.Errorf("%d tasks were run; want the %d that were sent", len(runs), len(s.sent))
	}
}
