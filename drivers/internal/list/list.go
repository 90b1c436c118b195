// Package list is a doubly linked list whose elements carry their own links, so that
// one is taken out of the middle at once.
package list

// Links are what makes an element part of one List. The zero Links is that of an
// element outside any.
type Links[T any] struct {
	prev, next *T
	in         bool
}

// Next is the element behind this one in its List; nil for none.
func (l *Links[T]) Next() *T { return l.next }

// In is whether the element is in a List.
func (l *Links[T]) In() bool { return l.in }

// List is a list of elements of type T. It is not safe for concurrent use.
type List[T any] struct {
	first, last *T
	links       func(*T) *Links[T]
}

// New makes an empty List; of says which Links of an element are the list's.
func New[T any](of func(*T) *Links[T]) List[T] { return List[T]{links: of} }

// First is the first element; nil when there is none.
func (l *List[T]) First() *T { return l.first }

// PushBack appends x; nothing happens when it is in a list already.
func (l *List[T]) PushBack(x *T) {
	lk := l.links(x)
	if lk.in {
		return
	}
	*lk = Links[T]{prev: l.last, in: true}
	if l.last == nil {
		l.first = x
	} else {
		l.links(l.last).next = x
	}
	l.last = x
}

// Remove takes x out; nothing happens when it is not in.
func (l *List[T]) Remove(x *T) {
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
	*lk = Links[T]{}
}
