package servicebus

import (
	"context"
	"sync"

	"github.com/longshore-dev/longshore/driver"
)

// maxConcurrent is how many requests of one Extend or Settle run at a time: Service Bus
// takes one message in each.
const maxConcurrent = 64

// each makes a request for every claimed lease whose slot in errs has no error yet, and
// sets those of the ones that fail. It waits until ctx ends; what is not done by then
// goes on by itself, with contexts of its own, and Close waits for it. After frees the
// lease when its request is done.
func (s *source) each(ctx context.Context, op string, claimed []claim, errs []error, do func(ctx context.Context, c claim) error, after func(c claim, err error)) {
	type outcome struct {
		index int
		err   error
	}
	q := s.queue
	outcomes := make(chan outcome, len(claimed)) // never closed
	own := context.WithoutCancel(ctx)
	var mu sync.Mutex // guards todo
	todo := make([]claim, 0, len(claimed))
	for _, c := range claimed {
		if errs[c.Index] != nil {
			after(c, errs[c.Index])
			continue
		}
		todo = append(todo, c)
	}
	left := len(todo)
	next := func() (c claim, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(todo) == 0 {
			return c, false
		}
		c, todo = todo[0], todo[1:]
		return c, true
	}
	for range min(left, maxConcurrent) {
		q.gate.Join()
		go func() {
			defer q.gate.Leave()
			for c, ok := next(); ok; c, ok = next() {
				err := do(own, c)
				if err != nil {
					err = classify(own, op, actionListen, q.name, err)
				}
				after(c, err)
				outcomes <- outcome{c.Index, err}
			}
		}()
	}
	waited := make(map[int]bool, 0)
	for range left {
		select {
		case o := <-outcomes:
			errs[o.index] = o.err
			waited[o.index] = true
			continue
		case <-ctx.Done():
		}
		break
	}
	if len(waited) == left {
		return
	}
	for {
		select {
		case o := <-outcomes:
			errs[o.index], waited[o.index] = o.err, true
			continue
		default:
		}
		break
	}
	for _, c := range claimed {
		if !waited[c.Index] && errs[c.Index] == nil {
			errs[c.Index] = driver.ContextError(ctx, op)
		}
	}
}
