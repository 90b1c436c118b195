package simulation

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// Tasks is how many tasks a World enqueues.
	Tasks = 200
	// Workers is how many workers it has at a time, and Slots how many tasks
	// each of them runs at once.
	Workers, Slots = 3, 8

	producers = 4
	groups    = 8
	// calmTime is within what all must be done once nothing fails any more.
	calmTime = time.Hour
)

// World is one run from a seed.
type World struct {
	seed    uint64
	dice    dice
	weather weather
	bug     Bug
	start   time.Time
	began   int64 // start, in nanoseconds since 1970
	queue   *mem.Queue

	mu         sync.Mutex
	calm       bool // guarded by mu; nothing fails any more
	tasks      []*task
	digits     int                    // where a body has the number of its task
	workers    []*worker              // guarded by mu; and clients
	messages   []*message             // guarded by mu; live ones by the number in the broker's id
	groups     [groups + 1][]*message // guarded by mu; in the order of arrival
	handlers   int                    // guarded by mu; that run
	history    History                // guarded by mu
	met        Met                    // guarded by mu
	violations []Violation            // guarded by mu

	lives sync.WaitGroup // workers' Run that outlives their part in the story
}

// Violation is a promise that was broken.
type Violation struct {
	Task int // 0 when it is about none
	Text string
}

// Report is what a World leaves.
type Report struct {
	Seed       uint64
	History    History
	Violations []Violation
	Done, Dead int // tasks
	Met        Met
}

// Run lives through a seed with a bug planted, or none. It must be called in a
// bubble of testing/synctest, and returns when all that it started has ended.
func Run(ctx context.Context, seed uint64, bug Bug) Report {
	d := dice(seed).of(0)
	w := &World{seed: seed, dice: d, weather: forecast(d), bug: bug, start: time.Now()}
	w.began = w.start.UnixNano()
	if bug.weather != nil {
		bug.weather(&w.weather)
	}
	queue, err := mem.New("jobs", &mem.Options{
		Hold: w.weather.hold, MaxReceives: w.weather.maxReceives, Ordered: w.weather.ordered && !bug.unordered,
	})
	if err != nil {
		return Report{Seed: seed, Violations: []Violation{{Text: err.Error()}}}
	}
	w.queue = queue
	w.history = make(History, 0, 16*Tasks)
	w.messages = make([]*message, 0, 3*Tasks)
	w.addTasks()

	var story sync.WaitGroup
	for p := range producers {
		story.Go(func() { w.produce(ctx, p) })
	}
	for lane := range Workers {
		story.Go(func() { w.employ(ctx, lane) })
	}
	story.Go(func() { w.operate(ctx) })
	story.Wait()
	w.lives.Wait()
	w.calmDown(ctx)
	return w.account(ctx)
}

// now is the time since the World began. In a bubble that is the time of day, and
// time.Since takes three times as long.
func (w *World) now() time.Duration { return time.Duration(time.Now().UnixNano() - w.began) }

// note writes an event down. The caller holds mu.
func (w *World) note(e Event) {
	e.At = w.now()
	w.history = append(w.history, e)
}

// maxViolations is how many are kept: the first says most.
const maxViolations = 5

// violated notes that a promise was broken. The caller holds mu.
func (w *World) violated(task int, format string, args ...any) {
	if len(w.violations) < maxViolations {
		w.violations = append(w.violations, Violation{task, fmt.Sprintf("at %v: ", w.now()) + fmt.Sprintf(format, args...)})
	}
}

// excuse notes that something went wrong for a worker that may cost it any lease
// until d from now. The caller holds mu.
func (w *World) excuse(worker *worker, d time.Duration) {
	if until := w.now() + d; worker != nil && until > worker.excused {
		worker.excused = until
	}
}

// job is the arguments of a task.
type job struct{ N int }

func (job) Kind() string { return "job" }

// codec is JSON for jobs, and nothing else: the package's own takes a tenth of
// the time of a World.
type codec struct{}

func (codec) ContentType() string { return runtime.JSON.ContentType() }

func (codec) Marshal(v any) ([]byte, error) {
	return append(strconv.AppendInt([]byte(`{"N":`), int64(v.(job).N), 10), '}'), nil
}

func (codec) Unmarshal(data []byte, into any) error {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(string(data), `{"N":`), "}"))
	into.(*job).N = n
	return err
}

// task is one task, from its Enqueue to its end.
type task struct {
	n     int // from 1
	id    runtime.TaskID
	dice  dice
	group int // 0 for none
	delay time.Duration
	lost  int // how many of its first deliveries get lost on their way

	// All below is guarded by World.mu.
	maybe    bool      // the queue may have it
	due      time.Time // when it may run first
	stored   int       // messages that the client's sends made
	messages int       // all that there were
	given    int       // deliveries so far
	sends    int       // calls of Send that had it
	done     int       // attempts that succeeded
	stray    bool      // a handler of it was given up
	excused  bool      // a fault explains that it runs again after it was done
}

func (w *World) addTasks() {
	w.tasks = make([]*task, Tasks)
	all := make([]task, Tasks)
	prefix := "s" + strconv.FormatUint(w.seed, 10) + "-"
	w.digits = len(`{"specversion":"1.0","id":"` + prefix)
	for i := range all {
		t := &all[i]
		t.n, t.dice = i+1, w.dice.of(aboutTask).of(i+1)
		t.id = runtime.TaskID(prefix + strconv.Itoa(t.n))
		if w.weather.ordered {
			if t.dice.in1000(1, 700) {
				t.group = 1 + i%groups // of one producer, as groups is a multiple of producers
			}
		} else if t.dice.in1000(2, 100) {
			t.delay = t.dice.between(3, time.Millisecond, 12*time.Second)
		}
		if t.dice.in1000(6, w.weather.stray) {
			t.lost = 1 + t.dice.below(7, w.weather.maxReceives+5)
		}
		w.tasks[i] = t
	}
}

// message is one message at the queue.
type message struct {
	number int // in the order of arrival there
	nth    int // of its task
	task   *task

	// All below is guarded by World.mu.
	leases []*lease  // all that there were
	gone   bool      // acked, buried or withdrawn
	due    time.Time // when it may run, as its handler or Enqueue said; zero for at once
}

// messageOf is what is known of a live message, and whether anything was. The
// caller holds mu.
func (w *World) messageOf(id string, t *task) (m *message, known bool) {
	n, err := strconv.Atoi(id[1:])
	if err != nil || id[0] != 'm' {
		w.violated(t.n, "message %q is not one of mem", id)
		n = 0
	}
	for len(w.messages) <= n {
		w.messages = append(w.messages, nil)
	}
	if m = w.messages[n]; m != nil {
		return m, true
	}
	m = &message{number: n, task: t}
	if t != nil {
		t.messages++
		m.nth = t.messages
	}
	w.messages[n] = m
	if t.group > 0 {
		w.groups[t.group] = append(w.groups[t.group], m)
		g := w.groups[t.group]
		for i := len(g) - 1; i > 0 && g[i-1].number > n; i-- {
			g[i-1], g[i] = m, g[i-1]
		}
	}
	return m, false
}

// taskOf finds the task of a body, which has its id first.
func (w *World) taskOf(body []byte) *task {
	n := 0
	for i := w.digits; i < len(body) && body[i] != '"'; i++ {
		n = 10*n + int(body[i]-'0')
	}
	if n < 1 || n > len(w.tasks) {
		return nil
	}
	return w.tasks[n-1]
}

// sleep waits for d, whatever happens. It costs a fraction of a timer and a
// select, which with the race detector is a good part of a World.
func sleep(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // in a bubble, and what sleeps is what is simulated
}

// pause waits for d or the end of ctx, and reports whether it waited for all of
// d.
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
