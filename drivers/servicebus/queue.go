package servicebus

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/gate"
	"github.com/longshore-dev/longshore/drivers/internal/lazy"
)

// Queue is one queue on Azure Service Bus, with its dead letter. It is safe for
// concurrent use.
type Queue struct {
	source // of the live messages
	dead   source

	name         string
	api          *lazy.Value[Clients]
	from         credentials // what to connect with, if it was opened by URL
	options      Options
	capabilities driver.Capabilities
	ops          ops
	gate         *gate.Gate
	settings     atomic.Pointer[settings] // as last read; nil until they are
	shrunk       atomic.Int64             // a hold that messages showed, less than the one known; 0 for none
	drift        drift
	sending      sending
	delayed      delayed
}

// ops name the operations in errors.
type ops struct {
	send, receive, extend, settle, policy, stats, move, withdraw, close string
}

// New makes a queue on clients that are ready. Nil options are those of a URL without
// parameters. InvalidArgument for a name or a declaration that cannot be. It does no
// I/O.
func New(clients Clients, queue string, opts *Options) (*Queue, error) {
	const op = "servicebus: new"
	if clients.Messages == nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "the client is nil")
	}
	if opts == nil {
		opts = new(Options)
	}
	err := checkQueue(queue)
	if err == nil {
		err = opts.check()
	}
	if err != nil {
		return nil, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	q := newQueue(queue, *opts)
	q.api.Give(&clients)
	return q, nil
}

func newQueue(name string, o Options) *Queue {
	q := &Queue{name: name, options: o, capabilities: capabilities(&o)}
	for op, verb := range map[*string]string{
		&q.ops.send: "send", &q.ops.receive: "receive", &q.ops.extend: "extend", &q.ops.settle: "settle",
		&q.ops.policy: "policy", &q.ops.stats: "stats", &q.ops.move: "move all", &q.ops.withdraw: "withdraw", &q.ops.close: "close",
	} {
		*op = fmt.Sprintf("servicebus: %s %q", verb, name)
	}
	q.gate = gate.New()
	q.api = lazy.New[Clients]()
	q.sending.init()
	q.drift.start = time.Now()
	q.source.init(q)
	q.dead.init(q)
	return q
}

// DeadLetter is the queue's dead-letter subqueue, which every queue has.
func (q *Queue) DeadLetter() driver.DeadLetter { return (*deadLetter)(q) }

// Capabilities says what the queue can do; see the package documentation.
func (q *Queue) Capabilities() driver.Capabilities { return q.capabilities }

// As takes a **Queue, a **azservicebus.Client and, where there is one, a
// **admin.Client. A queue that was opened by URL and has made no call yet looks for
// credentials now; without any As is false for a client, and so it is after Close.
func (q *Queue) As(target any) bool {
	switch p := target.(type) {
	case **Queue:
		*p = q
		return true
	case *driver.System:
		*p = "servicebus"
		return true
	case **azservicebus.Client:
		return q.withClients(func(c *Clients) bool { *p = c.Messages; return true })
	case **admin.Client:
		return q.withClients(func(c *Clients) bool {
			if c.Admin != nil {
				*p = c.Admin
			}
			return c.Admin != nil
		})
	}
	return false
}

func (q *Queue) withClients(f func(c *Clients) bool) bool {
	if q.gate.Enter(q.ops.policy) != nil {
		return false
	}
	defer q.gate.Leave()
	c, err := q.clients(context.Background(), q.ops.policy)
	return err == nil && f(c)
}

// Close waits for the calls in flight, and for the requests that calls whose context
// ended have left behind, which end within 15 s. Then it closes the links, and the
// connection of what was opened by URL. A Canceled or DeadlineExceeded says that some
// calls still are in flight; a later Close closes what is left. Messages that came and
// that nobody has received are given back.
func (q *Queue) Close(ctx context.Context) error {
	if err := q.gate.Close(ctx, q.ops.close); err != nil {
		return err
	}
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), leasePatience)
	defer cancel()
	var closing sync.WaitGroup
	for _, part := range []interface{ close(ctx context.Context) }{&q.sending, &q.source.line, &q.dead.line} {
		closing.Go(func() { part.close(own) })
	}
	closing.Wait()
	return q.closeClients(own)
}

// source is a place to lease from: the live messages or the dead letters.
type source struct {
	queue *Queue
	desk  desk
	line  line // what the live messages of a queue with sessions do not have

	running sync.Once // the pump, or the doorman of sessions, runs
}

func (s *source) init(q *Queue) {
	s.queue = q
	s.desk.init(s)
	s.line.init(s)
}

func (s *source) isDead() bool { return s == &s.queue.dead }

// inSessions is whether messages come in sessions: the dead letters of a queue with
// sessions do not. Source: Azure Service Bus, "Overview of Service Bus dead-letter
// queues".
func (s *source) inSessions() bool { return !s.isDead() && s.queue.options.Sessions }

var (
	_ driver.Queue      = (*Queue)(nil)
	_ driver.Withdrawer = (*Queue)(nil)
)
