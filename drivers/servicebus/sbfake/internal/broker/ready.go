package broker

import (
	"cmp"
	"container/heap"
)

func bySequence(a, b *message) int { return cmp.Compare(a.sequence, b.sequence) }

// ready are the messages that can be delivered, the one with the lowest sequence
// number first: what comes back goes to its old place.
type ready struct{ heap messageHeap }

func (r *ready) len() int          { return len(r.heap) }
func (r *ready) first() *message   { return r.heap[0] }
func (r *ready) add(m *message)    { heap.Push(&r.heap, m) }
func (r *ready) remove(m *message) { heap.Remove(&r.heap, m.at-1) }

type messageHeap []*message

func (h messageHeap) Len() int           { return len(h) }
func (h messageHeap) Less(i, j int) bool { return h[i].sequence < h[j].sequence }

func (h messageHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i+1, j+1
}

func (h *messageHeap) Push(x any) {
	m := x.(*message)
	*h = append(*h, m)
	m.at = len(*h)
}

func (h *messageHeap) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	m.at = 0
	return m
}
