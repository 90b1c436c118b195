package sqsfake

import "github.com/longshore-dev/longshore/drivers/internal/list"

// group is the messages of one group of a FIFO queue, in order, from the first
// send to the last. While one is in flight none is received.
type group struct {
	name     string
	messages list.List[message]
	inflight int
	ready    list.Links[group]
}

// join puts m behind the others of its group.
func (q *queue) join(m *message) {
	g := q.groups[m.group]
	if g == nil {
		g = &group{name: m.group}
		g.messages = list.New(func(m *message) *list.Links[message] { return &m.links })
		q.groups[m.group] = g
	}
	m.line = g
	g.messages.PushBack(m)
}

// part takes m out of its group.
func (q *queue) part(m *message) {
	g := m.line
	g.messages.Remove(m)
	m.line = nil
	q.regroup(g)
	if g.messages.First() == nil {
		delete(q.groups, g.name)
	}
}

// regroup puts g among the groups that are ready, or takes it out, after one of
// its messages has changed.
func (q *queue) regroup(g *group) {
	if head := g.messages.First(); head != nil && head.state == visible && g.inflight == 0 {
		q.ready.PushBack(g)
		return
	}
	q.ready.Remove(g)
}

// take gives the next messages of the group that is ready first: at most limit,
// and only those before the first that is not visible.
func (q *queue) take(limit int) []*message {
	g := q.ready.First()
	if g == nil {
		return nil
	}
	var ms []*message
	for m := g.messages.First(); m != nil && m.state == visible && len(ms) < limit; m = m.links.Next() {
		ms = append(ms, m)
	}
	return ms
}
