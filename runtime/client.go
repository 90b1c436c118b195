package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// Client enqueues tasks. It is safe for concurrent use. It has no goroutines and
// needs no closing.
type Client struct {
	queues   *Queues
	options  ClientOptions
	payloads *Payloads // checked; nil for none
	send     SendFunc
}

// ClientOptions configure a Client. The zero value of each field is its default.
type ClientOptions struct {
	// Routes name the queue of each kind.
	Routes map[string]string
	// DefaultQueue is the queue of a kind that has no route; by default the
	// only queue, if there is only one.
	DefaultQueue string
	// Codec encodes arguments; nil stands for JSON.
	Codec Codec
	// Source says in each task which program enqueued it: the source of its
	// CloudEvent, a URI reference. Default "longshore".
	Source string
	// SendTimeout bounds a send of a batch with its retries, within the caller's
	// context: above 0, default 30 s.
	SendTimeout time.Duration
	// MaxDelay is the longest delay that Enqueue takes: above 0, at most 365
	// days, default 24 h. One beyond what the broker can delay costs a request
	// for each part of it.
	MaxDelay time.Duration
	// Middleware wraps every send, the first outermost.
	Middleware []ClientMiddleware
	// Telemetry makes spans and metrics of sends, and sends the trace of each task
	// with it; nil for none.
	Telemetry *Telemetry
	// Payloads say where large payloads go, and whether they are compressed; nil: they
	// are refused, and none is. The Muxes of the workers need the same.
	Payloads *Payloads
}

// NewClient makes a Client of queues; nil options are the defaults.
// InvalidArgument when there is no queue, a route or default names none of them,
// or an option is out of range.
func NewClient(queues *Queues, opts *ClientOptions) (*Client, error) {
	const op = "runtime: new client"
	c := &Client{queues: queues}
	if opts != nil {
		c.options = *opts
	}
	o := &c.options
	if queues == nil || len(queues.all) == 0 {
		return nil, driver.Errorf(driver.InvalidArgument, op, "there is no queue; open one first")
	}
	if o.DefaultQueue == "" && len(queues.all) == 1 {
		o.DefaultQueue = queues.all[0].Name
	}
	if o.DefaultQueue != "" {
		if _, err := queues.get(o.DefaultQueue); err != nil {
			return nil, driver.Errorf(driver.InvalidArgument, op, "default queue: %w", err)
		}
	}
	for kind, queue := range o.Routes {
		if err := checkKind(kind); err != nil {
			return nil, driver.Errorf(driver.InvalidArgument, op, "route: %w", err)
		}
		if _, err := queues.get(queue); err != nil {
			return nil, driver.Errorf(driver.InvalidArgument, op, "route of kind %q: %w", kind, err)
		}
	}
	if o.Codec == nil {
		o.Codec = JSON
	}
	if o.Codec.ContentType() == "" {
		return nil, driver.Errorf(driver.InvalidArgument, op, "the codec has no content type")
	}
	if o.Source == "" {
		o.Source = "longshore"
	}
	switch {
	case o.SendTimeout < 0:
		return nil, driver.Errorf(driver.InvalidArgument, op, "send timeout %v is negative; use more than 0", o.SendTimeout)
	case o.SendTimeout == 0:
		o.SendTimeout = 30 * time.Second
	}
	switch {
	case o.MaxDelay == 0:
		o.MaxDelay = 24 * time.Hour
	case o.MaxDelay < 0 || o.MaxDelay > maxDelay:
		return nil, driver.Errorf(driver.InvalidArgument, op, "max delay %v is not within 0s to %v", o.MaxDelay, maxDelay)
	}
	for i, layer := range o.Middleware {
		if layer == nil {
			return nil, driver.Errorf(driver.InvalidArgument, op, "middleware %d is nil", i)
		}
	}
	var err error
	if c.payloads, err = o.Payloads.checked(); err != nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	send := wrap(SendFunc(c.sendTasks), o.Middleware)
	if send == nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "middleware made a nil SendFunc")
	}
	c.send = func(ctx context.Context, tasks []*Outgoing) []EnqueueResult { return answered(send(ctx, tasks), tasks) }
	return c, nil
}

// answered makes sure that no task passes for sent that middleware did not answer
// for. It may have sent any of them.
func answered(results []EnqueueResult, tasks []*Outgoing) []EnqueueResult {
	if len(results) == len(tasks) {
		return results
	}
	err := driver.Errorf(driver.Unknown, enqueueOp(tasks[0].Kind),
		"middleware answered %d results for %d tasks; it must answer one for each, in order", len(results), len(tasks))
	results = make([]EnqueueResult, len(tasks))
	for i, t := range tasks {
		results[i] = EnqueueResult{t.ID, err}
	}
	return results
}

// queueOf is where a task of this kind goes unless its options say.
func (c *Client) queueOf(kind string) (*QueueInfo, error) {
	name := c.options.DefaultQueue
	if routed, ok := c.options.Routes[kind]; ok {
		name = routed
	}
	if name == "" {
		return nil, driver.Errorf(driver.InvalidArgument, fmt.Sprintf("runtime: enqueue %q", kind),
			"the kind has no route and there is no default queue; known are %s", c.queues.names())
	}
	return c.queues.get(name)
}

// queueFor is where a task of this kind goes.
func (c *Client) queueFor(kind string, o *enqueueOptions) (*QueueInfo, error) {
	if o.queue != "" {
		return c.queues.get(o.queue)
	}
	return c.queueOf(kind)
}

// sendOne sends one task and ends its span.
func (c *Client) sendOne(ctx context.Context, t *Outgoing, s *sending) (TaskID, error) {
	if s.queue == nil {
		return c.deliver(ctx, t, s)
	}
	s.kind, s.id = t.Kind, t.ID
	id, err := c.deliver(ctx, t, s)
	s.tasks = 1
	s.note(err)
	s.tried(s.kind, err)
	s.end()
	return id, err
}

func (c *Client) deliver(ctx context.Context, t *Outgoing, s *sending) (TaskID, error) {
	if len(c.options.Middleware) > 0 {
		result := c.send(ctx, []*Outgoing{t})[0]
		return result.ID, result.Err
	}
	id := t.ID
	if t.luggage != nil {
		if err := c.checkIn(ctx, t); err != nil {
			return id, err
		}
		t.at = time.Now()
	}
	within := bound(ctx, t.at.Add(c.options.SendTimeout))
	defer within.stop()
	t.batch[0] = t.message()
	result := t.queue.Driver.Send(within, t.batch[:])[0]
	err := result.Err
	if err == nil {
		s.messageID = result.ID
		t.recycle()
		return id, nil
	}
	results := []EnqueueResult{{id, err}}
	c.resend(within, t.queue, t.batch[:], results)
	return id, results[0].Err
}

// sendTasks sends tasks of one queue in as many batches as it takes, and again
// those that failed for a reason that may pass. Each keeps its send id, so that
// a deduplicating broker drops what a lost answer made us send twice.
func (c *Client) sendTasks(ctx context.Context, tasks []*Outgoing) []EnqueueResult {
	results := make([]EnqueueResult, len(tasks))
	if len(tasks) == 0 {
		return results
	}
	for i, t := range tasks {
		results[i].ID = t.ID
	}
	if !c.checkInAll(ctx, tasks, results) {
		c.sendOthers(ctx, tasks, results)
		return results
	}
	queue := tasks[0].queue
	messages := newMessages(len(tasks))
	for i, t := range tasks {
		messages[i] = t.message()
	}
	clean := true
	limit := queue.capabilities.MaxSendBatch
	if queue.capabilities.Ordered && tasks[0].group != "" {
		limit = 1 // what has to be sent again would come behind its group
	}
	for from := 0; from < len(messages); from += limit {
		to := min(from+limit, len(messages))
		if !c.sendBatch(ctx, queue, messages[from:to], results[from:to]) {
			clean = false
			continue
		}
		if len(c.options.Middleware) > 0 {
			continue // they are not recycled, and another call of next may have them too
		}
		for _, t := range tasks[from:to] {
			t.clean = true
		}
	}
	if clean {
		recycleMessages(messages)
	}
	return results
}

// sendOthers sends those of tasks whose results have no error yet.
func (c *Client) sendOthers(ctx context.Context, tasks []*Outgoing, results []EnqueueResult) {
	var others []*Outgoing
	var places []int
	for i, t := range tasks {
		if results[i].Err == nil {
			others, places = append(others, t), append(places, i)
		}
	}
	for j, r := range c.sendTasks(ctx, others) {
		results[places[j]] = r
	}
}

// sendBatch says whether all were sent at once.
func (c *Client) sendBatch(ctx context.Context, queue *QueueInfo, batch []driver.Message, results []EnqueueResult) (clean bool) {
	ctx, cancel := context.WithTimeout(ctx, c.options.SendTimeout)
	defer cancel()
	clean = true
	for i, r := range queue.Driver.Send(ctx, batch) {
		results[i].Err = r.Err
		clean = clean && r.Err == nil
	}
	if !clean {
		c.resend(ctx, queue, batch, results)
	}
	return clean
}

// resend retries what a batch has left that may pass, with a backoff, until ctx
// ends.
func (c *Client) resend(ctx context.Context, queue *QueueInfo, batch []driver.Message, results []EnqueueResult) {
	unsure := make([]bool, len(results)) // whether a try of it may have been taken all the same
	defer func() {
		for i := range results {
			if unsure[i] {
				results[i].Err = mayBeSent(results[i].Err)
			}
		}
	}()
	for try := 1; ; try++ {
		var left []int
		var messages []driver.Message
		wait := callBackoff(try, string(results[0].ID))
		for i := range results {
			if err := results[i].Err; driver.Retryable(err) {
				left, messages = append(left, i), append(messages, batch[i])
				wait = max(wait, retryAfter(err))
				unsure[i] = unsure[i] || driver.OutcomeUnknown(err)
			}
		}
		if len(left) == 0 || sleep(ctx, wait) != nil {
			return
		}
		for i, r := range queue.Driver.Send(ctx, messages) {
			if r.Err != nil && ctx.Err() != nil {
				unsure[left[i]] = unsure[left[i]] || driver.OutcomeUnknown(r.Err)
				continue // our time is over: what it failed with before says more
			}
			results[left[i]].Err = r.Err
		}
	}
}

// mayBeSent is the error of a send that was tried before, and may have been taken
// then, however surely the last try was refused.
func mayBeSent(err error) error {
	if err == nil || driver.OutcomeUnknown(err) {
		return err
	}
	may := driver.Errorf(driver.Unavailable, "", "a try before may have sent it all the same; try again with its id: %w", err)
	may.RetryAfter = retryAfter(err)
	return may
}
