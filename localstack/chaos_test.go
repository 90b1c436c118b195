package localstack_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/localstack"
	"github.com/longshore-dev/longshore/runtime"
)

var (
	chaos      = flag.Bool("chaos", false, "run TestChaos")
	chaosTasks = flag.Int("chaos-tasks", 10_000, "how many tasks TestChaos sends")
	chaosKills = flag.Int("chaos-kills", 10, "how often it kills a worker")
	chaosSeed  = flag.Uint64("chaos-seed", 0, "the seed of what it does when; 0 takes the time")
)

func TestMain(m *testing.M) {
	if order := os.Getenv(envWorker); order != "" {
		if err := beWorker(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	os.Exit(localstack.Main(m))
}

const (
	chaosWorkers     = 4
	chaosConcurrency = 16
	chaosHold        = 8 * time.Second
	chaosWithin      = 3 * time.Minute
)

// TestChaos sends tasks and kills the processes that work on them, now one and
// then another. Every task is run to its end and settled, and what is run twice
// is explained: see judgeRuns.
func TestChaos(t *testing.T) {
	if !*chaos {
		t.Skip("it is run by make chaos-localstack")
	}
	instance, err := localstack.Shared()
	if err != nil {
		t.Fatal(err)
	}
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().Unix())
	}
	t.Logf("seed %d, LocalStack by %s", seed, instance.Via())
	ctx, cancel := context.WithTimeout(t.Context(), chaosWithin)
	defer cancel()
	c := newStorm(ctx, t, instance.Endpoint(), rand.New(rand.NewPCG(seed, 0)))
	for range chaosWorkers {
		c.start()
	}
	start := time.Now()
	c.send(ctx)
	c.rage(ctx)
	c.settled(ctx)
	took := time.Since(start)
	c.drain()
	c.account(took)
}

// storm is a queue, the processes that work on it and what they have written.
type storm struct {
	t        *testing.T
	random   *rand.Rand
	endpoint string
	url      string
	queue    *sqs.Queue
	dir      string
	journal  *journal
	sent     []runtime.TaskID
	workers  []*chaosProcess   // that run
	started  int               // workers, in all
	kills    map[int]time.Time // by number of the worker
}

// chaosProcess is a worker process. Closing alive ends it, and so does the end of
// this process.
type chaosProcess struct {
	number int
	cmd    *exec.Cmd
	alive  io.Closer
	ended  chan error // gets the result of Wait, from the goroutine that start began
}

func newStorm(ctx context.Context, t *testing.T, endpoint string, random *rand.Rand) *storm {
	client := connect(endpoint)
	live, dead, err := makeQueue(ctx, client, queueOptions{hold: chaosHold, maxReceives: 100})
	if err != nil {
		t.Fatal(err)
	}
	dropQueues(t, client, live, dead)
	queue, err := sqs.New(client, live, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "runs"))
	if err != nil {
		t.Fatal(err)
	}
	s := &storm{
		t: t, random: random, endpoint: endpoint, url: live, queue: queue, dir: dir,
		journal: &journal{file: file, done: make(map[runtime.TaskID]bool)}, kills: make(map[int]time.Time),
	}
	t.Cleanup(s.end)
	return s
}

// start starts a worker.
func (s *storm) start() {
	s.started++
	order, err := json.Marshal(workerOrder{
		Number: s.started, Endpoint: s.endpoint, Queue: s.url, Log: s.journal.file.Name(), Concurrency: chaosConcurrency, Hold: chaosHold,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	said, err := os.Create(s.said(s.started))
	if err != nil {
		s.t.Fatal(err)
	}
	defer said.Close() // the process has its own
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envWorker+"="+string(order))
	cmd.Stdout, cmd.Stderr = said, said
	alive, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	p := &chaosProcess{number: s.started, cmd: cmd, alive: alive, ended: make(chan error, 1)}
	go func() { p.ended <- cmd.Wait() }()
	s.workers = append(s.workers, p)
}

func (s *storm) said(worker int) string {
	return filepath.Join(s.dir, fmt.Sprintf("worker-%d", worker))
}

// send enqueues the tasks. Most take a moment, one in 500 takes longer than its
// hold, so that it has to be extended.
func (s *storm) send(ctx context.Context) {
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: "chaos", Driver: s.queue, Retry: chaosRetry()}); err != nil {
		s.t.Fatal(err)
	}
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	tasks := make([]chaosTask, *chaosTasks)
	for i := range tasks {
		tasks[i].Pause = time.Duration(s.random.IntN(40)) * time.Millisecond
		if s.random.IntN(500) == 0 {
			tasks[i].Pause = chaosHold + time.Duration(s.random.IntN(4000))*time.Millisecond
		}
	}
	for _, r := range runtime.EnqueueMany(ctx, client, tasks) {
		if r.Err != nil {
			s.t.Fatalf("enqueue: %v", r.Err)
		}
		s.sent = append(s.sent, r.ID)
	}
}

// rage waits until every task has been run to its end, and kills a worker each
// time that as many more are done as the seed says.
func (s *storm) rage(ctx context.Context) {
	after := make([]int, *chaosKills) // tasks done by the time of each kill
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
	if err := p.cmd.Process.Kill(); err != nil {
		s.t.Fatalf("kill worker %d: %v", p.number, err)
	}
	<-p.ended
	_ = p.alive.Close() // nobody reads it any more
}

// settled waits until neither the queue nor the dead letter has a message.
func (s *storm) settled(ctx context.Context) {
	s.until(ctx, "all tasks are settled", func() (bool, string) {
		stats, err := s.queue.Stats(ctx)
		if err != nil {
			s.t.Fatalf("stats: %v", err)
		}
		return stats.Ready == 0 && stats.Leased == 0 && stats.Delayed == 0 && stats.Dead == 0, fmt.Sprintf("the queue has %+v", stats)
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
			select {
			case err := <-p.ended:
				p.ended <- err
				b, _ := os.ReadFile(s.said(p.number))
				s.t.Fatalf("worker %d ended by itself: %v\n%s", p.number, err, b)
			default:
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("not within %v: %s; %s", chaosWithin, what, state)
		}
	}
}

// drain ends the workers as a deployment does.
func (s *storm) drain() {
	for _, p := range s.workers {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			s.t.Errorf("signal worker %d: %v", p.number, err)
		}
	}
	for _, p := range s.workers {
		if err := <-p.ended; err != nil {
			b, _ := os.ReadFile(s.said(p.number))
			s.t.Errorf("worker %d: %v\n%s", p.number, err, b)
		}
		_ = p.alive.Close() // nobody reads it any more
	}
	s.workers = nil
}

// end ends what a failure has left.
func (s *storm) end() {
	for _, p := range s.workers {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
		_ = p.alive.Close() // nobody reads it any more
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = s.journal.file.Close() // it was read only
	if err := s.queue.Close(ctx); err != nil {
		s.t.Errorf("close: %v", err)
	}
}

// done is how many tasks have been run to their end so far.
func (s *storm) done() int {
	if err := s.journal.read(); err != nil {
		s.t.Fatal(err)
	}
	return len(s.journal.done)
}

// account prints the figures and judges them.
func (s *storm) account(took time.Duration) {
	done := s.done()
	runs := runsOf(s.journal.entries)
	v := judgeRuns(s.sent, runs, s.kills)
	s.t.Logf("%d tasks sent, %d run to their end, %d lost; all settled, none dead; %v, %.0f tasks a second",
		len(s.sent), done, len(v.lost), took.Round(100*time.Millisecond), float64(len(s.sent))/took.Seconds())
	s.t.Logf("%d workers, %d killed by SIGKILL; %d runs beyond the first: %d after a kill, %d after the lease had ended, %d unexplained; highest attempt %d",
		s.started, len(s.kills), v.duplicates, v.killed, v.lapsed, len(v.unexplained), highest(runs))
	for _, id := range v.lost[:min(len(v.lost), 10)] {
		s.t.Errorf("task %s is lost", id)
	}
	for _, d := range v.unexplained[:min(len(v.unexplained), 10)] {
		s.t.Errorf("unexplained: %s", d)
	}
	if len(s.kills) != *chaosKills {
		s.t.Errorf("%d workers were killed; want %d", len(s.kills), *chaosKills)
	}
	if len(runs) != len(s.sent) {
		s.t.Errorf("%d tasks were run; want the %d that were sent", len(runs), len(s.sent))
	}
}
