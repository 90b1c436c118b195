package mem

// link is an entry's place in a list.
type link struct{ previous, next *entry }

// list is a doubly linked list of entries that wait: those of a store that are
// visible, or those of a group behind its head. An entry is in one at most.
type list struct{ first, last *entry }

func (l *list) front() *entry { return l.first }

func (l *list) pushBack(e *entry) {
	e.waiting = link{previous: l.last}
	if l.last == nil {
		l.first = e
	} else {
		l.last.waiting.next = e
	}
	l.last = e
}

// insert puts e before the first that arrived later.
func (l *list) insert(e *entry) {
	next := l.first
	for next != nil && next.number < e.number {
		next = next.waiting.next
	}
	if next == nil {
		l.pushBack(e)
		return
	}
	e.waiting = link{previous: next.waiting.previous, next: next}
	if next.waiting.previous == nil {
		l.first = e
	} else {
		next.waiting.previous.waiting.next = e
	}
	next.waiting.previous = e
}

func (l *list) remove(e *entry) {
	at := e.waiting
	if at.previous == nil {
		l.first = at.next
	} else {
		at.previous.waiting.next = at.next
	}
	if at.next == nil {
		l.last = at.previous
	} else {
		at.next.waiting.previous = at.previous
	}
	e.waiting = link{}
}
