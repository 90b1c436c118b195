package servicebus

import (
	"context"

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
	todo := make(chan claim, len(claimed))       // closed here, once it has all
	outcomes := make(chan outcome, len(claimed)) // never closed
	open := make(map[int]struct{}, len(claimed)) // the items whose outcome is not known
	for _, c := range claimed {
		if errs[c.Index] != nil {
			after(c, errs[c.Index])
			continue
		}
		todo <- c
		open[c.Index] = struct{}{}
	}
	close(todo)
	own := context.WithoutCancel(ctx)
	for range min(len(open), maxConcurrent) {
		q.gate.Join()
		go func() {
			defer q.gate.Leave()
			for c := range todo {
				err := do(own, c)
				if err != nil {
					err = classify(own, op, actionListen, q.name, err)
				}
				after(c, err)
				outcomes <- outcome{c.Index, err}
			}
		}()
	}
	note := func(o outcome) {
		errs[o.index] = o.err
		delete(open, o.index)
	}
	for len(open) > 0 {
		select { // what is done counts, also once ctx has ended
		case o := <-outcomes:
			note(o)
			continue
		default:
		}
		select {
		case o := <-outcomes:
			note(o)
		case <-ctx.Done():
			for i := range open {
				errs[i] = driver.ContextError(ctx, op)
			}
			return
		}
	}
}
