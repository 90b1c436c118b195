package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the command as a user has it.
var binary string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "longshore")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "longshore")
	if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// ended is how a run of the binary ended.
type ended struct {
	code     int
	out, err string
	dir      string // its working directory
}

// accounting is what it printed with --json.
func (e *ended) accounting(t *testing.T) accounting {
	t.Helper()
	var a accounting
	if err := json.Unmarshal([]byte(e.out), &a); err != nil {
		t.Fatalf("no accounting: %v\n%s\n%s", err, e.out, e.err)
	}
	if a.Sent != a.Succeeded+a.Dead+a.Unfinished+a.Lost || a.Lost != 0 {
		t.Errorf("the accounting does not add up: %s", e.out)
	}
	return a
}

// longshore runs the binary to its end in a directory of its own.
func longshore(t *testing.T, input string, args ...string) ended {
	t.Helper()
	p := start(t, args...)
	go func() {
		_, _ = io.WriteString(p.in, input)
		_ = p.in.Close()
	}()
	return p.wait(t)
}

// process is a run of the binary that goes on.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *watchedBuffer
	err *watchedBuffer
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	p := &process{Cmd: exec.CommandContext(ctx, binary, args...), out: newWatchedBuffer(), err: newWatchedBuffer()}
	p.Dir, p.Stdout, p.Stderr = t.TempDir(), p.out, p.err
	var err error
	if p.in, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) wait(t *testing.T) ended {
	t.Helper()
	err := p.Wait()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		t.Fatal(err)
	}
	return ended{p.ProcessState.ExitCode(), p.out.String(), p.err.String(), p.Dir}
}

// watchedBuffer is a buffer that one can wait on.
type watchedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer  // guarded by mu
	grown  chan struct{} // guarded by mu; closed and replaced by each write
}

func newWatchedBuffer() *watchedBuffer { return &watchedBuffer{grown: make(chan struct{})} }

func (b *watchedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.grown)
	b.grown = make(chan struct{})
	return b.buffer.Write(p)
}

func (b *watchedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// await waits until text stands in the buffer n times.
func (b *watchedBuffer) await(t *testing.T, text string, n int) {
	t.Helper()
	late := time.After(deadline)
	for {
		b.mu.Lock()
		grown, s := b.grown, b.buffer.String()
		b.mu.Unlock()
		if strings.Count(s, text) >= n {
			return
		}
		select {
		case <-grown:
		case <-late:
			t.Fatalf("%q does not come %d times, but\n%s", text, n, s)
		}
	}
}

func TestRunSucceeds(t *testing.T) {
	t.Parallel()
	e := longshore(t, "one\n\ntwo\nthree", "run", "--queue", "mem://x", "--exec", "tr a-z A-Z")

	lines := slices.Sorted(strings.Lines(e.out))
	if want := []string{"ONE\n", "THREE\n", "TWO\n"}; e.code != 0 || !slices.Equal(lines, want) {
		t.Errorf("exit code %d, output %q; want 0 and %q\n%s", e.code, lines, want, e.err)
	}
	if want := "3 lines: 3 succeeded, 0 dead, 0 unfinished, 0 lost\n3 attempts, 0 retries, 0 duplicates in "; !strings.HasPrefix(e.err, want) {
		t.Errorf("it says\n%swant\n%s", e.err, want)
	}
	if files, _ := os.ReadDir(e.dir); len(files) != 0 {
		t.Errorf("it left %v", files)
	}
}

func TestRunWithoutInput(t *testing.T) {
	t.Parallel()
	e := longshore(t, "", "run", "--queue", "mem://x", "--exec", "false", "--json")
	if a := e.accounting(t); e.code != 0 || a.Sent != 0 {
		t.Errorf("exit code %d, %+v", e.code, a)
	}
}

func TestRunPrintsExactlyTheseFields(t *testing.T) {
	t.Parallel()
	e := longshore(t, "a\nb\n", "run", "--queue", "mem://x", "--exec", "echo to you; read x; test $x = a || exit 65", "--json")

	before, elapsed, _ := strings.Cut(strings.TrimSuffix(e.out, "}\n"), `"elapsed_ms":`)
	want := `{"sent":2,"succeeded":1,"dead":1,"unfinished":0,"duplicates":0,"lost":0,"attempts":2,`
	if before != want || elapsed == "" || strings.Trim(elapsed, "0123456789") != "" || e.code != 1 {
		t.Errorf("exit code %d, output\n%s\nwant\n%s", e.code, e.out, want)
	}
	if strings.Count(e.err, "to you\n") != 2 {
		t.Errorf("the commands' output is not on standard error:\n%s", e.err)
	}
}

func TestRunRetriesAndBuries(t *testing.T) {
	t.Parallel()
	e := longshore(t, "flaky\nbad\nhopeless\nfine\n", "run", "--queue", "mem://x", "--backoff", "1ms", "--max-attempts", "3", "--json", "--exec", `
		read line; echo "$line" >> calls
		case $line in
		flaky) [ -e state ] && exit 0; : > state; exit 75 ;;
		bad) echo "not a number" >&2; exit 65 ;;
		hopeless) echo "attempt $LONGSHORE_ATTEMPT of $LONGSHORE_MAX_ATTEMPTS" >&2; exit 1 ;;
		esac`)

	a := e.accounting(t)
	if want := (accounting{Sent: 4, Succeeded: 2, Dead: 2, Attempts: 7, ElapsedMS: a.ElapsedMS}); a != want || e.code != 1 {
		t.Errorf("exit code %d with %+v, want 1 with %+v\n%s", e.code, a, want, e.err)
	}
	calls, err := os.ReadFile(filepath.Join(e.dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]int{"flaky": 2, "bad": 1, "hopeless": 3, "fine": 1} {
		if got := strings.Count(string(calls), line+"\n"); got != want {
			t.Errorf("%s ran %d times, want %d", line, got, want)
		}
	}
	failed := readFailures(t, filepath.Join(e.dir, defaultFailed))
	slices.SortFunc(failed, func(a, b failure) int { return a.Line - b.Line })
	for i := range failed {
		failed[i].ID = ""
	}
	want := []failure{
		{Line: 2, Payload: "bad", Reason: "permanent", Attempts: 1, Error: "exit status 65: not a number"},
		{Line: 3, Payload: "hopeless", Reason: "max-attempts", Attempts: 3, Error: "exit status 1: attempt 3 of 3"},
	}
	if fmt.Sprint(failed) != fmt.Sprint(want) {
		t.Errorf("the failed file holds %+v, want %+v", failed, want)
	}
	if want := "not done: 2 lines in longshore-failed.jsonl\n"; !strings.Contains(e.err, want) {
		t.Errorf("it does not say %q but\n%s", want, e.err)
	}
}

func TestRunEndsCommandsAtTheirTimeLimit(t *testing.T) {
	t.Parallel()
	e := longshore(t, "x\n", "run", "--queue", "mem://x", "--timeout", "300ms", "--max-attempts", "1", "--json",
		"--exec", `(trap "" TERM; while :; do sleep 600; done) & echo $! > child; wait`)

	if a := e.accounting(t); a.Dead != 1 || e.code != 1 || a.ElapsedMS < killAfter.Milliseconds() {
		t.Errorf("exit code %d with %+v; want one dead after the %v that it has to end", e.code, a, killAfter)
	}
	child, err := os.ReadFile(filepath.Join(e.dir, "child"))
	if err != nil {
		t.Fatal(err)
	}
	gone(t, string(child))
	f := readFailures(t, filepath.Join(e.dir, defaultFailed))
	if len(f) != 1 || f[0].Error != "the handler's time limit has passed after 300ms: signal: terminated" {
		t.Errorf("the failed file holds %+v", f)
	}
}

func TestRunDrainsOnInterrupt(t *testing.T) {
	t.Parallel()
	p := start(t, "run", "--queue", "mem://x", "--concurrency", "3", "--grace", "1s", "--json", "--failed", "f.jsonl", "--exec",
		`read n; case $n in
		1) echo fine >&2; echo done ;;
		2) trap "echo finished; exit 0" TERM; echo started; sleep 600 & wait ;;
		*) echo started; exec sleep 600 ;;
		esac`)
	_, _ = io.WriteString(p.in, "1\n2\n3\n4\n5\n6\n")
	p.err.await(t, "done\n", 1)
	p.err.await(t, "started\n", 3)

	_ = p.Process.Signal(syscall.SIGINT)

	e := p.wait(t) // although the input has not ended
	a := e.accounting(t)
	if e.code != 1 || a.Succeeded != 2 || a.Unfinished != a.Sent-2 || a.Attempts != 4 {
		t.Errorf("exit code %d with %+v; want 2 succeeded after 4 attempts\n%s", e.code, a, e.err)
	}
	if !strings.Contains(e.err, "finished\n") || !strings.Contains(e.err, fmt.Sprintf("the input was read up to line %d\n", a.Sent)) {
		t.Errorf("it says\n%s", e.err)
	}
	reasons := make(map[string]int)
	for _, f := range readFailures(t, filepath.Join(e.dir, "f.jsonl")) {
		reasons[f.Reason]++
		if f.Payload != fmt.Sprint(f.Line) || f.Line < 3 {
			t.Errorf("line %d with payload %q", f.Line, f.Payload)
		}
	}
	if reasons[reasonInterrupted] != 2 || reasons[reasonNotStarted] != a.Unfinished-2 {
		t.Errorf("reasons %v; want 2 interrupted and the others not started", reasons)
	}
}

// A command has 5 s from SIGTERM to SIGKILL, also where that exceeds the grace.
func TestRunGivesACommandItsTimeToEnd(t *testing.T) {
	t.Parallel()
	p := start(t, "run", "--queue", "mem://x", "--grace", "1s", "--exec", `trap "sleep 2; echo saved > state; exit 0" TERM; echo started; sleep 600 & wait`)
	_, _ = io.WriteString(p.in, "1\n")
	p.out.await(t, "started\n", 1)

	_ = p.Process.Signal(syscall.SIGINT)

	e := p.wait(t)
	if state, err := os.ReadFile(filepath.Join(e.dir, "state")); string(state) != "saved\n" {
		t.Errorf("the command did not come to its end: %v\n%s", err, e.err)
	}
}

func TestRunLeavesNoCommandBehind(t *testing.T) {
	t.Parallel()
	p := start(t, "run", "--queue", "mem://x", "--grace", "1s", "--exec", `trap "" TERM; echo $$; while :; do sleep 600; done`)
	_, _ = io.WriteString(p.in, "1\n")
	p.out.await(t, "\n", 1)

	_ = p.Process.Signal(syscall.SIGTERM)

	e := p.wait(t)
	if e.code != 1 || !strings.Contains(e.err, "1 line: 0 succeeded, 0 dead, 1 unfinished, 0 lost") {
		t.Errorf("exit code %d, and it says\n%s", e.code, e.err)
	}
	gone(t, e.out)
}

func TestRunEndsAtOnceOnTheSecondInterrupt(t *testing.T) {
	t.Parallel()
	p := start(t, "run", "--queue", "mem://x", "--grace", "1h", "--exec", `trap "" TERM; echo $$; while :; do sleep 600; done`)
	_, _ = io.WriteString(p.in, "1\n")
	p.out.await(t, "\n", 1)
	_ = p.Process.Signal(syscall.SIGINT)
	p.err.await(t, "Ctrl-C again ends at once", 1)

	_ = p.Process.Signal(syscall.SIGINT)

	e := p.wait(t)
	if e.code != 130 || !strings.Contains(e.err, "1 line: 0 succeeded, 0 dead, 1 unfinished, 0 lost") {
		t.Errorf("exit code %d, and it says\n%s", e.code, e.err)
	}
	if f := readFailures(t, filepath.Join(e.dir, defaultFailed)); len(f) != 1 || f[0].Reason != reasonInterrupted {
		t.Errorf("the failed file holds %+v", f)
	}
	gone(t, e.out)
}

func TestRunStopsWhenNobodyReadsItsOutput(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), binary, "run", "--queue", "mem://x", "--exec", "cat")
	cmd.Dir = t.TempDir()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var feeding sync.WaitGroup
	feeding.Go(func() {
		for i := 0; ; i++ { // until nobody reads it
			if _, err := fmt.Fprintln(in, i); err != nil {
				return
			}
		}
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_ = out.Close()

	_ = cmd.Wait()
	feeding.Wait()

	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(stderr.String(), "output of commands is missing") {
		t.Errorf("exit code %d, and it says\n%s", code, &stderr)
	}
}

// One line: all is settled by the time the write has failed.
func TestRunFailsWhenOutputOfALineThatSucceededIsMissing(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("this system has no device that is full: %v", err)
	}
	defer full.Close()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, "run", "--queue", "mem://x", "--exec", "cat")
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = t.TempDir(), strings.NewReader("one\n"), full, &stderr

	_ = cmd.Run()

	for _, want := range []string{"1 succeeded", "output of commands is missing"} {
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(stderr.String(), want) {
			t.Errorf("exit %d; want 1 and %q\n%s", code, want, stderr.String())
		}
	}
}

func TestRunGoesOnAfterALineOverTheLimit(t *testing.T) {
	t.Parallel()
	// The queue takes 1 MiB less 8 KiB in all, and a line travels in base64.
	input := "first\n" + strings.Repeat("x", 2<<20) + "\n" + strings.Repeat("y", 900<<10) + "\nlast\n"

	e := longshore(t, input, "run", "--queue", "mem://x", "--exec", "wc -c", "--json")

	if a := e.accounting(t); a.Sent != 4 || a.Succeeded != 2 || a.Dead != 2 || e.code != 1 {
		t.Errorf("exit code %d with %+v", e.code, a)
	}
	for _, want := range []string{
		`line 2 is refused: it has 2097152 bytes, and queue "x" takes at most 1048576`,
		`line 3 is refused: runtime: enqueue "line": the task takes `,
	} {
		if !strings.Contains(e.err, want) {
			t.Errorf("it does not say %q but\n%s", want, e.err)
		}
	}
	f := readFailures(t, filepath.Join(e.dir, defaultFailed))
	if len(f) != 2 || f[0].Line != 2 || !f[0].Truncated || f[0].Payload != strings.Repeat("x", keptOfLong) || f[1].Truncated || len(f[1].Payload) != 900<<10 {
		t.Errorf("the failed file holds %d lines: %.200v", len(f), f)
	}
}

func TestRunPassesOnWholeLines(t *testing.T) {
	t.Parallel()
	const n = 5000
	var input strings.Builder
	want := make([]string, n)
	for i := range n {
		fmt.Fprintln(&input, i)
		want[i] = fmt.Sprintf("%d-%d-%d\n", i, i, i)
	}
	slices.Sort(want)

	e := longshore(t, input.String(), "run", "--queue", "mem://x", "--concurrency", "20",
		"--exec", `read x; printf "$x-"; printf "$x-"; echo $x`)

	if got := slices.Sorted(strings.Lines(e.out)); !slices.Equal(got, want) {
		t.Errorf("%d lines, and they differ from the %d expected", len(got), n)
	}
	if e.code != 0 || !strings.Contains(e.err, "5,000 lines: 5,000 succeeded, 0 dead, 0 unfinished, 0 lost\n") {
		t.Errorf("exit code %d, and it says\n%s", e.code, e.err)
	}
}

func TestRunPosts(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	posts := make(map[string]int)
	var waited time.Duration
	var refused time.Time
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		posts[string(body)]++
		first := posts[string(body)] == 1
		switch string(body) {
		case "404":
			w.WriteHeader(http.StatusNotFound)
		case "302":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "500 once":
			if first {
				w.WriteHeader(http.StatusInternalServerError)
			}
		case "429 once":
			if first {
				refused = time.Now()
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
			} else {
				waited = time.Since(refused)
			}
		case "503":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "cut off once":
			if first {
				panic(http.ErrAbortHandler)
			}
		}
	}))
	t.Cleanup(server.Close)
	input := "200\n404\n302\n500 once\n429 once\n503\ncut off once\n"

	e := longshore(t, input, "run", "--queue", "mem://x", "--http", server.URL, "--backoff", "1ms", "--max-attempts", "3", "--json")

	a := e.accounting(t)
	if want := (accounting{Sent: 7, Succeeded: 4, Dead: 3, Attempts: 12, ElapsedMS: a.ElapsedMS}); a != want || e.code != 1 {
		t.Errorf("exit code %d with %+v, want 1 with %+v\n%s", e.code, a, want, e.err)
	}
	for line, want := range map[string]int{"200": 1, "404": 1, "302": 1, "500 once": 2, "429 once": 2, "503": 3, "cut off once": 2} {
		if posts[line] != want {
			t.Errorf("%q was posted %d times, want %d", line, posts[line], want)
		}
	}
	if waited < time.Second {
		t.Errorf("the next attempt came %v after a Retry-After of 1 s", waited)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	const queue = "--queue=mem://x"
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"nothing", []string{"run"}, "--queue is missing"},
		{"no command", []string{"run", queue}, "--exec or --http is missing"},
		{"both", []string{"run", queue, "--exec=cat", "--http=http://localhost"}, "--exec and --http are both given"},
		{"command not found", []string{"run", queue, "--exec", "no-such-command-here -x"}, `command "no-such-command-here" not found`},
		{"empty command", []string{"run", queue, "--exec="}, "--exec is empty"},
		{"an argument", []string{"run", queue, "--exec=wc", "-c"}, "unknown shorthand flag"},
		{"another argument", []string{"run", queue, "--exec=cat", "file"}, `run takes no argument, but got "file"`},
		{"unknown flag", []string{"run", "--nope"}, "unknown flag: --nope"},
		{"unknown command", []string{"walk"}, `unknown command "walk"`},
		{"unknown shell", []string{"completion", "bahs"}, `unknown command "bahs" for "longshore completion"`},
		{"unknown scheme", []string{"run", "--queue=carrier-pigeon://x", "--exec=cat"}, "unknown scheme; want one of mem"},
		{"no URL", []string{"run", "--queue=x", "--exec=cat"}, "not a queue URL"},
		{"unknown parameter", []string{"run", "--queue=mem://x?nope=1", "--exec=cat"}, `unknown parameter "nope"`},
		{"malformed parameter", []string{"run", "--queue=mem://x?hold=soon", "--exec=cat"}, "parameter hold="},
		{"no dead letter", []string{"run", "--queue=mem://x?dead_letter=false", "--exec=cat"}, "it has no dead letter"},
		{"more attempts than the queue", []string{"run", queue, "--exec=cat", "--max-attempts=48"}, "attempt limit 100 is below 101"},
		{"zero concurrency", []string{"run", queue, "--exec=cat", "--concurrency=0"}, "--concurrency 0 is not within 1 to 100000"},
		{"huge concurrency", []string{"run", queue, "--exec=cat", "--concurrency=100001"}, "--concurrency 100001 is not"},
		{"zero attempts", []string{"run", queue, "--exec=cat", "--max-attempts=0"}, "--max-attempts 0 is not within 1 to 1000"},
		{"negative timeout", []string{"run", queue, "--exec=cat", "--timeout=-1s"}, "--timeout -1s is negative"},
		{"absurd timeout", []string{"run", queue, "--exec=cat", "--timeout=13h"}, "the timeout 13h0m0s"},
		{"malformed timeout", []string{"run", queue, "--exec=cat", "--timeout=10"}, "missing unit"},
		{"negative hold", []string{"run", queue, "--exec=cat", "--hold=-1s"}, "--hold -1s is negative"},
		{"absurd hold", []string{"run", queue, "--exec=cat", "--hold=24h"}, "hold 24h0m0s is not within"},
		{"short grace", []string{"run", queue, "--exec=cat", "--grace=1ms"}, "--grace 1ms is below 1s"},
		{"backoff", []string{"run", queue, "--exec=cat", "--backoff=11m"}, "--backoff 11m0s is not within"},
		{"kind", []string{"run", queue, "--exec=cat", "--kind=a b"}, "the kind has byte 0x20"},
		{"empty failed file", []string{"run", queue, "--exec=cat", "--failed="}, "--failed is empty"},
		{"failed file nowhere", []string{"run", queue, "--exec=cat", "--failed=no/such/file"}, "there is no directory no/such"},
		{"failed file that exists", []string{"run", queue, "--exec=cat", "--failed=" + os.Args[0]}, "exists already"},
		{"no URL to post to", []string{"run", queue, "--http=localhost:8080"}, "not an http or https URL"},
		{"another protocol", []string{"run", queue, "--http=ftp://localhost/"}, "not an http or https URL"},
		{"malformed URL", []string{"run", queue, "--http=http://secret:%zz@localhost"}, "--http is not a URL"},
		{"control characters", []string{"run", queue, "--exec=cat", "no\x1b[2Jsuch"}, `but got "no\x1b[2Jsuch"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := longshore(t, "line\n", tt.args...)

			if e.code != 2 || e.out != "" || !strings.HasPrefix(e.err, "longshore: ") || !strings.Contains(e.err, tt.want) {
				t.Errorf("exit code %d, output %q, and it says\n%swant 2 and %q", e.code, e.out, e.err, tt.want)
			}
			if strings.Count(e.err, "\n") != 2 || strings.ContainsAny(e.err, "\x1b") || strings.Contains(e.err, "secret") {
				t.Errorf("it is not one clear line and a hint:\n%q", e.err)
			}
			if files, _ := os.ReadDir(e.dir); len(files) != 0 {
				t.Errorf("it left %v", files)
			}
		})
	}
}

func TestRunHintsAtTheQueueURLOnlyWhereItHelps(t *testing.T) {
	t.Parallel()
	const hint = "\nset max_receives (at most 1000) in the queue's URL"
	for flag, want := range map[string]bool{"--max-attempts=48": true, "--hold=24h": false, "--timeout=13h": false} {
		e := longshore(t, "line\n", "run", "--queue=mem://x", "--exec=cat", flag)

		if got := strings.Contains(e.err, hint); got != want {
			t.Errorf("%s: the hint is there: %v, want %v\n%s", flag, got, want, e.err)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	e := longshore(t, "", "version")
	if e.code != 0 || !strings.HasPrefix(e.out, "longshore ") || !strings.Contains(e.out, "\ngo        go1.") || !strings.Contains(e.out, "\nrevision  ") {
		t.Errorf("exit code %d and\n%s", e.code, e.out)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	if e := longshore(t, "", "run", "--help"); !strings.Contains(e.out, "mem://orders?") || !strings.Contains(e.out, "\n    max_receives ") {
		t.Errorf("it does not list the queue URLs and their parameters:\n%s", e.out)
	}
	for _, args := range [][]string{nil, {"--help"}, {"run", "--help"}, {"help", "run"}} {
		if e := longshore(t, "", args...); e.code != 0 || !strings.Contains(e.out, "Usage:") || e.err != "" {
			t.Errorf("%v: exit code %d, output %q, errors %q", args, e.code, e.out, e.err)
		}
	}
}
