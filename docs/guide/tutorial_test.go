//go:build unix

package guide_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
	"github.com/longshore-dev/longshore/internal/process"
)

// The tutorial is done word for word: its files are written, its commands run, what
// is to be typed is typed, and what comes is what the page shows. Instead of
// LocalStack there is the in-process server, instead of the module's last version
// this checkout.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds programs")
	}
	f := newFollower(t)
	for _, b := range fenced(page(t, "tutorial.md")) {
		switch b.language {
		case "go":
			f.write(b)
		case "sh":
			f.shell(b)
		case "text":
			if got := strings.TrimSpace(f.said); got != strings.TrimSpace(b.text) {
				f.t.Errorf("tutorial.md:%d: the command says\n%s\nwant\n%s", b.line, got, b.text)
			}
		case "console":
			f.console(b)
		default:
			t.Errorf("tutorial.md:%d: a block of %q", b.line, b.language)
		}
	}
	f.end()
}

// follower does what the tutorial says.
type follower struct {
	t        *testing.T
	ctx      context.Context
	dir      string
	checkout string
	aws      *sqs.Client
	endpoint string
	env      []string
	said     string // by the last command
	session  *session
}

func newFollower(t *testing.T) *follower {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // the first build takes long
	t.Cleanup(cancel)
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// Looking at the sources keeps a cached result from standing in for this test
	// when they have changed.
	for _, dir := range []string{"cmd", "runtime", "driver", "drivers", "internal"} {
		if err := filepath.WalkDir(filepath.Join(checkout, dir), func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
	}
	server := sqsfake.New(nil)
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) }) // it ends with Close
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	f := &follower{t: t, ctx: ctx, dir: t.TempDir(), checkout: checkout, endpoint: "http://" + l.Addr().String()}
	f.aws = sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(f.endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "QUEUE_URL=") {
			f.env = append(f.env, v)
		}
	}
	f.env = append(f.env, "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GONOSUMDB=*", "AWS_EC2_METADATA_DISABLED=true")
	return f
}

// write writes a file of the tutorial. Its name is at the end of the line before.
func (f *follower) write(b block) {
	m := regexp.MustCompile("(?:^|[ .])[Ww]rite `([a-z]+\\.go)`").FindStringSubmatch(b.before)
	if m == nil {
		f.t.Fatalf("tutorial.md:%d: before the code stands no \"Write `FILE`\": %q", b.line, b.before)
	}
	if err := os.WriteFile(filepath.Join(f.dir, m[1]), []byte(b.text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

var awsCall = regexp.MustCompile(`^aws sqs create-queue --endpoint-url "\$AWS_ENDPOINT_URL_SQS" --queue-name (\S+) --attributes '(.*)'$`)

// shell runs the commands of a block, one a line.
func (f *follower) shell(b block) {
	if strings.HasPrefix(b.note(), "not run: ") {
		return
	}
	for line := range strings.SplitSeq(strings.TrimSpace(b.text), "\n") {
		line = strings.ReplaceAll(line, "http://127.0.0.1:4566", f.endpoint)
		if settings, ok := strings.CutPrefix(line, "export "); ok {
			f.env = append(f.env, strings.Fields(settings)...)
			continue
		}
		if call := awsCall.FindStringSubmatch(line); call != nil {
			var attributes map[string]string
			if err := json.Unmarshal([]byte(call[2]), &attributes); err != nil {
				f.t.Fatalf("tutorial.md:%d: %v", b.line, err)
			}
			if _, err := f.aws.CreateQueue(f.ctx, &sqs.CreateQueueInput{QueueName: &call[1], Attributes: attributes}); err != nil {
				f.t.Fatalf("tutorial.md:%d: %v", b.line, err)
			}
			continue
		}
		if strings.HasPrefix(line, "go get github.com/longshore-dev/longshore@") {
			sums, err := os.ReadFile(filepath.Join(f.checkout, "go.sum"))
			if err != nil {
				f.t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(f.dir, "go.sum"), sums, 0o600); err != nil {
				f.t.Fatal(err)
			}
			line = "go mod edit -require=github.com/longshore-dev/longshore@v0.0.0 -replace=github.com/longshore-dev/longshore=" + f.checkout
		}
		command := exec.CommandContext(f.ctx, "sh", "-c", line)
		command.Dir, command.Env = f.dir, f.env
		out, err := command.CombinedOutput()
		if err != nil {
			f.t.Fatalf("tutorial.md:%d: %s: %v\n%s", b.line, line, err, out)
		}
		f.said = string(out)
	}
}

// changing is what differs from run to run: times, ids and waits.
var changing = regexp.MustCompile(`\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|[0-9a-f]{8}-[0-9a-f-]{27}|again_in=\S+|message=m\d+`)

func normal(line string) string { return changing.ReplaceAllString(line, "…") }

// console types what begins with > and waits for what is shown after it, in any
// order. A line with $ starts a program, ^D ends it.
func (f *follower) console(b block) {
	var want []string
	typed := ""
	settle := func() {
		f.t.Helper()
		again := func() {}
		if typed == "dead" {
			// The log says that a task is buried right before the queue has taken it:
			// who types as fast as this test looks too early.
			again = func() { f.enter(b, typed) }
		}
		if err := f.session.expect(f.ctx, want, again); err != nil {
			f.t.Fatalf("tutorial.md:%d: %v", b.line, err)
		}
		want = nil
	}
	for line := range strings.SplitSeq(strings.TrimSpace(b.text), "\n") {
		if program, ok := strings.CutPrefix(line, "$ "); ok {
			f.session = f.start(program)
		} else if line == "> ^D" {
			settle()
			f.end()
		} else if text, ok := strings.CutPrefix(line, "> "); ok {
			settle()
			typed = text
			f.enter(b, typed)
		} else {
			want = append(want, normal(line))
		}
	}
	settle()
}

// enter types a line.
func (f *follower) enter(b block, line string) {
	f.t.Helper()
	if _, err := io.WriteString(f.session.stdin, line+"\n"); err != nil {
		f.t.Fatalf("tutorial.md:%d: typing %q: %v", b.line, line, err)
	}
}

// session is a program that runs while it is typed to.
type session struct {
	process *process.Process
	stdin   io.WriteCloser
	lines   chan string // closed by the goroutine that reads the output
}

func (f *follower) start(program string) *session {
	input, typing, err := os.Pipe()
	if err != nil {
		f.t.Fatal(err)
	}
	reading, output, err := os.Pipe()
	if err != nil {
		f.t.Fatal(err)
	}
	command := exec.CommandContext(f.ctx, "sh", "-c", "exec "+program)
	command.Dir, command.Env = f.dir, f.env
	command.Stdin, command.Stdout, command.Stderr = input, output, output
	p, err := process.Launch(command)
	_ = errors.Join(input.Close(), output.Close()) // the program has its own
	if err != nil {
		f.t.Fatalf("%s: %v", program, err)
	}
	s := &session{process: p, stdin: typing, lines: make(chan string, 100)}
	go func() { // ends with the program
		defer close(s.lines)
		defer reading.Close()
		for scan := bufio.NewScanner(reading); scan.Scan(); {
			s.lines <- scan.Text()
		}
	}()
	f.t.Cleanup(func() {
		_ = s.stdin.Close()
		s.process.Kill()
	})
	return s
}

// expect waits for lines, in any order, and for no others. It calls again each time
// that none has come for a while.
func (s *session) expect(ctx context.Context, want []string, again func()) error {
	left := slices.Clone(want)
	for len(left) > 0 {
		select {
		case line, ok := <-s.lines:
			if !ok {
				return errors.New("the program has ended; still to come:\n" + strings.Join(left, "\n"))
			}
			at := slices.Index(left, normal(line))
			if at < 0 {
				return errors.New("the program says\n" + line + "\nto come are\n" + strings.Join(left, "\n"))
			}
			left = slices.Delete(left, at, at+1)
		case <-time.After(6 * time.Second):
			again()
		case <-ctx.Done():
			return errors.New("it did not come:\n" + strings.Join(left, "\n"))
		}
	}
	return nil
}

// end ends the program that runs, as Ctrl-D does, and looks that it says no more.
func (f *follower) end() {
	f.t.Helper()
	if f.session == nil {
		return
	}
	if err := f.session.stdin.Close(); err != nil {
		f.t.Fatal(err)
	}
	for line := range f.session.lines {
		f.t.Errorf("the program says at its end, and the tutorial does not: %s", line)
	}
	<-f.session.process.Done()
	f.session = nil
}
