package runtime

import (
	"sync"
	"sync/atomic"

	"github.com/longshore-dev/longshore/driver"
)

// maxFirsts is of how many tasks the first error is kept.
const maxFirsts = 10_000

// firsts remembers the first error of tasks that failed and were released: what
// goes back to the broker is the message as it was, so nothing else does. The
// oldest are forgotten. It is safe for concurrent use.
type firsts struct {
	n    atomic.Int32
	mu   sync.Mutex
	errs map[TaskID]string // guarded by mu
	ring []TaskID          // guarded by mu; in the order in which they came
	next int               // guarded by mu; the place in ring to use next
}

// note keeps the error of a task that has none yet.
func (f *firsts) note(t *Info, err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.errs[t.ID]; ok {
		return
	}
	if f.errs == nil {
		f.errs = make(map[TaskID]string)
	}
	if len(f.ring) < maxFirsts {
		f.ring = append(f.ring, t.ID)
	} else {
		delete(f.errs, f.ring[f.next])
		f.ring[f.next] = t.ID
		f.next = (f.next + 1) % maxFirsts
	}
	f.errs[t.ID] = driver.CutText(err.Error(), driver.MaxFirstError)
	f.n.Store(int32(len(f.errs)))
}

// of is the first error of a task, if it is known.
func (f *firsts) of(t *Info) string {
	if f.n.Load() == 0 {
		return ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.errs[t.ID]
}

// forget forgets a task that is done or dead.
func (f *firsts) forget(t *Info) {
	if f.n.Load() == 0 || t.Attempt == 1 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.errs, t.ID) // its place in the ring is used up later
	f.n.Store(int32(len(f.errs)))
}
