package mutants

import (
	"context"
	"slices"
	"sync"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func sendMutants() []Mutant {
	return []Mutant{
		{Name: "tells another id on receive than on send", On: onMem, CaughtBy: by("send-and-receive", "send-order-of-results"),
			Break: views(func(_ *fq.Call, v *fq.View) { v.Message.ID += "x" })},
		{Name: "reverses the results of a send", On: onMem, CaughtBy: by("send-order-of-results", "send-one-bad-item"),
			Break: lie(fq.Send, nil, func(c *fq.Call) { slices.Reverse(c.Sent) })},
		{Name: "answers a result too few for a send", On: onMem, CaughtBy: by("send-order-of-results"),
			Break: lie(fq.Send, nil, func(c *fq.Call) { c.Sent = c.Sent[:len(c.Sent)-min(1, len(c.Sent)/2)] })},
		{Name: "fails a whole send for one bad item", On: onMem, CaughtBy: by("send-one-bad-item"),
			Break: lie(fq.Send, nil, func(c *fq.Call) {
				if i := slices.IndexFunc(c.Sent, func(r driver.SendResult) bool { return r.Err != nil }); i >= 0 {
					c.Fail(c.Sent[i].Err)
				}
			})},
		{Name: "sends nothing after a bad item and says it did", On: onMem, CaughtBy: by("send-one-bad-item"),
			Break: fault(fq.Send, sendUpToBad)},
		{Name: "splits a send over the limit", On: onMem, CaughtBy: by("send-over-batch"), Break: fault(fq.Send, split)},
		{Name: "sends what fits of a batch over the limit", On: onMem, CaughtBy: by("send-over-batch"),
			Break: using(fq.Send, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					if most := q.Capabilities().MaxSendBatch; len(c.Messages) > most {
						q.Send(ctx, c.Messages[:most])
					}
					next(ctx, c)
				}
			})},
		{Name: "refuses a batch by its bytes", On: onMem, CaughtBy: by("send-large-batch"),
			Break: fault(fq.Send, func(ctx context.Context, c *fq.Call, next fq.Next) {
				if size(c.Messages) > 1<<20 && len(c.Messages) > 1 {
					c.Fail(driver.Errorf(driver.TooLarge, "mutant: send", "the batch is too large"))
					return
				}
				next(ctx, c)
			})},
		{Name: "sends what fits of a batch by its bytes and says it sent all", On: onMem, CaughtBy: by("send-large-batch"),
			Break: fault(fq.Send, func(ctx context.Context, c *fq.Call, next fq.Next) {
				if size(c.Messages) > 1<<20 && len(c.Messages) == 10 {
					fq.On(func(i int) bool { return i > 1 }, fq.FailBefore(nil))(ctx, c, next)
					return
				}
				next(ctx, c)
			})},
		{Name: "answers an empty batch with a result", On: onMem, CaughtBy: by("send-empty-batch"),
			Break: lie(fq.Settle, nil, func(c *fq.Call) {
				if len(c.Batch) == 0 {
					c.Settled = []error{nil}
				}
			})},
		{Name: "keeps the caller's body", On: onMem, CaughtBy: by("send-keeps-nothing"), Break: keepBody},
		{Name: "keeps the caller's attributes", On: onMem, CaughtBy: by("send-keeps-nothing"), Break: keepAttributes},
		{Name: "cuts an oversize body and refuses it", On: onMem, CaughtBy: by("send-after-refusal"),
			Break: using(fq.Send, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					most := q.Capabilities().MaxBody
					for _, m := range c.Messages {
						if len(m.Body) > most {
							m.Body = m.Body[:most]
							q.Send(ctx, []driver.Message{m})
						}
					}
					next(ctx, c)
				}
			})},
	}
}

// size is the bytes of all bodies.
func size(batch []driver.Message) int {
	n := 0
	for _, m := range batch {
		n += len(m.Body)
	}
	return n
}

// sendUpToBad sends up to the first item that fails, and claims success for the
// rest.
func sendUpToBad(ctx context.Context, c *fq.Call, next fq.Next) {
	results := make([]driver.SendResult, len(c.Messages))
	bad := false
	for i := range c.Messages {
		one := &fq.Call{Op: fq.Send, Messages: c.Messages[i : i+1]}
		if bad {
			results[i].ID = "never"
			continue
		}
		next(ctx, one)
		results[i] = one.Sent[0]
		bad = results[i].Err != nil
	}
	c.Sent = results
}

// split makes a batch over the limit two.
func split(ctx context.Context, c *fq.Call, next fq.Next) {
	half := c.Len() / 2
	if half < 500 {
		next(ctx, c)
		return
	}
	fq.On(func(i int) bool { return i < half }, func(ctx context.Context, c *fq.Call, next fq.Next) { next(ctx, c) })(ctx, c, next)
}

// keepBody delivers the caller's own slice.
func keepBody(q driver.Queue) driver.Queue {
	return keep(q, func(kept driver.Message, delivered *driver.Message) { delivered.Body = kept.Body })
}

// keepAttributes delivers the caller's own map.
func keepAttributes(q driver.Queue) driver.Queue {
	return keep(q, func(kept driver.Message, delivered *driver.Message) { delivered.Attributes = kept.Attributes })
}

// keep holds on to what the caller sends and has put deliver part of it.
func keep(q driver.Queue, put func(kept driver.Message, delivered *driver.Message)) driver.Queue {
	var kept sync.Map // id to message
	return fq.New(q,
		fq.Rule{Op: fq.Send, Fault: fq.Lie(nil, func(c *fq.Call) {
			for i, r := range c.Sent {
				kept.Store(r.ID, c.Messages[i])
			}
		})},
		fq.Rule{Op: fq.Receive, Fault: fq.Lie(nil, func(c *fq.Call) {
			for i, l := range c.Received {
				if m, ok := kept.Load(l.Message().ID); ok {
					c.Received[i] = fq.Wrap(l, func(v *fq.View) { put(m.(driver.Message), &v.Message) })
				}
			}
		})})
}
