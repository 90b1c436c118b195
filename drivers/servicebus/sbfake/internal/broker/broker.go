package broker

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/drivers/internal/alarm"
)

// Broker has queues. It is safe for concurrent use.
type Broker struct {
	mu     sync.Mutex // guards all below, and all that belongs to the entities
	start  time.Time
	alarms *alarm.Set
	queues map[string]*Entity // live queues, by key
	turn   uint64             // of the token made last
}

// New makes a Broker without queues. Inside a testing/synctest bubble it is made
// there.
func New() *Broker {
	b := &Broker{start: time.Now(), queues: make(map[string]*Entity)}
	b.alarms = alarm.NewSet(&b.mu, b.start)
	return b
}

// Close stops all that the broker does by itself, and waits for it.
func (b *Broker) Close() {
	b.mu.Lock()
	b.alarms.Close()
	b.mu.Unlock()
	b.alarms.Wait()
}

// now is the time since the broker was made.
func (b *Broker) now() time.Duration { return time.Since(b.start) }

// at is the moment d after the broker was made, as messages show it.
func (b *Broker) at(d time.Duration) time.Time { return b.start.Add(d).UTC() }

// Create makes a queue with its dead letter. The error is an [*Error]: BadArgument,
// or Exists.
func (b *Broker) Create(name string, c Config) error {
	if err := c.complete(name); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queues[key(name)] != nil {
		return fail(Exists, 409, "The queue %q exists already.", name)
	}
	e := newEntity(b, name, c)
	e.dead = newEntity(b, name+"/$DeadLetterQueue", c)
	e.dead.live = e
	b.queues[key(name)] = e
	return nil
}

// Update changes the configuration of a queue. What was locked before stays locked
// for as long as it was.
func (b *Broker) Update(name string, c Config) error {
	if err := c.complete(name); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.queues[key(name)]
	switch {
	case e == nil:
		return fail(NotFound, 404, "The messaging entity %q could not be found.", name)
	case e.config.Sessions != c.Sessions || (e.config.DuplicateDetection == 0) != (c.DuplicateDetection == 0):
		return fail(BadArgument, 400, "Sessions and duplicate detection of a queue cannot be changed.")
	}
	e.config, e.dead.config = c, c
	return nil
}

// Delete deletes a queue with all that it has. Its consumers end. It is false when
// there is none.
func (b *Broker) Delete(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.queues[key(name)]
	if e == nil {
		return false
	}
	delete(b.queues, key(name))
	e.drop()
	e.dead.drop()
	return true
}

// Config is how a queue is made; false when there is none.
func (b *Broker) Config(name string) (Config, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.queues[key(name)]; e != nil {
		return e.config, true
	}
	return Config{}, false
}

// Names are the names of all queues, in order.
func (b *Broker) Names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	names := make([]string, 0, len(b.queues))
	for _, e := range b.queues {
		names = append(names, e.path)
	}
	slices.Sort(names)
	return names
}

// Counts are how many messages of each state a queue has.
type Counts struct {
	Active    int // those that are locked as well
	Locked    int // among the active ones
	Deferred  int
	Scheduled int
	Dead      int
}

// Total is all messages.
func (c Counts) Total() int { return c.Active + c.Deferred + c.Scheduled + c.Dead }

// Counts counts the messages of a queue; false when there is none.
func (b *Broker) Counts(name string) (Counts, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.queues[key(name)]
	if e == nil {
		return Counts{}, false
	}
	c := e.counts
	c.Dead = e.dead.counts.Active + e.dead.counts.Deferred
	return c, true
}

// Entity finds a queue or a subqueue by its path, in any case; false when there is
// none.
func (b *Broker) Entity(path string) (*Entity, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	path = key(path)
	if e := b.queues[path]; e != nil {
		return e, true
	}
	if name, dead := strings.CutSuffix(path, deadSuffix); dead {
		if e := b.queues[name]; e != nil {
			return e.dead, true
		}
	}
	return nil, false
}
