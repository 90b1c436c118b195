package pubsubfake

// line is the messages that have one ordering key, in the order of publishing.
// While one of them is leased none is delivered. The first is never acked.
type line struct {
	key    string
	items  list[item]
	leased int
	turn   uint64 // when it became ready
	links  links[line]
}

// join puts it behind the others that have its key.
func (b *subscription) join(it *item, key string) {
	l := b.lines[key]
	if l == nil {
		l = &line{key: key}
		l.items.links = func(it *item) *links[item] { return &it.links }
		b.lines[key] = l
	}
	it.line = l
	l.items.pushBack(it)
}

// part takes it out of its line, and with it those that were acknowledged and
// waited only for it.
func (b *subscription) part(it *item) {
	l := it.line
	l.items.remove(it)
	it.line = nil
	if head := l.items.first; head != nil && head.state == acked {
		b.drop(head)
		return
	}
	b.regroup(l)
	if l.items.first == nil {
		delete(b.lines, l.key)
	}
}

// regroup puts l among the lines that are ready, or takes it out, after one of its
// messages has changed.
func (b *subscription) regroup(l *line) {
	head := l.items.first
	if head == nil || head.state != ready || l.leased > 0 {
		b.turns.remove(l)
		return
	}
	if !l.links.in {
		b.s.turn++
		l.turn = b.s.turn
		b.turns.pushBack(l)
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
	for next := it.links.next; next != nil; next = next.links.next {
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
	it, l := b.ready.first, b.turns.first
	if l == nil || it != nil && it.turn < l.turn {
		if it == nil {
			return nil
		}
		return []*item{it}
	}
	var got []*item
	for it := l.items.first; it != nil && len(got) < limit; it = it.links.next {
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
