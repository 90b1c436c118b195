package runtime

import (
	"sync"

	"github.com/longshore-dev/longshore/driver"
)

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

// recycleClean recycles those that were sent at the first try.
func recycleClean(tasks []*Outgoing) {
	for _, t := range tasks {
		if t.clean {
			t.recycle()
		}
	}
}

// batches are used again as outgoings are.
var batches = sync.Pool{New: func() any { return new([]driver.Message) }}

// maxMessages is the most messages in a batch that is kept for another.
const maxMessages = 1000

func newMessages(n int) []driver.Message {
	batch := *batches.Get().(*[]driver.Message)
	if cap(batch) < n {
		return make([]driver.Message, n)
	}
	return batch[:n]
}

// recycleMessages takes back what was sent, with the condition of recycle.
func recycleMessages(batch []driver.Message) {
	if cap(batch) > maxMessages {
		return
	}
	clear(batch)
	batches.Put(&batch)
}
