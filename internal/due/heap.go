// Package due keeps items in the order in which they fall due.
package due

import (
	"iter"
	"time"
)

// Slot remembers where in a Heap an item of type T is. An item that goes into a
// Heap holds one and gives it by Place; only the Heap writes it. The zero Slot is
// that of an item outside any Heap.
type Slot[T any] struct {
	at             int           // of the node whose chain it begins, or chained; 0 when it is in none
	due            time.Duration // when it is due
	previous, next T             // in that chain
}

// chained is the at of an item that stands behind another.
const chained = -1

// In reports whether the item is in a Heap.
func (s *Slot[T]) In() bool { return s.at != 0 }

// Item is what a Heap holds: a pointer to something that embeds a Slot.
type Item[T any] interface {
	comparable
	Place() *Slot[T]
}

// Place makes a type that embeds Slot an Item.
func (s *Slot[T]) Place() *Slot[T] { return s }

// The children of the node at i are at first(i) to first(i)+width-1. The root is
// where it is so that they share a cache line: what a large heap costs is the
// lines that are fetched.
const (
	width = 4
	root  = width - 1
)

func first(i int) int  { return (i - root + 1) * width }
func parent(i int) int { return i/width + root - 1 }

// node is a chain of items, each due no earlier than the one before it.
type node[T any] struct {
	at   time.Duration // when the first is due
	item T             // the first
}

// Heap is a priority queue of items by the time at which they are due, counted
// from a moment of the caller's choice. Every operation costs at most the
// logarithm of its length. Items that are set one after the other, each to be due
// no earlier than the one before it, form a chain, in which each costs the same
// however many there are; those that are due at the same time are so in that
// order. An item is in at most one Heap, once. The zero Heap is empty and ready. It
// is not safe for concurrent use.
type Heap[T Item[T]] struct {
	nodes []node[T] // empty, or with the first at root
	count int
	last  T // the end of the chain to which an item was set last, or zero
}

// Len is the number of items.
func (h *Heap[T]) Len() int { return h.count }

// Min is the item that is due first, and when. It must not be called on an empty
// Heap.
func (h *Heap[T]) Min() (T, time.Duration) { return h.nodes[root].item, h.nodes[root].at }

// Next is when the first item is due; false when there is none.
func (h *Heap[T]) Next() (time.Duration, bool) {
	if h.count == 0 {
		return 0, false
	}
	return h.nodes[root].at, true
}

// Due removes and returns an item that is due at now; false when there is none.
func (h *Heap[T]) Due(now time.Duration) (T, bool) {
	if h.count == 0 || h.nodes[root].at > now {
		var none T
		return none, false
	}
	item := h.nodes[root].item
	h.Remove(item)
	return item, true
}

// Set puts item into the Heap, or moves it, to be due at the given time.
func (h *Heap[T]) Set(item T, at time.Duration) {
	var none T
	s := item.Place()
	if s.at > 0 && s.next == none && !h.follows(at) {
		s.due, h.last = at, item
		h.replace(s.at, node[T]{at, item})
		return
	}
	h.Remove(item)
	h.count++
	s.due = at
	if h.follows(at) {
		s.at, s.previous = chained, h.last
		h.last.Place().next = item
		h.last = item
		return
	}
	h.last = item
	if h.nodes == nil {
		h.nodes = make([]node[T], root, root+8*width)
	}
	n := node[T]{at, item}
	h.nodes = append(h.nodes, n)
	h.up(len(h.nodes)-1, n)
}

// follows says whether an item that is due at the given time can stand behind the
// last.
func (h *Heap[T]) follows(at time.Duration) bool {
	var none T
	return h.last != none && at >= h.last.Place().due
}

// Remove takes item out; nothing happens when it is not in.
func (h *Heap[T]) Remove(item T) {
	var none T
	s := item.Place()
	if s.at == 0 {
		return
	}
	h.count--
	if h.last == item {
		h.last = s.previous
	}
	switch {
	case s.at == chained:
		s.previous.Place().next = s.next
		if s.next != none {
			s.next.Place().previous = s.previous
		}
	case s.next != none:
		next := s.next.Place()
		next.previous = none
		h.replace(s.at, node[T]{next.due, s.next})
	default:
		h.cut(s.at)
	}
	*s = Slot[T]{}
}

// cut takes the node at i out.
func (h *Heap[T]) cut(i int) {
	end := len(h.nodes) - 1
	moved := h.nodes[end]
	h.nodes[end] = node[T]{}
	h.nodes = h.nodes[:end]
	if i < end {
		h.replace(i, moved)
	}
}

// All yields the items in no order. The Heap must not change meanwhile.
func (h *Heap[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		var none T
		for i := root; i < len(h.nodes); i++ {
			for item := h.nodes[i].item; item != none; item = item.Place().next {
				if !yield(item) {
					return
				}
			}
		}
	}
}

// replace puts n in the place of the node at i and lets it find its own.
func (h *Heap[T]) replace(i int, n node[T]) {
	if n.at < h.nodes[i].at {
		h.up(i, n)
		return
	}
	h.down(i, n) // the parent is not after what was here
}

func (h *Heap[T]) up(i int, n node[T]) {
	for i > root && n.at < h.nodes[parent(i)].at {
		h.put(i, h.nodes[parent(i)])
		i = parent(i)
	}
	h.put(i, n)
}

func (h *Heap[T]) down(i int, n node[T]) {
	for {
		from := first(i)
		if from >= len(h.nodes) {
			break
		}
		least := from
		for c := from + 1; c < min(from+width, len(h.nodes)); c++ {
			if h.nodes[c].at < h.nodes[least].at {
				least = c
			}
		}
		if h.nodes[least].at >= n.at {
			break
		}
		h.put(i, h.nodes[least])
		i = least
	}
	h.put(i, n)
}

func (h *Heap[T]) put(i int, n node[T]) {
	h.nodes[i] = n
	n.item.Place().at = i
}
