package sqs

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/gate"
)

// Queue is one queue of Amazon SQS. It is safe for concurrent use.
type Queue struct {
	source // of the live messages
	dead   source

	name         string
	api          *awssqs.Client
	options      Options
	capabilities driver.Capabilities
	ops          ops
	gate         *gate.Gate
	skew         skew
}

// ops name the operations in errors.
type ops struct{ send, receive, extend, settle, policy, stats, move, close string }

// New makes a queue on a client that is ready. The queue is a name, which is
// looked up at the first call, or a queue URL; nil options declare nothing.
// InvalidArgument for names, URLs and declarations that cannot be. It does no
// I/O.
//
// The client's credentials, endpoint and HTTP client are used as they are; its
// retries are not, as each request is made once. The HTTP client should keep a
// connection for each poller and settler, and give up no response within the 20 s
// of a long poll.
func New(client *awssqs.Client, queue string, opts *Options) (*Queue, error) {
	const op = "sqs: new"
	if client == nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "the client is nil")
	}
	if opts == nil {
		opts = new(Options)
	}
	at, err := parseQueue(queue)
	if err == nil {
		err = opts.check(at)
	}
	if err != nil {
		return nil, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	return newQueue(client, at, *opts), nil
}

func newQueue(client *awssqs.Client, at address, o Options) *Queue {
	q := &Queue{name: at.name, api: single(client), options: o, capabilities: capabilities(at.fifo())}
	for op, verb := range map[*string]string{
		&q.ops.send: "send", &q.ops.receive: "receive", &q.ops.extend: "extend", &q.ops.settle: "settle",
		&q.ops.policy: "policy", &q.ops.stats: "stats", &q.ops.move: "move all", &q.ops.close: "close",
	} {
		*op = fmt.Sprintf("sqs: %s %q", verb, at.name)
	}
	q.gate = gate.New()
	q.skew.start = time.Now()
	q.source.queue, q.dead.queue = q, q
	q.source.at.Store(&at)
	return q
}

// DeadLetter is the target of the queue's redrive policy; without one every call
// on it answers NotFound.
func (q *Queue) DeadLetter() driver.DeadLetter { return (*deadLetter)(q) }

// Capabilities says what the queue can do; see the package documentation.
func (q *Queue) Capabilities() driver.Capabilities { return q.capabilities }

// As takes a **Queue and a **sqs.Client.
func (q *Queue) As(target any) bool {
	switch p := target.(type) {
	case **Queue:
		*p = q
	case **awssqs.Client:
		*p = q.api
	case *driver.Adopter:
		*p = q
	case *driver.Name:
		*p = driver.Name(q.name)
	case *driver.System:
		*p = "aws_sqs"
	default:
		return false
	}
	return true
}

// Close waits for the calls in flight, which begin no further long poll. A
// Canceled or DeadlineExceeded says that some still are.
func (q *Queue) Close(ctx context.Context) error { return q.gate.Close(ctx, q.ops.close) }

// source is a queue of Amazon SQS to lease from: the live one or its dead letter.
type source struct {
	queue    *Queue
	at       atomic.Pointer[address]  // of the dead letter: nil until it is known
	settings atomic.Pointer[settings] // as last read; nil until they are
}

func (s *source) isDead() bool { return s == &s.queue.dead }

var (
	_ driver.Queue   = (*Queue)(nil)
	_ driver.Adopter = (*Queue)(nil)
)
