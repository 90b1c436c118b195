package runtime

import "github.com/longshore-dev/longshore/driver"

// group is the messages of one group key that a lane holds, in the order in which
// they came. The first runs; the others wait for it, leased. Brokers that order
// differ in how many of a group they give at once.
type group struct {
	key       string
	followers []*held // guarded by the lane's mu
}

// enterGroup says whether h, which just came, can run at once. The caller holds
// mu.
func (l *lane) enterGroup(h *held, key string) bool {
	if key == "" || !l.queue.capabilities.Ordered {
		return true
	}
	g := l.groups[key]
	if g == nil {
		h.group = &group{key: key}
		l.groups[key] = h.group
		return true
	}
	h.group = g
	g.followers = append(g.followers, h)
	l.waive(h)
	return false
}

// leaveGroup lets a group go on when its head h has ended: with the next one when
// the head is gone from the queue. Otherwise it will come again, and so must
// those behind it, after it. The broker counts that as a delivery of theirs, which
// is no attempt; a worker knows it of those that come to it again. The caller
// holds mu.
func (l *lane) leaveGroup(h *held, err error) {
	g := h.group
	if g == nil {
		return
	}
	h.group = nil
	if l.groups[g.key] != g {
		return // one of those that were given back
	}
	gone := err == nil && h.decision.Settlement.Verdict != driver.Release && h.decision.Settlement.Lease != nil
	if gone {
		l.behind.Remove(h.id)
	}
	if gone && len(g.followers) > 0 {
		next := g.followers[0]
		g.followers = g.followers[1:]
		l.offer(next)
		return
	}
	l.disband(g)
}

// disband gives back those that wait behind the head of g. The caller holds mu and
// ends with unlock.
func (l *lane) disband(g *group) {
	delete(l.groups, g.key)
	for _, f := range g.followers {
		l.behind.Put(f.id, f.behind+1)
	}
	l.returned = append(l.returned, g.followers...)
	g.followers = nil
}

// desert gives back, as the worker drains, those behind h, whose lease is lost: the
// queue has gone on without it, and its handler may never return. The caller holds
// mu and ends with unlock.
func (l *lane) desert(h *held) {
	if g := h.group; g != nil && h.state == lost && l.groups[g.key] == g && l.worker.draining.Load() {
		l.disband(g)
	}
}
