package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// send puts tasks of one kind on the queue.
func (q *memQueue) send(t *testing.T, kind string, data ...string) {
	t.Helper()
	e := here(t, strings.Join(data, "\n"), "send", "--queue", q.url, "--kind", kind, "--content-type", "text/plain", "--lines")
	if e.code != 0 {
		t.Fatalf("send: %s", e.err)
	}
}

// lastEvent is the last line of --json.
func (e *ended) lastEvent(t *testing.T) (end endEvent) {
	t.Helper()
	lines := slices.Collect(strings.Lines(e.out))
	if len(lines) == 0 || json.Unmarshal([]byte(lines[len(lines)-1]), &end) != nil || end.Event != "end" {
		t.Fatalf("no end in\n%s\n%s", e.out, e.err)
	}
	return end
}

func TestWorkDoesTasksUntilThereAreNone(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	dir := t.TempDir()
	q.send(t, "upper", "one", "two")
	q.send(t, "other", "flaky", "bad")

	e := here(t, "", "work", "--queue", q.url, "--until-empty", "1s", "--backoff", "1ms", "--max-attempts", "3", "--exec", `
		read line; echo "$LONGSHORE_KIND $line $LONGSHORE_ATTEMPT/$LONGSHORE_MAX_ATTEMPTS"
		case $line in
		flaky) [ -e `+dir+`/state ] && exit 0; : > `+dir+`/state; echo "not yet" >&2; exit 75 ;;
		bad) echo "not a number" >&2; exit 65 ;;
		esac`)

	if e.code != 1 { // one is dead
		t.Errorf("exit code %d\n%s", e.code, e.err)
	}
	want := []string{"other bad 1/3\n", "other flaky 1/3\n", "other flaky 2/3\n", "upper one 1/3\n", "upper two 1/3\n"}
	if got := slices.Sorted(strings.Lines(e.out)); !slices.Equal(got, want) {
		t.Errorf("output %q, want %q", got, want)
	}
	for _, want := range []string{
		": attempt 1 of 3 failed, again in ", ": exit status 75: not yet\n",
		" is dead after 1 attempt (permanent): exit status 65: not a number\n",
		"5 attempts: 3 succeeded, 1 dead, 0 interrupted, 0 unsettled\n1 retry in ",
	} {
		if !strings.Contains(e.err, want) {
			t.Errorf("it does not say %q but\n%s", want, e.err)
		}
	}
	dead := take(t, q.DeadLetter())
	if len(dead) != 1 || dead[0].Death.Reason != driver.ReasonPermanent || dead[0].Death.Detail != "exit status 65: not a number" {
		t.Errorf("the dead letter has %+v", dead)
	}
}

func TestWorkPrintsExactlyTheseEvents(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	for _, id := range []string{"good", "bad"} {
		if e := here(t, "", "send", "--queue", q.url, "--kind", "k", "--id", id, `"`+id+`"`); e.code != 0 {
			t.Fatal(e.err)
		}
	}
	if r := q.Send(t.Context(), []driver.Message{{Body: []byte("no task")}}); r[0].Err != nil {
		t.Fatal(r[0].Err)
	}

	e := here(t, "", "work", "--queue", q.url, "--until-empty", "1s", "--backoff", "0s", "--max-attempts", "2", "--concurrency", "1", "--json",
		"--exec", `echo "to you"; grep -q good || { echo no >&2; exit 1; }`)

	var messageID string
	for line := range strings.Lines(e.out) {
		var event taskEvent
		if json.Unmarshal([]byte(line), &event) == nil && event.MessageID != "" {
			messageID = event.MessageID
		}
	}
	got := slices.Sorted(strings.Lines(e.out))
	for i, line := range got {
		got[i], _, _ = strings.Cut(line, `"elapsed_ms"`)
	}
	queue := `"queue":"` + strings.TrimPrefix(q.url, "mem://") + `",`
	want := []string{
		`{"event":"dead",` + queue + `"id":"","message_id":"` + messageID + `","reason":"undecodable","error":"the message is no CloudEvent; name a raw kind to take such messages"}` + "\n",
		`{"event":"dead",` + queue + `"id":"bad","kind":"k","attempt":2,"max_attempts":2,"reason":"max-attempts","error":"exit status 1: no"}` + "\n",
		`{"event":"end","why":"empty","succeeded":1,"dead":2,"interrupted":0,"unsettled":0,"attempts":3,"retries":1,`,
		`{"event":"failed",` + queue + `"id":"bad","kind":"k","attempt":1,"max_attempts":2,"retry_in_ms":0,"error":"exit status 1: no"}` + "\n",
		`{"event":"start",` + queue + `"queues":["` + strings.TrimPrefix(q.url, "mem://") + `"]}` + "\n",
	}
	slices.Sort(want)
	if e.code != 1 || !slices.Equal(got, want) {
		t.Errorf("exit code %d, events\n%s\nwant\n%s\n%s", e.code, strings.Join(got, ""), strings.Join(want, ""), e.err)
	}
	if strings.Count(e.err, "to you\n") != 3 {
		t.Errorf("the commands' output is not on standard error:\n%s", e.err)
	}
}

func TestWorkPosts(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.send(t, "hook", "a", "b")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Longshore-Kind") != "hook" || r.Header.Get("Content-Type") != "text/plain" || string(body) == "b" {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)

	e := here(t, "", "work", "--queue", q.url, "--until-empty", "1s", "--http", server.URL, "--json")

	if end := e.lastEvent(t); end.Succeeded != 1 || end.Dead != 1 || end.Why != "empty" {
		t.Errorf("%+v\n%s", end, e.err)
	}
}

func TestWorkDoesOnlyTheKindsThatAreNamed(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.send(t, "mine", "x")
	q.send(t, "theirs", "y")
	if r := q.Send(t.Context(), []driver.Message{{Body: []byte("z\n")}}); r[0].Err != nil {
		t.Fatal(r[0].Err)
	}
	p := q.work(t, func(o *workOptions) { o.kinds, o.raw, o.exec = []string{"mine"}, true, `echo "$LONGSHORE_KIND $(cat)"` })
	p.out.await(t, "mine x\n", 1)
	p.out.await(t, "raw z\n", 1)
	p.err.await(t, `: attempt 1 of 5 failed, again in 1m0s: no handler for kind "theirs"`, 1)

	if code := p.interrupt(); code != 0 || !strings.Contains(p.err.String(), "2 attempts: 2 succeeded") {
		t.Errorf("exit code %d\n%s", code, p.err)
	}
	if s, err := q.Stats(t.Context()); err != nil || s.Leased != 1 || s.Dead != 0 {
		t.Errorf("the queue has %+v (%v)", s, err)
	}
}

// workHere is longshore work in this process.
type workHere struct {
	out, err  *watchedBuffer
	interrupt func() int    // the first signal, then the exit code
	again     chan struct{} // closed by the second
	ended     chan int      // one result, never closed
}

func (q *memQueue) work(t *testing.T, change func(*workOptions)) *workHere {
	t.Helper()
	o := &workOptions{workerFlags: workerFlags{
		queueFlags: q.flags(), concurrency: 10, maxAttempts: 5, timeout: time.Minute, backoff: time.Second, grace: time.Second,
	}}
	change(o)
	w := &workHere{out: newWatchedBuffer(), err: newWatchedBuffer(), again: make(chan struct{}), ended: make(chan int, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		code, err := work(ctx, w.again, o, streams{in: new(bytes.Buffer), out: w.out, err: w.err})
		if err != nil {
			t.Errorf("work: %v", err)
		}
		w.ended <- code
	}()
	w.interrupt = func() int {
		cancel()
		return <-w.ended
	}
	return w
}

func TestWorkDrainsOnASignal(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.send(t, "k", "quick", "slow", "waits")
	w := q.work(t, func(o *workOptions) {
		o.json, o.concurrency = true, 2
		o.exec = `read x; echo "$x" >&2; case $x in quick) trap "exit 0" TERM;; *) ;; esac; echo started; sleep 600 & wait`
	})
	w.err.await(t, "started\n", 2)

	code := w.interrupt()

	e := ended{out: w.out.String(), err: w.err.String()}
	end := e.lastEvent(t)
	if code != 0 || end.Why != "signal" || end.Succeeded != 1 || end.Interrupted != 1 || end.Dead != 0 || end.Attempts != 2 {
		t.Errorf("exit code %d, %+v\n%s", code, end, e.err)
	}
	if s, err := q.Stats(t.Context()); err != nil || s.Ready != 2 || s.Leased != 0 {
		t.Errorf("the queue has %+v (%v); want two that were given back", s, err)
	}
}

func TestWorkEndsAtOnceOnTheSecondSignal(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.send(t, "k", "x")
	w := q.work(t, func(o *workOptions) {
		o.grace, o.exec = time.Hour, `trap "" TERM; echo $$; while :; do sleep 600; done`
	})
	w.out.await(t, "\n", 1)
	go w.interrupt()
	w.err.await(t, "Ctrl-C again ends at once", 1)

	close(w.again)

	w.err.await(t, "1 attempt: 0 succeeded, 0 dead", 1)
	gone(t, w.out.String())
}

// A queue with delayed tasks, or with some that another worker holds, is not
// empty.
func TestWorkWaitsForTasksThatAreNotReady(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	if e := here(t, "", "send", "--queue", q.url, "--kind", "k", "--delay", "3s", `1`); e.code != 0 {
		t.Fatal(e.err)
	}
	e := here(t, "", "work", "--queue", q.url, "--until-empty", "1s", "--json", "--exec", "cat >&2")
	if end := e.lastEvent(t); e.code != 0 || end.Succeeded != 1 || end.Why != "empty" || end.ElapsedMS < 3000 {
		t.Errorf("exit code %d, %+v\n%s", e.code, end, e.err)
	}
}

// With fewer attempts than the runtime has by default, the queue needs no more
// deliveries than they do.
func TestWorkNeedsNoMoreThanItsOwnAttempts(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "?max_receives=7")
	if e := here(t, "", "work", "--queue", q.url, "--until-empty", "1s", "--exec=cat", "--max-attempts=1"); e.code != 0 {
		t.Errorf("exit code %d\n%s", e.code, e.err)
	}
	if e := here(t, "", "work", "--queue", q.url, "--until-empty", "1s", "--exec=cat", "--max-attempts=2"); e.code != 2 {
		t.Errorf("exit code %d\n%s", e.code, e.err)
	}
}

// It works on all queues of a file, as the file says of each, and ends when all are
// empty.
func TestWorkOnTheQueuesOfAFile(t *testing.T) {
	t.Parallel()
	orders, mails := newNamedMemQueue(t, "-orders", ""), newNamedMemQueue(t, "-mails", "")
	path := writeConfig(t, fmt.Sprintf("queues:\n  orders: {url: '%s', retry: {max_attempts: 1}}\n  mails: {url: '%s', retry: {max_attempts: 2, backoff: 1ms}}\n", orders.url, mails.url))
	send := func() {
		orders.send(t, "pay", "x")
		mails.send(t, "mail", "y")
	}
	run := func(args ...string) ended {
		return here(t, "", append([]string{"work", "--config", path, "--until-empty=1s", "--exec", `echo "$LONGSHORE_KIND $LONGSHORE_ATTEMPT/$LONGSHORE_MAX_ATTEMPTS"; exit 1`}, args...)...)
	}

	send()
	e := run("--json")
	end := e.lastEvent(t)
	if e.code != 1 || end.Dead != 2 || end.Attempts != 3 || !strings.HasPrefix(e.out, `{"event":"start","queues":["orders","mails"]}`+"\n") {
		t.Errorf("exit code %d, %s\n%s", e.code, e.out, e.err)
	}
	for _, want := range []string{`{"event":"dead","queue":"orders",`, `{"event":"dead","queue":"mails",`, `{"event":"failed","queue":"mails",`} {
		if !strings.Contains(e.out, want) {
			t.Errorf("no %s in\n%s", want, e.out)
		}
	}
	for _, want := range []string{"pay 1/1\n", "mail 1/2\n", "mail 2/2\n"} {
		if !strings.Contains(e.err, want) {
			t.Errorf("no %q in\n%s", want, e.err)
		}
	}

	send()
	e = run("--queue=mails", "--max-attempts=1")
	if e.code != 1 || e.out != "mail 1/1\n" || !strings.Contains(e.err, `working on queue "mails", on at most 10 tasks`) {
		t.Errorf("exit code %d, %s\n%s", e.code, e.out, e.err)
	}
	e = run()
	if e.code != 1 || e.out != "pay 1/1\n" || !strings.Contains(e.err, "working on queues orders, mails, on") || !strings.Contains(e.err, "\norders: pay ") {
		t.Errorf("exit code %d, %s\n%s", e.code, e.out, e.err)
	}
	orders.stats(t, 0, 2)
	mails.stats(t, 0, 2)
}

// With several queues it goes on while any has a task, also one that is not ready.
func TestWorkWaitsForAllQueuesToBeEmpty(t *testing.T) {
	t.Parallel()
	path, _, mails := fileOf(t, "", "")
	if e := here(t, "", "send", "--queue", mails.url, "--kind", "k", "--delay", "3s", `1`); e.code != 0 {
		t.Fatal(e.err)
	}
	e := here(t, "", "work", "--config", path, "--until-empty", "1s", "--json", "--exec", "cat >&2")
	if end := e.lastEvent(t); e.code != 0 || end.Succeeded != 1 || end.Why != "empty" || end.ElapsedMS < 3000 {
		t.Errorf("exit code %d, %+v\n%s", e.code, end, e.err)
	}
}

// asking is a queue that tells when it is asked for its numbers.
type asking struct {
	driver.Queue
	asked func()
}

func (q asking) Stats(ctx context.Context) (driver.Stats, error) {
	q.asked()
	return q.Queue.Stats(ctx)
}

// A task that is done while it looks at the queues may have sent another to one
// that it has looked at: it looks again.
func TestWorkLooksAgainAfterATask(t *testing.T) {
	t.Parallel()
	o := &workOptions{workerFlags: workerFlags{
		queueFlags: queueFlags{settings: []runtime.QueueSettings{{Name: "a"}}}, concurrency: 1, maxAttempts: 5, grace: time.Second, exec: "cat",
	}, untilEmpty: 50 * time.Millisecond}
	s := newShift(o, streams{out: io.Discard, err: io.Discard})
	var asked atomic.Int64
	q := asking{newMemQueue(t, "").Queue, func() {
		if asked.Add(1) == 1 {
			s.tally.begin()()
		}
	}}
	err := s.open(t.Context(), func(context.Context, *runtime.QueueSettings) (runtime.QueueInfo, error) {
		return runtime.QueueInfo{Name: "a", Driver: q}, nil
	}, func(context.Context, *runtime.Info) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if code, err := s.run(t.Context(), nil); code != 0 || err != nil || asked.Load() != 2 {
		t.Errorf("exit code %d (%v) after %d looks, want 2", code, err, asked.Load())
	}
}

// hanging is a queue that does not say how it is configured until the caller gives up.
type hanging struct {
	driver.Queue
	asked chan struct{} // closed by Policy
}

func (q hanging) Policy(ctx context.Context) (driver.Policy, error) {
	close(q.asked)
	<-ctx.Done()
	return driver.Policy{}, ctx.Err()
}

// A signal before the start-up check has passed is no failure, and nothing was
// started.
func TestWorkEndsOnASignalDuringItsStart(t *testing.T) {
	t.Parallel()
	for _, json := range []bool{false, true} {
		q := hanging{newMemQueue(t, fmt.Sprintf("?ordered=%v", json)).Queue, make(chan struct{})}
		o := &workOptions{workerFlags: workerFlags{
			queueFlags: queueFlags{settings: []runtime.QueueSettings{{Name: "q"}}}, concurrency: 1, maxAttempts: 5, grace: time.Second, exec: "cat", json: json,
		}, untilEmpty: time.Hour}
		var out, errs bytes.Buffer
		s := newShift(o, streams{out: &out, err: &errs})
		err := s.open(t.Context(), func(context.Context, *runtime.QueueSettings) (runtime.QueueInfo, error) {
			return runtime.QueueInfo{Name: "q", Driver: q}, nil
		}, func(context.Context, *runtime.Info) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		ctx, signal := context.WithCancel(t.Context())
		go func() {
			<-q.asked
			signal()
		}()
		code, err := s.run(ctx, nil)
		if code != 0 || err != nil || strings.Contains(out.String(), "start") || strings.Contains(errs.String(), "working on") ||
			!strings.HasPrefix(errs.String(), "it was told to end before it had started\n") {
			t.Errorf("exit code %d, %v, output %s\n%s", code, err, &out, &errs)
		}
		if json != strings.HasPrefix(out.String(), `{"event":"end","why":"signal","succeeded":0,`) {
			t.Errorf("output %s", &out)
		}
	}
}

func TestWorkRefuses(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	queue := "--queue=" + q.url
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"nothing", []string{"work"}, "--queue is missing"},
		{"no command", []string{"work", queue}, "--exec or --http is missing"},
		{"an argument", []string{"work", queue, "--exec=cat", "file"}, `work takes no argument, but got "file"`},
		{"command not found", []string{"work", queue, "--exec=no-such-command-here"}, "not found"},
		{"until empty", []string{"work", queue, "--exec=cat", "--until-empty=10ms"}, "--until-empty 10ms is below 1s"},
		{"empty kind", []string{"work", queue, "--exec=cat", "--kind="}, "--kind is empty"},
		{"bad kind", []string{"work", queue, "--exec=cat", "--kind=a b"}, "the kind has byte 0x20"},
		{"kind twice", []string{"work", queue, "--exec=cat", "--kind=a", "--kind=a"}, "has two handlers"},
		{"attempt limit", []string{"work", queue, "--exec=cat", "--max-attempts=48"}, "attempt limit 100 is below 101"},
		{"no dead letter", []string{"work", "--queue=mem://work-refuses?dead_letter=false", "--exec=cat"}, "it has no dead letter"},
		{"absurd hold", []string{"work", queue, "--exec=cat", "--hold=24h"}, "hold 24h0m0s is not within"},
		{"queue URL", []string{"work", "--queue=x", "--exec=cat"}, "not a queue URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := here(t, "", tt.args...)
			if e.code != 2 || e.out != "" || !strings.HasPrefix(e.err, "longshore: ") || !strings.Contains(e.err, tt.want) || strings.Count(e.err, "\n") != 2 {
				t.Errorf("exit code %d, output %q, and it says\n%swant 2 and %q", e.code, e.out, e.err, tt.want)
			}
		})
	}
}

func TestWorkStopsWhenNobodyReadsItsEvents(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("this system has no device that is full: %v", err)
	}
	defer full.Close()
	q := newMemQueue(t, "")
	o := &workOptions{workerFlags: workerFlags{
		queueFlags: q.flags(), concurrency: 1, maxAttempts: 5, backoff: time.Second, grace: time.Second, exec: "cat", json: true,
	}}
	var stderr bytes.Buffer
	code, err := work(t.Context(), nil, o, streams{out: full, err: &stderr})
	if code != 1 || err != nil || !strings.Contains(stderr.String(), "events could not be written") {
		t.Errorf("exit code %d (%v)\n%s", code, err, &stderr)
	}
}

func TestTally(t *testing.T) {
	task := new(runtime.Info)
	lost := runtime.Settled{Decision: runtime.Decision{Action: runtime.Nothing, Task: task, Err: runtime.ErrLeaseLost}}
	for name, c := range map[string]struct {
		settled runtime.Settled
		want    ending
		sum     tallied
	}{
		"given back":  {runtime.Settled{Decision: runtime.Decision{Action: runtime.Settle}}, endedQuietly, tallied{}},
		"sent on":     {runtime.Settled{Decision: runtime.Decision{Action: runtime.CopyThenAck, Task: task}}, endedQuietly, tallied{}},
		"done":        {runtime.Settled{Decision: runtime.Decision{Action: runtime.Settle, Task: task}}, endedQuietly, tallied{Succeeded: 1}},
		"lost":        {lost, endedUnsettled, tallied{Unsettled: 1}},
		"not settled": {runtime.Settled{Decision: runtime.Decision{Action: runtime.Settle, Task: task}, Err: io.EOF}, endedUnsettled, tallied{Unsettled: 1}},
		"cut short":   {runtime.Settled{Decision: runtime.Decision{Action: runtime.Settle, Task: task, Err: runtime.ErrDraining}}, endedQuietly, tallied{Interrupted: 1}},
		"by a copy":   {runtime.Settled{Decision: runtime.Decision{Action: runtime.CopyThenAck, Task: task, Err: io.EOF}}, endedFailed, tallied{Retries: 1}},
	} {
		tally := newTally()
		if got := tally.settle(&c.settled); got != c.want || tally.snapshot() != c.sum {
			t.Errorf("%s: %q and %+v, want %q and %+v", name, got, tally.snapshot(), c.want, c.sum)
		}
	}
}

// A queue that cannot say what it holds looks empty while a retry is put off.
func TestTheTallyIsIdleFromTheLastRetryOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		retry := runtime.Settled{Decision: runtime.Decision{
			Action: runtime.Settle, Task: new(runtime.Info), Err: io.EOF, Settlement: driver.Settlement{Verdict: driver.Release, Delay: 9 * time.Second},
		}}
		later := runtime.Settled{Decision: runtime.Decision{
			Action: runtime.CopyThenAck, Task: new(runtime.Info), Err: io.EOF,
			Copy: &driver.Message{Carry: driver.Carry{NotBefore: time.Now().Add(time.Minute - time.Second)}},
		}}
		tally := newTally()
		tally.settle(&retry)
		time.Sleep(15 * time.Second)
		if idle := tally.idle(); idle != 5*time.Second {
			t.Errorf("idle for %v; want 5s", idle)
		}
		tally.settle(&later)
		time.Sleep(30 * time.Second)
		if idle := tally.idle(); idle >= 0 {
			t.Errorf("idle for %v before the retry is due", idle)
		}
		time.Sleep(time.Minute)
		if idle := tally.idle(); idle != 45*time.Second {
			t.Errorf("idle for %v; want 45s", idle)
		}
	})
}

// The file's weights, order and rates reach the worker.
func TestWorkKeepsThePrioritiesOfAFile(t *testing.T) {
	t.Parallel()
	low, high := newNamedMemQueue(t, "-low", ""), newNamedMemQueue(t, "-high", "")
	path := writeConfig(t, fmt.Sprintf("concurrency: 1\nstrict: true\nqueues:\n  low: {url: '%s'}\n  high: {url: '%s', weight: 2, rate: 10/s, burst: 3}\n", low.url, high.url))
	low.send(t, "low", "1", "2", "3")
	high.send(t, "high", "1", "2", "3")

	e := here(t, "", "work", "--config", path, "--until-empty", "1s", "--exec", `echo "$LONGSHORE_KIND"`)

	if want := strings.Repeat("high\n", 3) + strings.Repeat("low\n", 3); e.code != 0 || e.out != want {
		t.Errorf("exit code %d, %q, want %q\n%s", e.code, e.out, want, e.err)
	}

	high.send(t, "high", "1", "2", "3", "4", "5", "6", "7", "8")
	began := time.Now()
	e = here(t, "", "work", "--config", path, "--queue", "high", "--until-empty", "1s", "--exec", "true")
	if took := time.Since(began); e.code != 0 || took < 1500*time.Millisecond { // 5 beyond the burst, and a second of nothing
		t.Errorf("exit code %d after %v\n%s", e.code, took, e.err)
	}
}
