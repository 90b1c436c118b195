package pubsubfake

import "github.com/longshore-dev/longshore/drivers/internal/list"

// line is the messages that have one ordering key, in the order of publishing.
// While one of them is leased none is delivered. The first is never acked.
type line struct {
	key    string
	items  list.List[item]
	leased int
	turn   uint64 // when it became ready
	links  list.Links[line]
}

// join puts it behind the others that have its key.
func (b *subscription) join(it *item, key string) {
	l := b.lines[key]
	if l == nil {
		l = &line{key: key}
		l.items = list.New(func(it *item) *list.Links[item] { return &it.links })
		b.lines[key] = l
	}
	it.line = l
	l.items.PushBack(it)
}

// part takes it out of its line, and with it those that were acknowledged and
// waited only for it.
func (b *subscription) part(it *item) {
	l := it.line
	l.items.Remove(it)
	it.line = nil
	if head := l.items.First(); head != nil && head.state == acked {
		b.drop(head)
		return
	}
	b.regroup(l)
	if l.items.First() == nil {
		delete(b.lines, l.key)
	}
}

// regroup puts l among the lines that are ready, or takes it out, after one of its
// messages has changed.
func (b *subscription) regroup(l *line) {
	head := l.items.First()
	if head == nil || head.state != ready || l.leased > 0 {
		b.turns.Remove(l)
		return
	}
	if !l.links.In() {
		b.s.turn++
		l.turn = b.s.turn
		b.turns.PushBack(l)
	}
}

// rewind makes those that come after it in its line ready to be delivered again,
// but those that are acknowledged, which come when it does (Google Pub/Sub
// documentation, "Order messages"). With exactly-once delivery the outstanding
// ones stay so.
func (b *subscription) rewind(it *item) {
	if b.exactlyOnce || b.s.opts.KeepBatch {
		return
	}
	for next := it.links.Next(); next != nil; next = next.links.Next() {
		if next.state == leased {
			next.live = false
			b.enter(next, ready)
		}
	}
	b.regroup(it.line)
}

// next finds messages that may be delivered: one, or several of one line, at most
// limit.
func (b *subscription) next(limit int) []*item {
	it, l := b.ready.First(), b.turns.First()
	if l == nil || it != nil && it.turn < l.turn {
		if it == nil {
			return nil
		}
		return []*item{it}
	}
	var got []*item
	for it := l.items.First(); it != nil && len(got) < limit; it = it.links.Next() {
		if it.state == acked { // since the one before it failed
			b.enter(it, ready)
		}
		if it.state != ready {
			break
		}
		got = append(got, it)
	}
	return got
}
