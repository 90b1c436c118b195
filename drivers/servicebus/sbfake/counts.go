package sbfake

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Traffic is what a server has seen and done so far.
type Traffic struct {
	Connections  int
	Sessions     int            // of AMQP, begun
	Links        int            // attached, among them those to nodes such as $cbs
	Detaches     int            // links that the client detached
	FramesIn     int            // without empty ones
	FramesOut    int            // as FramesIn
	Messages     int            // stored, by send or schedule
	Deliveries   int            // of messages to receivers
	Dispositions map[string]int // by the outcome that a client named: accepted, modified, rejected, released
	Requests     map[string]int // by operation of the nodes: put-token, renew-lock, ...
}

// counters are Traffic as it is counted.
type counters struct {
	framesIn, framesOut atomic.Int64

	mu sync.Mutex // guards what follows
	t  Traffic
}

func (c *counters) init() {
	c.t.Dispositions, c.t.Requests = make(map[string]int), make(map[string]int)
}

func (c *counters) add(f func(*Traffic)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.t)
}

// Traffic is what the server has seen and done so far.
func (s *Server) Traffic() Traffic {
	c := &s.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.t
	t.FramesIn, t.FramesOut = int(c.framesIn.Load()), int(c.framesOut.Load())
	t.Dispositions, t.Requests = maps.Clone(t.Dispositions), maps.Clone(t.Requests)
	return t
}
