package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

var workPayloadChecks = []Check{
	{Name: "payload-by-reference", Doc: "A payload of 5 MB passes: retried, buried, redriven and retried again it is one object, which is read once a run and never for a look at the dead letter.", run: payloadByReference},
	{Name: "payload-gone", Doc: "A task whose object is gone, and one whose reference is forged, is buried at once without a run.", run: payloadGone},
	{Name: "payload-store-down", Doc: "A store that cannot be reached costs a task no attempt.", run: payloadStoreDown},
}

// closet is a store of payloads in memory that counts.
type closet struct {
	mu         sync.Mutex
	objects    map[string][]byte // guarded by mu
	puts, gets int               // guarded by mu
	down       int               // guarded by mu; how many of the next gets fail
}

const closetURL = "closet://conformance/"

func newCloset() *closet { return &closet{objects: make(map[string][]byte)} }

func (c *closet) payloads() *runtime.Payloads { return &runtime.Payloads{Store: c} }

// job gives the store to an engine.
func (c *closet) job(j *Job) { j.Payloads = c.payloads() }

func (c *closet) Put(_ context.Context, name string, data []byte) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.puts++
	c.objects[closetURL+name] = bytes.Clone(data)
	return closetURL + name, nil
}

func (c *closet) Get(_ context.Context, ref string, _ int) ([]byte, error) {
	const op = "conformance: get"
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gets++
	if c.down > 0 {
		c.down--
		return nil, driver.Errorf(driver.Unavailable, op, "the store is down")
	}
	if !strings.HasPrefix(ref, closetURL) {
		return nil, driver.Errorf(driver.InvalidArgument, op, "the reference is not of this store")
	}
	data, ok := c.objects[ref]
	if !ok {
		return nil, driver.Errorf(driver.NotFound, op, "the object is gone")
	}
	return data, nil
}

// used is how often the store was written to and read from.
func (c *closet) used() (puts, gets int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.puts, c.gets
}

// lose loses all objects.
func (c *closet) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.objects)
}

func payloadByReference(t *T) {
	store := newCloset()
	b := t.bench(t.fails3())
	b.client = b.newClient(&runtime.ClientOptions{Payloads: store.payloads()})
	sent := strings.Repeat("payload ", 5<<20/8)
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Args.Note != sent {
			t.Errorf("a handler gets %d bytes; want the %d that were sent", len(task.Args.Note), len(sent))
		}
		if task.Redrives == 0 || task.Attempt == 1 {
			return errTest
		}
		return nil
	}, store.job)
	id := b.enqueue(sent)
	dead := b.awaitDead(1, 2*t.hold)
	b.died(dead, id, driver.ReasonExhausted)
	b.ran("the task", id, 3)
	if n := len(dead[id].Body); n > 4<<10 {
		t.Errorf("the message has %d bytes; want a reference", n)
	}
	if r := b.redriveAll(nil); r.Moved != 1 {
		t.Errorf("the redrive reports %+v; want one moved", r)
	}
	b.awaitDone(2*t.hold, id)
	w.drain()
	b.ran("the task", id, 5)
	if puts, gets := store.used(); puts != 1 || gets != 5 {
		t.Errorf("%d objects were written and %d read; want 1, and one a run", puts, gets)
	}
	t.audit(b.q, tally{Processed: 1})
}

func payloadGone(t *T) {
	store := newCloset()
	b := t.bench(t.fails3())
	b.client = b.newClient(&runtime.ClientOptions{Payloads: store.payloads()})
	gone := b.enqueue(strings.Repeat("x", 100<<10))
	store.lose()
	w := b.work(func(context.Context, *runtime.Task[Work]) error { return nil }, store.job)
	forged := runtime.NewTaskID()
	t.send(b.q, driver.Message{Body: fmt.Appendf(nil, `{"specversion":"1.0","id":"%s","source":"x","type":"%s","dataref":"file:///etc/passwd"}`, forged, Work{}.Kind())})
	dead := b.awaitDead(2, 0)
	w.drain()
	b.died(dead, gone, driver.ReasonMissingObject)
	b.died(dead, forged, driver.ReasonUndecodable)
	for _, id := range []runtime.TaskID{gone, forged} {
		b.ran("a task without payload", id, 0)
		if got := b.verdicts(id); len(got) != 1 {
			t.Errorf("verdicts %v; want one bury", got)
		}
	}
	t.audit(b.q, tally{Dead: 2})
}

func payloadStoreDown(t *T) {
	if !t.canDelay() {
		t.absent("the broker cannot put a message off")
	}
	store := newCloset()
	store.down = 2
	b := t.bench(runtime.RetryPolicy{MaxAttempts: 1, MaxDeliveries: 7, NoJitter: true})
	b.client = b.newClient(&runtime.ClientOptions{Payloads: store.payloads()})
	w := b.work(func(_ context.Context, task *runtime.Task[Work]) error {
		if task.Attempt != 1 {
			return errors.New("it is not the first attempt")
		}
		return nil
	}, store.job)
	id := b.enqueue(strings.Repeat("x", 100<<10))
	b.awaitDone(30*time.Second+2*b.engine.Retry, id) // the store is asked again after 10 s at most, then 20 s
	w.drain()
	b.ran("the task", id, 1)
	if puts, gets := store.used(); puts != 1 || gets != 3 {
		t.Errorf("%d objects were written and %d read; want 1 and 3", puts, gets)
	}
	t.audit(b.q, tally{Processed: 1})
}

var _ runtime.PayloadStore = (*closet)(nil)
