package runtime

import (
	"context"
	"sync"
	"time"
)

// bounded is a context that ends at end if its parent does not before, like one
// of context.WithDeadline. It sets its timer only when somebody waits for its
// end, because most sends are over before that. Whoever made it calls stop.
type bounded struct {
	context.Context //nolint:containedctx // the parent: bounded is a context itself
	end             time.Time

	mu     sync.Mutex
	waited context.Context    //nolint:containedctx // guarded by mu; made when somebody waits
	cancel context.CancelFunc // guarded by mu; of waited
}

func bound(parent context.Context, end time.Time) *bounded {
	if sooner, ok := parent.Deadline(); ok && sooner.Before(end) {
		end = sooner
	}
	return &bounded{Context: parent, end: end}
}

func (b *bounded) Deadline() (time.Time, bool) { return b.end, true }

func (b *bounded) Done() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waited == nil {
		b.waited, b.cancel = context.WithDeadline(b.Context, b.end)
	}
	return b.waited.Done()
}

func (b *bounded) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.waited != nil:
		return b.waited.Err()
	case b.Context.Err() != nil:
		return b.Context.Err()
	case !time.Now().Before(b.end):
		return context.DeadlineExceeded
	}
	return nil
}

func (b *bounded) Value(key any) any {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waited != nil {
		return b.waited.Value(key)
	}
	return b.Context.Value(key)
}

// stop releases what b holds.
func (b *bounded) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cancel != nil {
		b.cancel()
	}
}

var _ context.Context = (*bounded)(nil)
