//go:build unix

// Package lambdaruntime runs the bootstrap of a function as AWS Lambda does: a process
// that asks the Runtime API for invocations, of which it has one at a time. At the
// function's timeout the process is ended; when it ends by itself the invocation fails
// and the next one starts it anew.
package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/internal/process"
)

// Function is what an Environment runs.
type Function struct {
	// Binary is the bootstrap.
	Binary string
	// Env is its environment beside that which AWS Lambda sets: KEY=VALUE.
	Env []string
	// Timeout is the function's; 0 stands for 3 s.
	Timeout time.Duration
	// Log gets what it prints; nil stands for nothing.
	Log *os.File
	// Queue is the name of the queue of Amazon SQS that the function is mapped to, as
	// Lambda lists it. Whole leaves out that the mapping reports failures one by one.
	Queue string
	Whole bool
}

// ErrTimeout is the failure of an invocation that took longer than the function may.
var ErrTimeout = errors.New("lambdaruntime: the invocation timed out")

// ErrExit is the failure of an invocation whose process ended.
var ErrExit = errors.New("lambdaruntime: the runtime exited")

// FunctionError is an error that the function answered.
type FunctionError struct{ Body string }

func (e *FunctionError) Error() string { return "lambdaruntime: the function failed: " + e.Body }

// maxAnswer bounds an answer. Source: AWS Lambda Developer Guide, "Lambda quotas".
const maxAnswer = 6 << 20

// endsWithin is how long a process has from SIGTERM on.
const endsWithin = 500 * time.Millisecond

// Environment is an execution environment. It is safe for concurrent use; invocations
// are one after the other.
type Environment struct {
	function Function
	server   *http.Server
	serving  sync.WaitGroup
	address  string
	next     chan *invocation // to the process that asks; never closed

	invoking sync.Mutex // held by an invocation

	mu      sync.Mutex
	process *process.Process       // nil when none runs; guarded by mu
	waiting map[string]*invocation // by id, handed out and not answered; guarded by mu
	number  int                    // of invocations so far; guarded by mu
	started int                    // of processes so far; guarded by mu
	closed  bool                   // guarded by mu
}

type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	answer   chan answer // capacity 1, never closed
}

type answer struct {
	body []byte
	err  error
}

// New makes an environment without a process. The caller closes it.
func New(ctx context.Context, f Function) (*Environment, error) {
	if f.Timeout == 0 {
		f.Timeout = 3 * time.Second
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &Environment{function: f, address: l.Addr().String(), next: make(chan *invocation), waiting: make(map[string]*invocation)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.handOut)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		e.take(w, r, func(body []byte) answer { return answer{body: body} })
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) {
		e.take(w, r, func(body []byte) answer { return answer{err: &FunctionError{string(body)}} })
	})
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Lambda-Extension-Identifier", "extension")
		_, _ = w.Write([]byte(`{"functionName":"function"}`)) // the process may have been killed
	})
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("GET /2015-03-31/event-source-mappings/", e.list)
	e.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	e.serving.Go(func() { _ = e.server.Serve(l) }) // it ends with Close
	return e, nil
}

// Invoke invokes the function with an event, starting its process when there is none.
// The error is a *FunctionError, ErrTimeout, ErrExit or that of ctx, which ends the
// process too.
func (e *Environment) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	e.invoking.Lock()
	defer e.invoking.Unlock()
	p, err := e.running()
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.number++
	one := &invocation{
		id: strconv.Itoa(e.number), event: event, deadline: time.Now().Add(e.function.Timeout), answer: make(chan answer, 1),
	}
	e.waiting[one.id] = one
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.waiting, one.id)
	}()
	late := time.NewTimer(e.function.Timeout)
	defer late.Stop()
	next := e.next
	for {
		select {
		case next <- one:
			next = nil
		case a := <-one.answer:
			return a.body, a.err
		case <-p.Done():
			select {
			case a := <-one.answer: // its last word
				return a.body, a.err
			default:
				return nil, ErrExit
			}
		case <-late.C:
			e.end(p)
			return nil, ErrTimeout
		case <-ctx.Done():
			e.end(p)
			return nil, ctx.Err()
		}
	}
}

// end ends a process as AWS Lambda does when an invocation takes too long.
func (e *Environment) end(p *process.Process) {
	ctx, cancel := context.WithTimeout(context.Background(), endsWithin)
	defer cancel()
	_ = p.End(ctx) // it is killed then
}

// running is the process, started if there is none.
func (e *Environment) running() (*process.Process, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, errors.New("lambdaruntime: the environment is closed")
	}
	if e.process != nil {
		select {
		case <-e.process.Done():
			e.process = nil
		default:
			return e.process, nil
		}
	}
	cmd := exec.Command(e.function.Binary) //nolint:noctx // it outlives the invocation that starts it, and ends with Close
	cmd.Env = append(append(os.Environ(),
		"AWS_LAMBDA_RUNTIME_API="+e.address, "AWS_LAMBDA_FUNCTION_NAME=function", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL_LAMBDA=http://"+e.address,
	), e.function.Env...)
	if e.function.Log != nil {
		cmd.Stdout, cmd.Stderr = e.function.Log, e.function.Log
	}
	p, err := process.Launch(cmd)
	if err != nil {
		return nil, fmt.Errorf("lambdaruntime: start the bootstrap: %w", err)
	}
	e.process = p
	e.started++
	return p, nil
}

// Started is how many processes there were.
func (e *Environment) Started() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.started
}

// PID is the process's number; 0 when none runs.
func (e *Environment) PID() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.process == nil {
		return 0
	}
	return e.process.PID()
}

// Kill ends the process by SIGKILL, if one runs.
func (e *Environment) Kill() {
	e.mu.Lock()
	p := e.process
	e.process = nil
	e.mu.Unlock()
	if p != nil {
		p.Kill()
	}
}

// Shutdown ends an idle process as AWS Lambda does: by SIGTERM, and soon by SIGKILL.
func (e *Environment) Shutdown(ctx context.Context) {
	e.invoking.Lock()
	defer e.invoking.Unlock()
	e.mu.Lock()
	p := e.process
	e.process = nil
	e.mu.Unlock()
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, endsWithin)
	defer cancel()
	_ = p.End(ctx) // it is killed then
}

// Close ends the process and the API.
func (e *Environment) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.Kill()
	_ = e.server.Close() // nobody asks any more
	e.serving.Wait()
}

// list lists the mapping of the function.
func (e *Environment) list(w http.ResponseWriter, _ *http.Request) {
	types := `"ReportBatchItemFailures"`
	if e.function.Whole {
		types = ""
	}
	_, _ = fmt.Fprintf(w, `{"EventSourceMappings":[{"UUID":"mapping","EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:%s","FunctionResponseTypes":[%s]}]}`,
		e.function.Queue, types) // the process may have been killed
}

// handOut gives the next invocation to the process that asks for it.
func (e *Environment) handOut(w http.ResponseWriter, r *http.Request) {
	select {
	case one := <-e.next:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", one.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(one.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:function")
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(one.event) // the process may have been killed
	case <-r.Context().Done():
	}
}

// take takes what the process says of an invocation.
func (e *Environment) take(w http.ResponseWriter, r *http.Request, of func(body []byte) answer) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer))
	if err != nil {
		http.Error(w, "the answer cannot be read", http.StatusRequestEntityTooLarge)
		return
	}
	e.mu.Lock()
	one := e.waiting[r.PathValue("id")]
	delete(e.waiting, r.PathValue("id"))
	e.mu.Unlock()
	if one == nil {
		http.Error(w, "no such invocation", http.StatusNotFound)
		return
	}
	one.answer <- of(body)
	w.WriteHeader(http.StatusAccepted)
}
