package runtime

import (
	"sync"
	"sync/atomic"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/internal/recent"
)

// firsts remembers the first error of tasks that failed and were released: what
// goes back to the broker is the message as it was, so nothing else does. The
// oldest are forgotten. It is safe for concurrent use.
type firsts struct {
	n    atomic.Int32 // how many there are
	mu   sync.Mutex
	errs recent.Map[TaskID, string] // guarded by mu
}

// note keeps the error of a task that has none yet.
func (f *firsts) note(t *Info, err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.errs.Get(t.ID); ok {
		return // its text need not be made
	}
	f.errs.Add(t.ID, driver.CutText(err.Error(), driver.MaxFirstError))
	f.n.Store(int32(f.errs.Len()))
}

// of is the first error of a task, if it is known.
func (f *firsts) of(t *Info) string {
	if f.n.Load() == 0 {
		return ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	text, _ := f.errs.Get(t.ID)
	return text
}

// forget forgets a task that is done or dead.
func (f *firsts) forget(t *Info) {
	if f.n.Load() == 0 || t.Attempt == 1 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs.Remove(t.ID)
	f.n.Store(int32(f.errs.Len()))
}
