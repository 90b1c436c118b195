package pubsub

import (
	"context"
	"fmt"
	"sync/atomic"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/gate"
	"github.com/longshore-dev/longshore/drivers/internal/lazy"
)

// Queue is one queue on Google Pub/Sub: a topic and a subscription of it. It is
// safe for concurrent use.
type Queue struct {
	source // of the live messages
	dead   source

	name         string
	api          *lazy.Value[Clients]
	options      Options
	capabilities driver.Capabilities
	ops          ops
	gate         *gate.Gate
}

// ops name the operations in errors.
type ops struct{ send, receive, extend, settle, policy, stats, move, close string }

// Clients are the generated clients that a queue is used through. Their
// connections are the caller's to close.
type Clients struct {
	Topics        *apiv1.TopicAdminClient
	Subscriptions *apiv1.SubscriptionAdminClient
}

// New makes a queue on clients that are ready. The queue is the id of its topic and
// subscription in the project, unless the options name others; nil options are
// those of a URL without parameters. InvalidArgument for names and declarations
// that cannot be. It does no I/O.
//
// The clients' credentials and endpoint are used as they are; their retries and
// time-outs are not, as each request is made once and has a time-out of its own.
func New(clients Clients, project, queue string, opts *Options) (*Queue, error) {
	const op = "pubsub: new"
	if clients.Topics == nil || clients.Subscriptions == nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "a client is nil")
	}
	if opts == nil {
		opts = new(Options)
	}
	at, err := resolve(project, queue, opts)
	if err != nil {
		return nil, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	q := newQueue(at, *opts)
	q.api.Give(&clients)
	return q, nil
}

func newQueue(at address, o Options) *Queue {
	q := &Queue{name: at.name, options: o, capabilities: capabilities(o.Ordered, o.ExactlyOnce)}
	for op, verb := range map[*string]string{
		&q.ops.send: "send", &q.ops.receive: "receive", &q.ops.extend: "extend", &q.ops.settle: "settle",
		&q.ops.policy: "policy", &q.ops.stats: "stats", &q.ops.move: "move all", &q.ops.close: "close",
	} {
		*op = fmt.Sprintf("pubsub: %s %q", verb, at.name)
	}
	q.gate = gate.New()
	q.api = lazy.New[Clients]()
	q.source.queue, q.dead.queue = q, q
	q.source.topic, q.source.subscription = at.topic, at.subscription
	q.dead.topic, q.dead.subscription = at.deadTopic, at.deadSubscription
	return q
}

// DeadLetter is the dead-letter topic and its subscription; where those do not
// exist every call on it answers NotFound.
func (q *Queue) DeadLetter() driver.DeadLetter { return (*deadLetter)(q) }

// Capabilities says what the queue can do; see the package documentation.
func (q *Queue) Capabilities() driver.Capabilities { return q.capabilities }

// As takes a **Queue, a **apiv1.TopicAdminClient and a
// **apiv1.SubscriptionAdminClient. A queue that was opened by URL and has made no
// call yet looks for credentials now; without any As is false for a client, and so
// it is after Close.
func (q *Queue) As(target any) bool {
	switch p := target.(type) {
	case **Queue:
		*p = q
		return true
	case *driver.Adopter:
		*p = q
		return true
	case *driver.Name:
		*p = driver.Name(q.source.subscription)
		return true
	case *driver.System:
		*p = "gcp_pubsub"
		return true
	case **apiv1.TopicAdminClient:
		return q.withClients(func(c *Clients) { *p = c.Topics })
	case **apiv1.SubscriptionAdminClient:
		return q.withClients(func(c *Clients) { *p = c.Subscriptions })
	}
	return false
}

func (q *Queue) withClients(f func(c *Clients)) bool {
	if q.gate.Enter(q.ops.policy) != nil {
		return false
	}
	defer q.gate.Leave()
	c, err := q.clients(context.Background(), q.ops.policy)
	if err == nil {
		f(c)
	}
	return err == nil
}

// Close waits for the calls in flight, and for the Pulls that a cancelled Receive
// has left behind, which end by their own deadline within 21 s. A Canceled or
// DeadlineExceeded says that some still are in flight; what was opened by URL closes
// its connection when a Close has seen the last of them. A Receive that gets messages
// once Close has begun gives them back and is Closed.
func (q *Queue) Close(ctx context.Context) error {
	if err := q.gate.Close(ctx, q.ops.close); err != nil {
		return err
	}
	return q.closeClients()
}

// source is a subscription to lease from, and the topic that feeds it: those of the
// live messages or of the dead letter. The names are complete.
type source struct {
	queue        *Queue
	topic        string                   // projects/PROJECT/topics/TOPIC
	subscription string                   // projects/PROJECT/subscriptions/SUBSCRIPTION
	settings     atomic.Pointer[settings] // as last read; nil until they are
	seen         atomic.Bool              // something was leased from it
}

func (s *source) isDead() bool { return s == &s.queue.dead }

var (
	_ driver.Queue   = (*Queue)(nil)
	_ driver.Adopter = (*Queue)(nil)
)
