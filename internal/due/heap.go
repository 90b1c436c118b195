// Package due keeps items in the order in which they fall due.
package due

import (
	"iter"
	"time"
)

// Slot remembers where in a Heap an item is. An item that goes into a Heap
// holds one and gives it by Slot; only the Heap writes it. The zero Slot is that
// of an item outside any Heap.
type Slot struct{ at int }

// In reports whether the item is in a Heap.
func (s *Slot) In() bool { return s.at > 0 }

// Item is what a Heap holds: a pointer to something that embeds a Slot.
type Item interface{ Place() *Slot }

// Place makes a type that embeds Slot an Item.
func (s *Slot) Place() *Slot { return s }

// width is the number of children of a node. With keys inline, the children of
// a node share a cache line.
const width = 4

type node[T Item] struct {
	at   time.Duration
	item T
}

// Heap is a priority queue of items by the time at which they are due, counted
// from a moment of the caller's choice. Every operation costs at most the
// logarithm of its length. An item is in at most one Heap, once. The zero Heap
// is empty and ready. It is not safe for concurrent use.
type Heap[T Item] struct{ nodes []node[T] }

// Len is the number of items.
func (h *Heap[T]) Len() int { return len(h.nodes) }

// Min is the item that is due first, and when. It must not be called on an empty
// Heap.
func (h *Heap[T]) Min() (T, time.Duration) { return h.nodes[0].item, h.nodes[0].at }

// Next is when the first item is due; false when there is none.
func (h *Heap[T]) Next() (time.Duration, bool) {
	if len(h.nodes) == 0 {
		return 0, false
	}
	return h.nodes[0].at, true
}

// Due removes and returns an item that is due at now; false when there is none.
func (h *Heap[T]) Due(now time.Duration) (T, bool) {
	if len(h.nodes) == 0 || h.nodes[0].at > now {
		var none T
		return none, false
	}
	item := h.nodes[0].item
	h.Remove(item)
	return item, true
}

// Set puts item into the Heap, or moves it, to be due at the given time.
func (h *Heap[T]) Set(item T, at time.Duration) {
	i := item.Place().at - 1
	if i < 0 {
		h.nodes = append(h.nodes, node[T]{at, item})
		h.up(len(h.nodes)-1, node[T]{at, item})
		return
	}
	h.settle(i, node[T]{at, item})
}

// Remove takes item out; nothing happens when it is not in.
func (h *Heap[T]) Remove(item T) {
	slot := item.Place()
	i := slot.at - 1
	if i < 0 {
		return
	}
	slot.at = 0
	last := len(h.nodes) - 1
	moved := h.nodes[last]
	h.nodes[last] = node[T]{}
	h.nodes = h.nodes[:last]
	if i < last {
		h.settle(i, moved)
	}
}

// All yields the items in no order. The Heap must not change meanwhile.
func (h *Heap[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range h.nodes {
			if !yield(h.nodes[i].item) {
				return
			}
		}
	}
}

// settle finds the place of n from the hole at i.
func (h *Heap[T]) settle(i int, n node[T]) {
	if i > 0 && n.at < h.nodes[(i-1)/width].at {
		h.up(i, n)
		return
	}
	h.down(i, n)
}

func (h *Heap[T]) up(i int, n node[T]) {
	for i > 0 {
		parent := (i - 1) / width
		if h.nodes[parent].at <= n.at {
			break
		}
		h.put(i, h.nodes[parent])
		i = parent
	}
	h.put(i, n)
}

func (h *Heap[T]) down(i int, n node[T]) {
	for {
		first := i*width + 1
		if first >= len(h.nodes) {
			break
		}
		least := first
		for c := first + 1; c < min(first+width, len(h.nodes)); c++ {
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
	n.item.Place().at = i + 1
}
