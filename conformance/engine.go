package conformance

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// Engine is what runs tasks on a queue: the runtime's Worker, or something else
// that keeps the same promises, such as the entry of a serverless platform. The
// checks of the worker layer run on it.
type Engine struct {
	Name string

	// Run does tasks until ctx ends, then drains and answers as
	// [runtime.Worker].Run does. It honours all of the job.
	Run func(ctx context.Context, j Job) error

	// AcksGone says that whoever receives the messages for the engine acknowledges all
	// that the engine does not want back, so also what it has settled by itself.
	AcksGone bool
	// Answers says that the engine acknowledges and releases by what it answers to whoever
	// brings the messages, not by Job.Queue; WorkerOptions.OnSettled tells of it.
	Answers bool
	// CannotExtend says that the engine cannot extend leases: it ends a handler before
	// its lease does.
	CannotExtend bool
	// CannotKeep says that the engine keeps no lease without a handler: what it puts
	// off is with the broker.
	CannotKeep bool
	// Retry is how much later than it should what the engine gave back comes again, where
	// the broker has a retry delay of its own.
	Retry time.Duration
	// Lead is how long before the end of its grace handlers are told; 0 stands for 3 s.
	Lead time.Duration

	// Client makes the client that enqueues, and Redrive sends dead letters back.
	// Nil stands for those of package runtime.
	Client  func(queues *runtime.Queues, o *runtime.ClientOptions) (*runtime.Client, error)
	Redrive func(ctx context.Context, queues *runtime.Queues, queue string, o *runtime.RedriveOptions) (runtime.RedriveReport, error)
}

// Worker is the engine of package runtime.
func Worker() Engine {
	return Engine{Name: "worker", Run: runWorker, Lead: 3 * time.Second, Client: runtime.NewClient, Redrive: runtime.Redrive}
}

// engine is the backend's, complete.
func (b *Backend) engine() Engine {
	sound := Worker()
	if b.Engine == nil {
		return sound
	}
	e := *b.Engine
	e.Lead = cmp.Or(e.Lead, sound.Lead)
	if e.Client == nil {
		e.Client = sound.Client
	}
	if e.Redrive == nil {
		e.Redrive = sound.Redrive
	}
	return e
}

// Work is the task of the checks.
type Work struct {
	Note string `json:"note"`
}

// Kind is the same for all.
func (Work) Kind() string { return "conformance.work" }

// TaskOf is the id of the task in a message's body, if there is one.
func TaskOf(body []byte) runtime.TaskID { return runtime.TaskID(idOf(body)) }

// Job is what a check gives an engine to do.
type Job struct {
	// Queue is the queue as this engine sees it: the check may cut it off, or
	// have its calls fail.
	Queue driver.Queue
	// Retry is the queue's policy.
	Retry runtime.RetryPolicy
	// Hold is the hold that the queue is given, in place of the broker's; 0 for none.
	Hold time.Duration
	// Handler does the tasks, Handle are its options, and Middleware wraps it.
	Handler    func(ctx context.Context, task *runtime.Task[Work]) error
	Handle     []runtime.HandleOption
	Middleware []runtime.Middleware
	// Payloads are those of the Mux; nil for none.
	Payloads *runtime.Payloads
	// Options are those of the worker. Queues stays empty.
	Options runtime.WorkerOptions
}

// queueName is what the engines call the queue.
const queueName = "conformance"

// queuesOf is the set of one queue.
func queuesOf(q driver.Queue, retry runtime.RetryPolicy) (*runtime.Queues, error) {
	queues := new(runtime.Queues)
	return queues, queues.Add(runtime.QueueInfo{Name: queueName, Driver: q, Retry: &retry})
}

// Queues is the job's queue alone.
func (j *Job) Queues() (*runtime.Queues, error) {
	queues, err := queuesOf(j.Queue, j.Retry)
	if err == nil {
		queues.All()[0].Hold = j.Hold
	}
	return queues, err
}

// Mux has the job's handler. It logs nothing.
func (j *Job) Mux() *runtime.Mux {
	mux := runtime.NewMux(&runtime.MuxOptions{Middleware: j.Middleware, Payloads: j.Payloads, Logger: slog.New(slog.DiscardHandler)})
	runtime.Handle(mux, j.Handler, j.Handle...)
	return mux
}

func runWorker(ctx context.Context, j Job) error {
	queues, err := j.Queues()
	if err != nil {
		return err
	}
	w, err := runtime.NewWorker(queues, j.Mux(), &j.Options)
	if err != nil {
		return err
	}
	return w.Run(ctx)
}
