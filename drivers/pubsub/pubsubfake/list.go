package pubsubfake

// links are what makes an element part of one list.
type links[T any] struct {
	prev, next *T
	in         bool
}

// list is a doubly linked list whose elements carry their own links. It is not
// safe for concurrent use.
type list[T any] struct {
	first, last *T
	links       func(*T) *links[T]
}

// pushBack appends x; nothing happens when it is in a list already.
func (l *list[T]) pushBack(x *T) {
	lk := l.links(x)
	if lk.in {
		return
	}
	*lk = links[T]{prev: l.last, in: true}
	if l.last == nil {
		l.first = x
	} else {
		l.links(l.last).next = x
	}
	l.last = x
}

// remove takes x out; nothing happens when it is not in.
func (l *list[T]) remove(x *T) {
	lk := l.links(x)
	if !lk.in {
		return
	}
	if lk.prev == nil {
		l.first = lk.next
	} else {
		l.links(lk.prev).next = lk.next
	}
	if lk.next == nil {
		l.last = lk.prev
	} else {
		l.links(lk.next).prev = lk.prev
	}
	*lk = links[T]{}
}
