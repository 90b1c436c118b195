package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSendOne(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "?ordered=true")
	e := here(t, "", "send", "--queue", q.url, "--kind", "mail.send", "--group", "ann", "--attribute", "tenant=blue", "--attribute", "a=b=c", `{"to": 1}`)

	if e.code != 0 || e.err != "" {
		t.Errorf("exit code %d, and it says\n%s", e.code, e.err)
	}
	r := q.doAll(t, 1)[0]
	if e.out != string(r.ID)+"\n" || r.Kind != "mail.send" || r.payload != `{"to": 1}` || r.contentType != "application/json" {
		t.Errorf("output %q for %+v", e.out, r)
	}
	if r.Attributes["tenant"] != "blue" || r.Attributes["a"] != "b=c" {
		t.Errorf("attributes %v", r.Attributes)
	}
}

func TestSendPassesOnWhatTheFlagsSay(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	for range 2 { // the second is dropped
		e := here(t, "body\n", "send", "--queue", q.url, "--kind", "k", "--content-type", "text/plain", "--id", "my-1",
			"--dedup", "d", "--delay", "1h", "--ttl", "2h", "--json")
		want := `{"read":1,"sent":1,"refused":0,"failed":0,"elapsed_ms":`
		if e.code != 0 || !strings.HasPrefix(e.out, want) || !strings.HasSuffix(e.out, `,"id":"my-1"}`+"\n") {
			t.Errorf("exit code %d, output %q\n%s", e.code, e.out, e.err)
		}
	}
	if s, err := q.Stats(t.Context()); err != nil || s.Ready != 0 || s.Delayed != 1 {
		t.Errorf("the queue has %+v (%v)", s, err)
	}
}

func TestSendReadsAFile(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, []byte("two\nlines\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := here(t, "not this", "send", "--queue", q.url, "--kind", "k", "--content-type", "text/plain", "--file", path)
	if r := q.doAll(t, 1)[0]; e.code != 0 || r.payload != "two\nlines\n" || r.contentType != "text/plain" {
		t.Errorf("exit code %d, %+v", e.code, r)
	}
}

func TestSendLines(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	const n = 1234
	var input strings.Builder
	var want []string
	for i := range n {
		fmt.Fprintf(&input, "%d\n\n", i)
		want = append(want, fmt.Sprint(i))
	}
	e := here(t, input.String(), "send", "--queue", q.url, "--kind", "k", "--lines", "--json", "--file", "-")

	before, rest, _ := strings.Cut(strings.TrimSuffix(e.out, "}\n"), `"elapsed_ms":`)
	if e.code != 0 || before != `{"read":1234,"sent":1234,"refused":0,"failed":0,` || strings.Trim(rest, "0123456789") != "" || e.err != "" {
		t.Errorf("exit code %d, output %q\n%s", e.code, e.out, e.err)
	}
	var got []string
	for _, r := range q.doAll(t, n) {
		got = append(got, r.payload)
	}
	if slices.Sort(got); len(got) != n {
		t.Errorf("%d tasks", len(got))
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Error("other lines came than were sent")
	}
}

func TestSendWritesDownWhatItDidNotSend(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	path := filepath.Join(t.TempDir(), "failed.jsonl")
	e := here(t, "1\nnot JSON\n"+strings.Repeat("1", 2<<20)+"\n2\n", "send", "--queue", q.url, "--kind", "k", "--lines", "--failed", path)

	for _, want := range []string{
		"line 2 is refused: ", "line 3 is refused: it has 2097152 bytes, and the queue takes at most 1048576\n",
		"4 lines: 2 sent, 2 refused, 0 failed in ", "not sent: 2 lines in " + path + "\n",
	} {
		if e.code != 1 || !strings.Contains(e.err, want) {
			t.Errorf("exit code %d, and it does not say %q but\n%s", e.code, want, e.err)
		}
	}
	f := readFailures(t, path)
	slices.SortFunc(f, func(a, b failure) int { return a.Line - b.Line })
	if len(f) != 2 || f[0].Line != 2 || f[0].Payload != "not JSON" || f[0].Reason != reasonRefused || !f[1].Truncated {
		t.Errorf("the failed file holds %.300v", f)
	}
	if got := len(take(t, q)); got != 2 {
		t.Errorf("%d were sent, want 2", got)
	}
}

func TestSendStopsWhenAllIsRefused(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	path := filepath.Join(t.TempDir(), "failed.jsonl")
	e := here(t, strings.Repeat("bad\n", 5000), "send", "--queue", q.url, "--kind", "k", "--lines", "--failed", path)
	if e.code != 1 || !strings.Contains(e.err, "no more is read: all of the first ") || !strings.Contains(e.err, "the input was read up to line ") {
		t.Errorf("exit code %d, and it says\n%s", e.code, e.err)
	}
	if n := len(readFailures(t, path)); n < maxRefused || n >= 5000 {
		t.Errorf("%d lines were refused", n)
	}
}

func TestSendRefuses(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	queue, kind := "--queue="+q.url, "--kind=k"
	tests := []struct {
		name  string
		input string
		args  []string
		want  string
	}{
		{"nothing", "x", []string{"send"}, "--queue is missing"},
		{"no kind", "x", []string{"send", queue}, "--kind is missing"},
		{"two arguments", "", []string{"send", queue, kind, "a", "b"}, `send takes one argument, but got 2: "a" and "b"`},
		{"bad kind", "1", []string{"send", queue, "--kind=a b"}, "the kind has byte 0x20"},
		{"not JSON", "", []string{"send", queue, kind, "hello"}, "--content-type text/plain"},
		{"no data", "", []string{"send", queue, kind}, "there is no data"},
		{"empty data", "", []string{"send", queue, kind, ""}, "there is no data"},
		{"large data", strings.Repeat("1", 2<<20), []string{"send", queue, kind}, "more than the 1048576 bytes"},
		{"large task", strings.Repeat("1", 1<<20), []string{"send", queue, kind}, "the task takes "},
		{"data twice", "", []string{"send", queue, kind, "--file=x", "1"}, "data and --file are both given"},
		{"data and lines", "", []string{"send", queue, kind, "--lines", "1"}, "--lines reads lines, but data is given"},
		{"no such file", "", []string{"send", queue, kind, "--file=no/such"}, "--file: open no/such: no such file"},
		{"empty file name", "", []string{"send", queue, kind, "--file="}, "--file is empty"},
		{"id and lines", "1", []string{"send", queue, kind, "--lines", "--id=x"}, "--id is for one task"},
		{"dedup and lines", "1", []string{"send", queue, kind, "--lines", "--dedup=x"}, "--dedup would have the queue drop"},
		{"failed without lines", "1", []string{"send", queue, kind, "--failed=x"}, "--failed is for --lines"},
		{"bad id", "1", []string{"send", queue, kind, "--id=a b"}, "--id: "},
		{"empty group", "1", []string{"send", queue, kind, "--group="}, "--group: "},
		{"group on a queue without", "1", []string{"send", queue, kind, "--group=g"}, "group"},
		{"negative delay", "1", []string{"send", queue, kind, "--delay=-1s"}, "--delay -1s is negative"},
		{"huge delay", "1", []string{"send", queue, kind, "--delay=25h"}, "--delay 25h0m0s exceeds 24h0m0s\n"},
		{"ttl below delay", "1", []string{"send", queue, kind, "--delay=1h", "--ttl=1m"}, "time to live 1m0s is not above the delay"},
		{"attribute", "1", []string{"send", queue, kind, "--attribute=x"}, `--attribute "x" is not NAME=VALUE`},
		{"attribute twice", "1", []string{"send", queue, kind, "--attribute=x=1", "--attribute=x=2"}, "--attribute x is given twice"},
		{"reserved attribute", "1", []string{"send", queue, kind, "--attribute=longshore=1"}, "longshore"},
		{"content type", "1", []string{"send", queue, kind, "--content-type="}, "--content-type is empty"},
		{"queue URL", "1", []string{"send", "--queue=nothing://x", kind}, "unknown scheme"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := here(t, tt.input, tt.args...)
			if e.code != 2 || e.out != "" || !strings.HasPrefix(e.err, "longshore: ") || !strings.Contains(e.err, tt.want) || strings.Count(e.err, "\n") != 2 {
				t.Errorf("exit code %d, output %q, and it says\n%swant 2 and %q", e.code, e.out, e.err, tt.want)
			}
		})
	}
	if s, err := q.Stats(t.Context()); err != nil || s.Ready+s.Delayed != 0 {
		t.Errorf("something was sent: %+v (%v)", s, err)
	}
}

// A queue in memory ends with the command, and what was sent to it.
func TestSendRefusesAQueueInMemory(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	code := execute([]string{"send", "--queue=mem://gone", "--kind=k", "1"}, streams{in: strings.NewReader(""), out: &out, err: &errs})
	if code != 2 || out.Len() > 0 || !strings.Contains(errs.String(), "is in memory") {
		t.Errorf("exit code %d, output %q, and it says\n%s", code, &out, &errs)
	}
}

// What no line can be sent to is the queue's fault, as it is with one task.
func TestSendOfLinesToAQueueThatIsNotThere(t *testing.T) {
	startSQS(t)
	for _, args := range [][]string{{"1"}, {"--lines", "--failed=" + filepath.Join(t.TempDir(), "failed")}} {
		e := here(t, "1\n2\n", append([]string{"send", "--queue=sqs://elsewhere?region=us-east-1", "--kind=k"}, args...)...)
		if e.code != 2 || !strings.Contains(e.err, "not exist") {
			t.Errorf("%q: exit code %d, and it says\n%s", args, e.code, e.err)
		}
	}
}

// A stream may pause for long: what came before the pause is sent at once. A
// signal ends it.
func TestSendDoesNotWaitForMoreLines(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	in, feed := io.Pipe()
	defer feed.Close()
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan int, 1) // one result, never closed
	var out, err bytes.Buffer
	go func() {
		o := &sendOptions{queueFlags: q.flags(), kind: "k", contentType: "text/plain", lines: true, failed: filepath.Join(t.TempDir(), "failed")}
		code, _ := send(ctx, nil, o, streams{in: in, out: &out, err: &err, shared: true})
		ended <- code
	}()
	if _, err := io.WriteString(feed, "1\n2\n"); err != nil {
		t.Fatal(err)
	}
	if got := q.doAll(t, 2); got[0].payload != "1" || got[1].payload != "2" {
		t.Errorf("got %+v", got)
	}

	interrupt()

	if code := <-ended; code != exitFailed || !strings.Contains(err.String(), "the input was read up to line 2\n2 lines: 2 sent") {
		t.Errorf("exit code %d, and it says\n%s", code, &err)
	}
}

func TestGatherLingersForAMoment(t *testing.T) {
	t.Parallel()
	lines := make(chan line, 3)
	for i := range 3 {
		lines <- line{number: i + 1, data: []byte("x"), size: 1}
	}
	begun := time.Now()
	batch, end := gather(t.Context(), lines, func() error { return nil })
	if len(batch) != 3 || end != nil || time.Since(begun) < sendLinger {
		t.Errorf("%d lines after %v (%v)", len(batch), time.Since(begun), end)
	}
}
