package runtime

import (
	"sync"

	"github.com/longshore-dev/longshore/driver"
)

// buffer is what sending one task needs. It is used again for another, because a
// driver keeps no reference to a message or its body after Send has returned.
type buffer struct {
	body    []byte
	message [1]driver.Message
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// maxRecycled is the most bytes of a body that are kept for another.
const maxRecycled = 16 << 10

// recycle takes back the buffer of a task that was sent. It must not be called
// after a send that failed: somebody may still be reading.
func (t *Outgoing) recycle() {
	b := t.buffer
	t.buffer = nil
	if b == nil || cap(b.body) > maxRecycled {
		return
	}
	b.message[0] = driver.Message{}
	buffers.Put(b)
}
