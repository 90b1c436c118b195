package mem

// link is an entry's place in a list.
type link struct{ previous, next *entry }

// list is a doubly linked list through one of the links of its entries. An
// entry is in it at most once.
type list struct {
	first, last *entry
	of          func(*entry) *link
}

func byWaiting(e *entry) *link { return &e.waiting }
func byAge(e *entry) *link     { return &e.age }

func (l *list) front() *entry { return l.first }

func (l *list) pushBack(e *entry) {
	at := l.of(e)
	at.previous, at.next = l.last, nil
	if l.last == nil {
		l.first = e
	} else {
		l.of(l.last).next = e
	}
	l.last = e
}

func (l *list) remove(e *entry) {
	at := l.of(e)
	if at.previous == nil {
		l.first = at.next
	} else {
		l.of(at.previous).next = at.next
	}
	if at.next == nil {
		l.last = at.previous
	} else {
		l.of(at.next).previous = at.previous
	}
	*at = link{}
}
