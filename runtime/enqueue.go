package runtime

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime/internal/envelope"
)

// headroom is what Enqueue leaves of a broker's limit on the body for what the
// runtime adds later.
const headroom = 8 << 10

// EnqueueResult answers one task of EnqueueMany. The id is set whenever the task
// got one, also on an error.
type EnqueueResult struct {
	ID  TaskID
	Err error
}

// Outgoing is a task on its way to a queue.
type Outgoing struct {
	ID   TaskID
	Kind string
	// Queue is the name of the queue it goes to.
	Queue string
	// Delay is how long the queue keeps it hidden; a longer delay goes on when that
	// is over.
	Delay time.Duration
	// Attributes are its own; middleware may set the map or change it.
	Attributes map[string]string

	at                     time.Time // of the call of Enqueue
	queue                  *QueueInfo
	carry                  driver.Carry // of a task that the queue cannot delay for as long
	group, fairness, dedup string
	body                   []byte
	luggage                *luggage          // of a payload that is to go to the store, until it is there
	batch                  [1]driver.Message // of sendOne
	sending                *sending          // of EnqueueMany; nil without telemetry
	clean                  bool              // sent by EnqueueMany at the first try, without middleware
	traceParent            [traceParentLength]byte
}

func (t *Outgoing) message() driver.Message {
	m := driver.Message{
		SendID: t.dedup, Body: t.body, Attributes: t.Attributes, Delay: t.Delay,
		GroupKey: t.group, FairnessKey: t.fairness, DedupKey: t.dedup, Carry: t.carry,
	}
	if m.SendID == "" {
		m.SendID = string(t.ID)
	}
	return m
}

// EnqueueOption changes how a task is enqueued.
type EnqueueOption func(*enqueueOptions)

type enqueueOptions struct {
	id                     TaskID
	queue                  string
	delay, ttl             time.Duration
	runAt                  time.Time
	group, fairness, dedup string
	attributes             map[string]string
}

// ID gives the task this id in place of a fresh one: 1 to 128 bytes of visible
// ASCII. Use it to retry an Enqueue that failed. With EnqueueMany it is an
// error.
func ID(id TaskID) EnqueueOption { return func(o *enqueueOptions) { o.id = id } }

// ToQueue sends the task to the named queue, whatever its kind's route.
func ToQueue(name string) EnqueueOption { return func(o *enqueueOptions) { o.queue = name } }

// Delay keeps the task from running for d, from 0 to ClientOptions.MaxDelay.
// What is beyond the queue's Capabilities.MaxSendDelay costs a few requests each
// time that is over, and relies on the clocks of client and worker: they are
// allowed to differ by 2 s. A task with a Group takes no more than the queue's
// own, because it would hold up those behind it.
func Delay(d time.Duration) EnqueueOption { return func(o *enqueueOptions) { o.delay = d } }

// RunAt is Delay until t, by this program's clock. A time that is past means at
// once. It takes the place of Delay.
func RunAt(t time.Time) EnqueueOption { return func(o *enqueueOptions) { o.runAt = t } }

// TTL buries the task as expired when it is delivered later than d from now, a
// retry too: more than its delay. A handler that runs is not stopped by it.
func TTL(d time.Duration) EnqueueOption { return func(o *enqueueOptions) { o.ttl = d } }

// Group has the tasks with this key run one at a time and in order, on queues
// that order: 1 to 128 bytes of visible ASCII.
func Group(key string) EnqueueOption { return func(o *enqueueOptions) { o.group = key } }

// Fairness names whose task this is, so that the broker can keep one tenant from
// delaying the others, where it supports that: 1 to 128 bytes of visible ASCII.
func Fairness(key string) EnqueueOption { return func(o *enqueueOptions) { o.fairness = key } }

// Dedup has the broker drop the task if it saw one with this key within its
// window, where it supports that: 1 to 128 bytes of visible ASCII. The id that
// Enqueue then answers is of a task that does not exist. With EnqueueMany it is
// an error.
func Dedup(key string) EnqueueOption { return func(o *enqueueOptions) { o.dedup = key } }

// Attribute sets one attribute of the message; see [driver.Message].Attributes
// for what is legal. ce-specversion and its like are not: they would make another
// event of the message.
func Attribute(name, value string) EnqueueOption {
	return func(o *enqueueOptions) {
		if o.attributes == nil {
			o.attributes = make(map[string]string)
		}
		o.attributes[name] = value
	}
}

// Enqueue hands a task to its queue. A nil error means that the broker has
// stored it. The id is returned on an error too, so that a retry with the option
// ID makes no second task where the broker deduplicates.
//
// InvalidArgument for a kind, id, delay, key or attribute that is not legal;
// TooLarge for arguments over the queue's limit less 8 KiB without a store for them,
// or over Payloads.MaxSize; Unsupported for a delay or key that the queue cannot give;
// what the store said, after retries up to Payloads.Timeout, when the payload goes
// there and was not taken: then nothing is sent; otherwise what the broker said after
// retries up to ClientOptions.SendTimeout.
func Enqueue[T Args](ctx context.Context, c *Client, args T, opts ...EnqueueOption) (TaskID, error) {
	var s sending
	ctx, t, err := outgoing(ctx, c, args, apply(opts), time.Now(), &s)
	if err != nil {
		s.refuse(t, err)
		return t.ID, err
	}
	return c.sendOne(ctx, t, &s)
}

// EnqueueMany hands tasks to their queue in as few requests as possible and
// answers one result a task, in order. Each fails alone. Those with a Group on a
// queue that orders take a request each, which keeps their order when one has to
// be sent again. Payloads that go to the store are written eight at a time, each for
// up to Payloads.Timeout: bound ctx where a store that is down must not hold up many.
func EnqueueMany[T Args](ctx context.Context, c *Client, args []T, opts ...EnqueueOption) []EnqueueResult {
	results := make([]EnqueueResult, len(args))
	tasks := make([]*Outgoing, 0, len(args))
	places := make([]int, 0, len(args))
	o, now := apply(opts), time.Now()
	var shared string
	if len(args) > 1 && o.id != "" {
		shared = "id"
	} else if len(args) > 1 && o.dedup != "" {
		shared = "deduplication key" // all but the first would be dropped
	}
	spans := sendings{client: c}
	for i := range args {
		s := spans.of(args[i], o)
		_, t, err := outgoing(ctx, c, args[i], o, now, s)
		if err == nil && shared != "" {
			err = driver.Errorf(driver.InvalidArgument, enqueueOp(t.Kind), "%d tasks cannot share one %s; enqueue them one by one", len(args), shared)
		}
		results[i] = EnqueueResult{t.ID, err}
		if s.note(err); err == nil {
			t.sending = s
			tasks, places = append(tasks, t), append(places, i)
		} else if t.queue != nil {
			s.tried(t.Kind, err)
		}
	}
	// A type may have kinds that go to different queues.
	for len(tasks) > 0 {
		n, s := 1, tasks[0].sending
		for n < len(tasks) && tasks[n].queue == tasks[0].queue && tasks[n].sending == s {
			n++
		}
		s.tasks, s.kind, s.id = n, tasks[0].Kind, tasks[0].ID
		for i, r := range c.send(s.within(ctx), tasks[:n]) {
			results[places[i]] = r
			s.note(r.Err)
			s.tried(tasks[i].Kind, r.Err)
		}
		if len(c.options.Middleware) == 0 {
			recycleClean(tasks[:n])
		}
		tasks, places = tasks[n:], places[n:]
	}
	spans.end()
	return results
}

// apply is what the options say. It must not be changed.
func apply(opts []EnqueueOption) *enqueueOptions {
	if len(opts) == 0 {
		return &noOptions
	}
	o := new(enqueueOptions)
	for _, set := range opts {
		set(o)
	}
	return o
}

var noOptions enqueueOptions

// Raw is a task whose arguments are encoded already.
type Raw struct {
	Kind        string
	Data        []byte
	ContentType string // media type of Data; "" stands for application/json
}

// EnqueueRaw is Enqueue for arguments that are encoded already.
func EnqueueRaw(ctx context.Context, c *Client, task Raw, opts ...EnqueueOption) (TaskID, error) {
	var s sending
	ctx, t, err := c.outgoing(ctx, task, apply(opts), time.Now(), &s)
	if err != nil {
		s.refuse(t, err)
		return t.ID, err
	}
	return c.sendOne(ctx, t, &s)
}

func outgoing[T Args](ctx context.Context, c *Client, args T, o *enqueueOptions, now time.Time, s *sending) (context.Context, *Outgoing, error) {
	kind := args.Kind()
	data, err := c.options.Codec.Marshal(args)
	if err != nil {
		return ctx, new(Outgoing), driver.Errorf(driver.InvalidArgument, enqueueOp(kind), "arguments of type %T do not encode: %w", args, err)
	}
	return c.outgoing(ctx, Raw{kind, data, c.options.Codec.ContentType()}, o, now, s)
}

func enqueueOp(kind string) string {
	return fmt.Sprintf("runtime: enqueue %q", driver.CutText(kind, maxKind))
}

// outgoing makes the task. It is never nil and on an error has the id if that is
// known. The context is for the send, whose span s begins with the first task that
// has a queue.
func (c *Client) outgoing(ctx context.Context, raw Raw, o *enqueueOptions, now time.Time, s *sending) (context.Context, *Outgoing, error) {
	t := newOutgoing()
	t.ID, t.Kind, t.at = o.id, raw.Kind, now
	if t.ID == "" {
		t.ID = newTaskID(now)
	} else if err := driver.CheckKey(string(t.ID)); err != nil {
		return ctx, t, driver.Errorf(driver.InvalidArgument, enqueueOp(raw.Kind), "task id: %w", err)
	}
	if err := checkKind(raw.Kind); err != nil {
		return ctx, t, driver.Errorf(driver.InvalidArgument, enqueueOp(raw.Kind), "%w", err)
	}
	var err error
	if t.queue, err = c.queueFor(raw.Kind, o); err != nil {
		return ctx, t, err
	}
	if t.Delay, err = o.delayed(now, c.options.MaxDelay, &t.queue.capabilities); err != nil {
		return ctx, t, driver.Errorf(driver.CodeOf(err), enqueueOp(raw.Kind), "%w", err)
	}
	if longest := t.queue.capabilities.MaxSendDelay; t.Delay > longest {
		t.carry.NotBefore = now.Add(t.Delay)
		t.Delay = longest
	}
	t.Queue = t.queue.Name
	t.Attributes = maps.Clone(o.attributes)
	t.group, t.fairness, t.dedup = o.group, o.fairness, o.dedup
	if c.options.Telemetry != nil && s.queue == nil {
		ctx = s.begin(ctx, c.options.Telemetry, t.queue)
	}
	return ctx, t, c.encode(t, raw, o, now, s)
}

// delayed works out the delay and checks it. It may be more than the queue can
// give.
func (o *enqueueOptions) delayed(now time.Time, longest time.Duration, c *driver.Capabilities) (time.Duration, error) {
	delay := o.delay
	if !o.runAt.IsZero() {
		delay = max(0, o.runAt.Sub(now))
	}
	ordered := c.Ordered && o.group != ""
	switch {
	case delay < 0:
		return 0, driver.Errorf(driver.InvalidArgument, "", "delay %v is negative; use 0 or more", delay)
	case delay > longest:
		return 0, driver.Errorf(driver.InvalidArgument, "", "delay %v exceeds %v; use a shorter delay or raise ClientOptions.MaxDelay", delay, longest)
	case delay > 0 && !c.SendDelay.Supported() && (ordered || !c.ReleaseDelay.Supported()):
		return 0, driver.Errorf(driver.Unsupported, "", "the queue cannot delay a task by %v: %s", delay, c.SendDelay.Note)
	case delay > c.MaxSendDelay && ordered:
		return 0, driver.Errorf(driver.InvalidArgument, "", "delay %v exceeds the %v of an ordered queue; use a shorter delay or no group", delay, c.MaxSendDelay)
	case o.ttl < 0 || o.ttl > 0 && o.ttl <= delay:
		return 0, driver.Errorf(driver.InvalidArgument, "",
			"time to live %v is not above the delay %v; the task could never run", o.ttl, delay)
	}
	return delay, nil
}

func (c *Client) encode(t *Outgoing, raw Raw, o *enqueueOptions, now time.Time, s *sending) error {
	if len(t.Attributes) > 0 {
		if binary, _ := envelope.IsBinary(t.Attributes); binary {
			return driver.Errorf(driver.InvalidArgument, enqueueOp(t.Kind), "an attribute that stands for specversion makes the message an event in binary mode, which the task is not; leave it out")
		}
	}
	event := envelope.Event{
		ID: string(t.ID), Source: c.options.Source, Type: t.Kind, Time: now,
		DataContentType: raw.ContentType, Data: raw.Data, PartitionKey: o.group,
		TraceParent: s.parentOf(t), TraceState: s.state,
	}
	if o.ttl > 0 {
		event.Expiry = now.Add(o.ttl)
	}
	if c.payloads != nil {
		return c.pack(t, &event)
	}
	return c.inline(t, &event)
}

// maxKind is the most bytes in a kind.
const maxKind = 128

// checkKind refuses what cannot be a kind; see [Args].
func checkKind(kind string) error {
	if kind == "" || len(kind) > maxKind {
		return fmt.Errorf("the kind has %d bytes; want 1 to %d", len(kind), maxKind)
	}
	for i := range len(kind) {
		switch c := kind[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '.', c == '_', c == '-', c == '/', c == ':':
		default:
			return fmt.Errorf("the kind has byte 0x%02x at %d; want letters, digits and any of .:/_-", c, i)
		}
	}
	return nil
}
