package conformance

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

var (
	errTest   = errors.New("the handler failed")
	errKilled = errors.New("the worker was killed")
)

type handler = func(ctx context.Context, task *runtime.Task[Work]) error

// bench is a queue with a client and the engines that work on it. It records
// every run of a handler and every settle, send and extend of an engine.
type bench struct {
	*T
	engine Engine
	q      driver.Queue // the check's own view
	client *runtime.Client
	retry  runtime.RetryPolicy

	mu    sync.Mutex
	turns []*turn // guarded by mu, as are the fields of each
	deeds []deed  // guarded by mu
}

// turn is one run of the handler.
type turn struct {
	info         runtime.Info
	id           runtime.TaskID
	note         string
	attempt      int
	began, ended time.Time // ended is zero while it runs
	err          error     // what it returned
	panicked     bool
	cause        error // of its context, at the end
}

// deed is what an engine did to one message.
type deed struct {
	op           faultqueue.Op
	id           string       // of the task
	copied       driver.Carry // of a Send
	verdict      driver.Verdict
	delay        time.Duration
	began, ended time.Time
	err          error
}

// fails3 is the policy of most checks: three attempts, half a hold apart.
func (t *T) fails3() runtime.RetryPolicy {
	return runtime.RetryPolicy{MaxAttempts: 3, MaxDeliveries: 7, Backoff: runtime.Fixed(t.hold / 2), NoJitter: true}
}

// bench opens a queue to work on.
func (t *T) bench(retry runtime.RetryPolicy) *bench {
	return t.benchOn(retry, func(q driver.Queue) driver.Queue { return q })
}

// benchOn opens a queue that client and engines see through a wrapper.
func (t *T) benchOn(retry runtime.RetryPolicy, view func(driver.Queue) driver.Queue) *bench {
	o := Options{}
	if t.b.Can.MaxAttempts {
		o.MaxAttempts = min(100, t.caps.MaxAttempts)
	}
	b := &bench{T: t, engine: t.b.engine(), q: view(t.openWith(o)), retry: retry}
	b.client = b.newClient(nil)
	return b
}

func (b *bench) newClient(o *runtime.ClientOptions) *runtime.Client {
	queues, err := queuesOf(b.q, b.retry)
	if err != nil {
		b.Fatalf("queues: %v", err)
	}
	client, err := b.engine.Client(queues, o)
	if err != nil {
		b.Fatalf("client: %v", err)
	}
	return client
}

// enqueue enqueues a task, which must work.
func (b *bench) enqueue(note string, opts ...runtime.EnqueueOption) runtime.TaskID {
	return b.enqueueBy(b.client, note, opts...)
}

func (b *bench) enqueueBy(c *runtime.Client, note string, opts ...runtime.EnqueueOption) runtime.TaskID {
	ctx, cancel := b.ctx(0)
	defer cancel()
	id, err := runtime.Enqueue(ctx, c, Work{note}, opts...)
	if err != nil {
		b.Fatalf("enqueue: %v", err)
	}
	b.ledger.enqueued(string(id))
	return id
}

// rewrite replaces the tasks on the queue, which are all it has, by changed
// copies.
func (b *bench) rewrite(change func(m *driver.Message), ids ...runtime.TaskID) {
	for _, l := range b.leases(b.q, len(ids)) {
		if !slices.Contains(ids, runtime.TaskID(idOf(l.Message().Body))) {
			b.Fatalf("message %s is there; want one of %q", idOf(l.Message().Body), ids)
		}
		c := driver.CopyOf(l.Message())
		change(&c)
		b.replace(b.q, l, c)
	}
}

// replace sends a message in place of a leased one, behind the ledger's back.
func (b *bench) replace(s driver.Source, l driver.Lease, m driver.Message) {
	ctx, cancel := b.ctx(0)
	defer cancel()
	if err := b.q.Send(ctx, []driver.Message{m})[0].Err; err != nil {
		b.Fatalf("send in place of %s: %v", idOf(l.Message().Body), err)
	}
	if err := s.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})[0]; err != nil {
		b.Fatalf("ack of %s: %v", idOf(l.Message().Body), err)
	}
}

// enqueueRaw enqueues a task with encoded arguments.
func (b *bench) enqueueRaw(raw runtime.Raw) runtime.TaskID {
	ctx, cancel := b.ctx(0)
	defer cancel()
	id, err := runtime.EnqueueRaw(ctx, b.client, raw)
	if err != nil {
		b.Fatalf("enqueue: %v", err)
	}
	b.ledger.enqueued(string(id))
	return id
}

// refusesTask asserts that a task is refused with a code, and not sent.
func (b *bench) refusesTask(what string, want driver.Code, opts ...runtime.EnqueueOption) {
	ctx, cancel := b.ctx(0)
	defer cancel()
	_, err := runtime.Enqueue(ctx, b.client, Work{what}, opts...)
	b.code(what, err, want)
}

// redrive sends dead letters back by the engine's redrive.
func (b *bench) redriveAll(o *runtime.RedriveOptions) runtime.RedriveReport {
	queues, err := queuesOf(b.q, b.retry)
	if err != nil {
		b.Fatalf("queues: %v", err)
	}
	ctx, cancel := b.ctx(10 * b.hold)
	defer cancel()
	report, err := b.engine.Redrive(ctx, queues, queueName, o)
	if err != nil {
		b.Errorf("redrive: %v", err)
	}
	return report
}

// one is a job with one handler at a time.
func one(j *Job) { j.Options.Concurrency = 1 }

// running is an engine at work.
type running struct {
	b      *bench
	fq     *faultqueue.Queue // what the check may break
	stop   context.CancelFunc
	killed chan struct{} // closed by kill
	done   chan struct{} // closed when Run has returned
	err    error         // of Run, once done
}

// job is what an engine is given to do on a view of the queue.
func (b *bench) job(h handler, view driver.Queue) Job {
	return Job{Queue: view, Retry: b.retry, Handler: h, Options: runtime.WorkerOptions{
		Concurrency: 10, Grace: max(time.Second, b.hold), Logger: slog.New(slog.DiscardHandler),
	}}
}

// work starts an engine and waits until it has begun. A change may alter the job.
func (b *bench) work(h handler, changes ...func(*Job)) *running {
	w := &running{b: b, fq: faultqueue.New(b.q), killed: make(chan struct{}), done: make(chan struct{})}
	started := make(chan struct{})
	j := b.job(w.recorded(h), b.watched(w.fq))
	j.Options.OnStart = sync.OnceFunc(func() { close(started) })
	for _, change := range changes {
		change(&j)
	}
	if b.engine.Answers {
		j.Options.OnSettled = b.told(j.Options.OnSettled)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	b.atEnd(cancel)
	b.run(func() {
		defer close(w.done)
		w.err = b.engine.Run(ctx, j)
	})
	select {
	case <-started:
	case <-w.done:
		b.Fatalf("the engine did not start: %v", w.err)
	}
	return w
}

// refusesJob asserts that an engine does not start on a job, and says why.
func (b *bench) refusesJob(what string, want driver.Code, change func(*Job)) {
	ctx, cancel := b.ctx(0)
	defer cancel()
	j := b.job(func(context.Context, *runtime.Task[Work]) error { return nil }, b.q)
	j.Options.OnStart = func() { b.Errorf("%s: the engine started", what); cancel() }
	change(&j)
	b.code(what, b.engine.Run(ctx, j), want)
}

// drain ends an engine, which must have nothing to complain of.
func (w *running) drain() {
	if err := w.end(); err != nil {
		w.b.Errorf("run: %v", err)
	}
}

// end ends an engine and returns what Run says.
func (w *running) end() error {
	w.stop()
	<-w.done
	return w.err
}

// kill cuts an engine off from the queue, as the end of its process does: every
// call fails from now on, and its handlers end.
func (w *running) kill() {
	w.fq.Kill()
	close(w.killed)
	w.stop()
}

// recorded records each run of a handler. Its context ends when the engine is
// killed.
func (w *running) recorded(h handler) handler {
	b := w.b
	return func(ctx context.Context, task *runtime.Task[Work]) (err error) {
		b.running.Add(1) // it may outlive Run
		defer b.running.Done()
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		over := make(chan struct{})
		defer close(over)
		go func() {
			select {
			case <-w.killed:
				cancel(errKilled)
			case <-over:
			}
		}()
		r := &turn{info: *task.Info, id: task.ID, note: task.Args.Note, attempt: task.Attempt, began: time.Now()}
		panicked := true
		b.mu.Lock()
		b.turns = append(b.turns, r)
		b.mu.Unlock()
		defer func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			r.ended, r.cause, r.err, r.panicked = time.Now(), context.Cause(ctx), err, panicked
			if err == nil && !panicked {
				b.ledger.done(string(r.id))
			}
		}()
		err = h(ctx, task)
		panicked = false
		return err
	}
}

// pause waits for d, or for the end of ctx, whose cause it returns.
func (b *bench) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// told records what an engine does by its answers.
func (b *bench) told(next func(runtime.Settled)) func(runtime.Settled) {
	return func(s runtime.Settled) {
		v := s.Decision.Settlement.Verdict
		if s.Err == nil && s.Decision.Task != nil && (v == driver.Ack || v == driver.Release) {
			b.mu.Lock()
			b.deeds = append(b.deeds, deed{
				op: faultqueue.Settle, id: string(s.Decision.Task.ID), verdict: v, delay: s.Decision.Settlement.Delay,
				began: time.Now(), ended: time.Now(), err: s.Err,
			})
			b.mu.Unlock()
		}
		if next != nil {
			next(s)
		}
	}
}

// watched records what passes to q.
func (b *bench) watched(q driver.Queue) driver.Queue {
	return faultqueue.New(q, faultqueue.Rule{Fault: func(ctx context.Context, c *faultqueue.Call, next faultqueue.Next) {
		began := time.Now()
		next(ctx, c)
		if c.Dead {
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		d := deed{op: c.Op, began: began, ended: time.Now()}
		for i, s := range c.Batch {
			d.id, d.verdict, d.delay, d.err = idOf(s.Lease.Message().Body), s.Verdict, s.Delay, c.Settled[i]
			b.deeds = append(b.deeds, d)
		}
		for i, l := range c.Leases {
			d.id, d.err = idOf(l.Message().Body), c.Extended[i].Err
			b.deeds = append(b.deeds, d)
		}
		for i, m := range c.Messages {
			d.id, d.copied, d.delay, d.err = idOf(m.Body), m.Carry, m.Delay, c.Sent[i].Err
			b.deeds = append(b.deeds, d)
		}
	}})
}

// turnsOf are the runs of a task so far, or with "" of all.
func (b *bench) turnsOf(id runtime.TaskID) []turn {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []turn
	for _, r := range b.turns {
		if id == "" || r.id == id {
			all = append(all, *r)
		}
	}
	return all
}

// deedsOf are the deeds of an op on a task so far.
func (b *bench) deedsOf(op faultqueue.Op, id runtime.TaskID) []deed {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []deed
	for _, d := range b.deeds {
		if d.op == op && d.id == string(id) {
			all = append(all, d)
		}
	}
	return all
}

// verdicts are how often each verdict was given on a task. One that is given again,
// because the broker has not answered, counts once.
func (b *bench) verdicts(id runtime.TaskID) map[driver.Verdict]int {
	n := make(map[driver.Verdict]int)
	buried := false
	var last deed
	for _, d := range b.deedsOf(faultqueue.Settle, id) {
		again := driver.Retryable(last.err) && last.verdict == d.verdict
		last = d
		if d.verdict == driver.Ack && buried && b.engine.AcksGone {
			buried = false
			continue
		}
		if !again {
			n[d.verdict]++
		}
		buried = d.verdict == driver.Bury && d.err == nil
	}
	return n
}

// await waits until a condition holds, at most for a time.
func (b *bench) await(what string, within time.Duration, holds func() bool) {
	most := within + b.b.Margin + b.grace + b.b.Late
	end := time.Now().Add(most)
	for !holds() {
		if !time.Now().Before(end) {
			b.Fatalf("not within %v: %s", most, what)
		}
		time.Sleep(b.hold / 50)
	}
}

// awaitTurns waits until a task has begun its n-th run.
func (b *bench) awaitTurns(id runtime.TaskID, n int, within time.Duration) []turn {
	b.await("the task runs as often as it should", within, func() bool { return len(b.turnsOf(id)) >= n })
	return b.turnsOf(id)
}

// awaitDone waits until tasks have succeeded and were acked.
func (b *bench) awaitDone(within time.Duration, ids ...runtime.TaskID) {
	b.await("the tasks are done and acked", within, func() bool {
		return !slices.ContainsFunc(ids, func(id runtime.TaskID) bool { return b.verdicts(id)[driver.Ack] == 0 || !b.succeeded(id) })
	})
}

func (b *bench) succeeded(id runtime.TaskID) bool {
	return slices.ContainsFunc(b.turnsOf(id), func(r turn) bool { return !r.ended.IsZero() && r.err == nil && !r.panicked })
}

// ran asserts how often a task ran.
func (b *bench) ran(what string, id runtime.TaskID, want int) {
	if got := len(b.turnsOf(id)); got != want {
		b.Errorf("%s ran %d times; want %d", what, got, want)
	}
}

// awaitDead waits for n dead letters and returns them in no order; they stay.
func (b *bench) awaitDead(n int, within time.Duration) map[runtime.TaskID]driver.Message {
	d := b.q.DeadLetter()
	got := b.poll(d, n, within+b.b.Margin+b.grace)
	if len(got) < n {
		b.Fatalf("%d dead letters within %v; want %d", len(got), within+b.b.Margin+b.grace, n)
	}
	all := make(map[runtime.TaskID]driver.Message)
	for _, l := range got {
		all[runtime.TaskID(idOf(l.Message().Body))] = l.Message()
		b.release(d, l, 0)
	}
	return all
}

// died asserts that a task is among the dead, and why.
func (b *bench) died(dead map[runtime.TaskID]driver.Message, id runtime.TaskID, reason string) driver.Death {
	m, ok := dead[id]
	if !ok || m.Death == nil {
		b.Fatalf("task %s is not among the dead, or without a death record: %+v", id, m.Death)
	}
	if m.Death.Reason != reason {
		b.Errorf("the task died of %q (%s); want %q", m.Death.Reason, m.Death.Detail, reason)
	}
	return *m.Death
}

// narrow is a queue that can do less than it could: it says so, and refuses what
// it says it cannot.
type narrow struct {
	driver.Queue
	caps driver.Capabilities
}

// narrowed lets a queue do less.
func narrowed(change func(c *driver.Capabilities)) func(driver.Queue) driver.Queue {
	return func(q driver.Queue) driver.Queue {
		n := &narrow{q, q.Capabilities()}
		change(&n.caps)
		return n
	}
}

func (n *narrow) Capabilities() driver.Capabilities { return n.caps }

func (n *narrow) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	for i := range batch {
		if err := driver.CheckMessage("conformance: send", &n.caps, &batch[i]); err != nil {
			return driver.FailSend(len(batch), err)
		}
	}
	return n.Queue.Send(ctx, batch)
}

func (n *narrow) Settle(ctx context.Context, batch []driver.Settlement) []error {
	for i := range batch {
		if err := driver.CheckSettlement("conformance: settle", &n.caps, &batch[i], false); err != nil {
			return driver.FailSettle(len(batch), err)
		}
	}
	return n.Queue.Settle(ctx, batch)
}

// canDelay says whether the broker can put a message off at all.
func (t *T) canDelay() bool { return t.caps.SendDelay.Supported() || t.caps.ReleaseDelay.Supported() }
