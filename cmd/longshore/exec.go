package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

const (
	// killAfter is the time that a command has to end after SIGTERM.
	killAfter = 5 * time.Second
	// straggle is how long an output may be silent once its command has ended
	// before nobody waits for it any more.
	straggle = time.Second
	// maxErrorText is how much of standard error, or of a response, is kept.
	maxErrorText = 4 << 10
)

// Exit codes of a command that mean more than failure, from sysexits.h.
const (
	exitDataErr  = 65 // EX_DATAERR: no retry can help
	exitTempFail = 75 // EX_TEMPFAIL: try again
)

// command runs a shell command for each task.
type command struct {
	shell     string
	text      string
	output    *lineOutput
	killAfter time.Duration // from SIGTERM to SIGKILL
	processes *processes
}

// newCommand checks that the shell understands text and knows its first word.
func newCommand(ctx context.Context, text string, output *lineOutput) (*command, error) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		return nil, usagef("install one, or use --http", "--exec needs a POSIX shell: %w", err)
	}
	if strings.TrimSpace(text) == "" {
		return nil, usagef("for example --exec 'wc -c'", "--exec is empty")
	}
	var complaint tail
	complaint.limit = maxErrorText
	check := exec.CommandContext(ctx, shell, "-n", "-c", text)
	check.Stderr = &complaint
	if err := check.Run(); err != nil {
		return nil, usagef("try it with sh -c", "--exec %q: the shell does not understand it: %s", text, cmp.Or(complaint.String(), err.Error()))
	}
	if word := firstWord(text); word != "" {
		known := exec.CommandContext(ctx, shell, "-c", `command -v -- "$1"`, shell, word).Run()
		if strings.Contains(word, "/") { // of a path some shells ask only whether something is there
			_, known = exec.LookPath(word)
		}
		if known != nil {
			return nil, usagef("check its name, its execute permission and PATH", "--exec %q: command %q not found", text, word)
		}
	}
	adoptOrphans()
	return &command{shell, text, output, killAfter, new(processes)}, nil
}

var (
	plainWord  = regexp.MustCompile(`^[\w./+:@%,-]+$`)
	quotedWord = regexp.MustCompile(`^\s*(?:'([^']+)'|"([^"$\x60\\]+)")(?:\s|$)`)
	assignment = regexp.MustCompile(`^[A-Za-z_]\w*=[\w./+:@%,-]*$`)
)

// firstWord is the command that text starts with; "" where only the shell could
// tell.
func firstWord(text string) string {
	if quoted := quotedWord.FindStringSubmatch(text); quoted != nil {
		return quoted[1] + quoted[2]
	}
	words := strings.Fields(text)
	for i, word := range words {
		switch {
		case !assignment.MatchString(word) && plainWord.MatchString(word):
			if i+1 < len(words) && strings.HasPrefix(words[i+1], "(") { // it is about to be defined
				return ""
			}
			return word
		case !assignment.MatchString(word), strings.HasPrefix(word, "PATH="):
			return ""
		}
	}
	return ""
}

// handle runs the command for one task: the payload on its standard input, what
// it is about in its environment. Its exit code decides.
func (c *command) handle(ctx context.Context, t *runtime.Info) error {
	payload, _ := t.Payload()
	run := exec.CommandContext(context.WithoutCancel(ctx), c.shell, "-c", c.text) // stop ends it, gently
	run.Stdin = bytes.NewReader(payload)                                          // a command need not read it: a broken pipe is no error
	run.WaitDelay = straggle                                                      // for a process outside its group that keeps standard input
	run.Env = append(os.Environ(),
		"LONGSHORE_ID="+string(t.ID), "LONGSHORE_KIND="+t.Kind,
		"LONGSHORE_ATTEMPT="+strconv.Itoa(t.Attempt), "LONGSHORE_MAX_ATTEMPTS="+strconv.Itoa(t.MaxAttempts),
	)
	run.Env = append(run.Env, traceVariables(ctx)...)
	stdout, stderr := c.output.writer(), &tail{limit: maxErrorText}
	var pipes pipes
	defer pipes.close()
	err := errors.Join(pipes.add(&run.Stdout, stdout), pipes.add(&run.Stderr, stderr))
	if err == nil {
		err = c.processes.start(run)
	}
	if err != nil {
		return fmt.Errorf("the command did not start: %w", err)
	}
	pipes.start()
	exited := make(chan error, 1) // one result, never closed
	go func() { exited <- run.Wait() }()
	var cut bool
	select {
	case err = <-exited:
	case <-ctx.Done():
		cut = true
		err = c.stop(run.Process.Pid, exited)
	}
	c.processes.ended(run) // with whatever it left running
	pipes.wait()
	_ = stdout.Close()
	return verdict(ctx, cut, run.ProcessState.ExitCode(), err, stderr.String())
}

// stop ends a command whose time is over: SIGTERM to its group, and SIGKILL
// when something of it is still there after killAfter. It returns when the
// command has ended.
func (c *command) stop(pid int, exited <-chan error) error {
	signalGroup(pid, terminate)
	end := time.NewTimer(c.killAfter)
	defer end.Stop()
	var err error
	select {
	case err = <-exited:
	case <-end.C:
		signalGroup(pid, kill)
		return <-exited
	}
	if !groupGone(pid, end.C) {
		signalGroup(pid, kill)
	}
	return err
}

// groupGone waits for all processes of a group to end, and says false when the
// time is over first. The one that the group was started as must have been
// waited for.
func groupGone(pid int, end <-chan time.Time) bool {
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for {
		reapGroup(pid)
		if !groupAlive(pid) {
			return true
		}
		select {
		case <-look.C:
		case <-end:
			return false
		}
	}
}

// verdict turns the end of a command into what the runtime does with the task.
func verdict(ctx context.Context, cut bool, code int, err error, stderr string) error {
	if code == 0 {
		return nil // err may say that a straggler kept a pipe, which is no failure
	}
	text := "exit status " + strconv.Itoa(code)
	if code < 0 && err != nil {
		text = err.Error() // signal: killed
	}
	if stderr != "" {
		text += ": " + stderr
	}
	switch {
	case code == exitDataErr:
		return runtime.Permanent(errors.New(text))
	case cut:
		return cutShort(ctx, text)
	}
	return errors.New(text)
}

// cutShort is the error of an attempt that the end of ctx ended, as the runtime
// knows it.
func cutShort(ctx context.Context, text string) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, runtime.ErrTimeout) {
		return &timeoutError{text} // the runtime says what the limit was
	}
	return fmt.Errorf("%w: %s", cause, text)
}

type timeoutError struct{ text string }

func (e *timeoutError) Error() string { return e.text }
func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }

// processes are the commands that run now, so that all can be ended at once. It
// is safe for concurrent use. The zero value is ready.
type processes struct {
	mu      sync.Mutex
	running map[*exec.Cmd]struct{} // guarded by mu
	closed  bool                   // guarded by mu; nothing starts any more
	idle    chan struct{}          // guarded by mu; nil, or what drained gave, to close once nothing runs
}

// start starts a command in a process group of its own.
func (p *processes) start(c *exec.Cmd) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return runtime.ErrDraining
	}
	ownGroup(c)
	if err := c.Start(); err != nil {
		return err
	}
	if p.running == nil {
		p.running = make(map[*exec.Cmd]struct{})
	}
	p.running[c] = struct{}{}
	return nil
}

// ended kills what a command that has ended left running in its group.
func (p *processes) ended(c *exec.Cmd) {
	if pid := c.Process.Pid; groupAlive(pid) {
		signalGroup(pid, kill)
		groupGone(pid, time.After(straggle))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, c)
	if len(p.running) == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}

// drained gives a channel that is closed as soon as no command runs. It may be
// called once.
func (p *processes) drained() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := make(chan struct{})
	if len(p.running) == 0 {
		close(idle)
	} else {
		p.idle = idle
	}
	return idle
}

// killAll kills all commands; none starts after it.
func (p *processes) killAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for c := range p.running {
		signalGroup(c.Process.Pid, kill)
	}
}

// pipes carry the output of one command.
type pipes struct {
	ends    []pipe
	copying sync.WaitGroup
	exited  atomic.Bool // the command has
}

type pipe struct {
	read, write *os.File
	to          io.Writer
}

// add makes a pipe from what it stores in from.
func (p *pipes) add(from *io.Writer, to io.Writer) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	*from = w
	p.ends = append(p.ends, pipe{r, w, to})
	return nil
}

// start begins to copy, once the command has the other ends.
func (p *pipes) start() {
	for _, e := range p.ends {
		_ = e.write.Close()
		p.copying.Go(func() { p.copy(e) })
	}
}

func (p *pipes) copy(e pipe) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := e.read.Read(buffer)
		_, _ = e.to.Write(buffer[:n])
		if err != nil {
			return
		}
		if p.exited.Load() {
			_ = e.read.SetReadDeadline(time.Now().Add(straggle))
		}
	}
}

// wait waits, once the command has ended, until all it wrote is copied. A
// process that left its group may keep a pipe open: it is waited for while it
// writes.
func (p *pipes) wait() {
	p.exited.Store(true)
	for _, e := range p.ends {
		_ = e.read.SetReadDeadline(time.Now().Add(straggle))
	}
	p.copying.Wait()
}

func (p *pipes) close() {
	for _, e := range p.ends {
		_ = e.write.Close()
		_ = e.read.Close()
	}
}
