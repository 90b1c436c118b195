package runtime

import "sync"

// outgoings are used again for other tasks, with the memory of their bodies,
// because a driver keeps no reference to a message or its body after Send has
// returned.
var outgoings = sync.Pool{New: func() any { return new(Outgoing) }}

// maxRecycled is the most bytes of a body that are kept for another.
const maxRecycled = 16 << 10

func newOutgoing() *Outgoing { return outgoings.Get().(*Outgoing) }

// recycle takes back a task that was sent. It must not be called after a send
// that failed, because somebody may still be reading, nor when middleware has
// seen the task.
func (t *Outgoing) recycle() {
	body := t.body[:0]
	if cap(body) > maxRecycled {
		body = nil
	}
	*t = Outgoing{body: body}
	outgoings.Put(t)
}
