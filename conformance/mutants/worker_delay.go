package mutants

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func workDelayMutants() []Mutant {
	return []Mutant{
		{Name: "enqueues delayed tasks for at once", On: onMem, CaughtBy: by("delay-enqueued", "delay-hops"),
			Client: sending(func(m *driver.Message) { m.Delay, m.Carry.NotBefore = 0, time.Time{} })},
		{Name: "enqueues delayed tasks for a second later", On: onMem, CaughtBy: by("delay-enqueued"),
			Client: sending(func(m *driver.Message) {
				if m.Delay > 0 {
					m.Delay += time.Second
				}
			})},
		{Name: "takes delays of two days", On: onMem, CaughtBy: by("delay-refusals"),
			Client: func(q driver.Queue, o *runtime.ClientOptions) driver.Queue { o.MaxDelay = 48 * time.Hour; return q }},
		{Name: "runs what is not due", On: onMem, CaughtBy: by("delay-hops", "delay-hops-by-release"),
			Work: reads(func(m *driver.Message) { m.Carry.NotBefore = time.Time{} })},
		{Name: "runs what is not due", On: onOrdered, CaughtBy: by("delay-enqueued", "delay-backoff", "delay-snooze"),
			Work: reads(func(m *driver.Message) { m.Carry.NotBefore = time.Time{} })},
		{Name: "counts hops as attempts", On: onMem, CaughtBy: by("delay-hops"),
			Work: copies(func(m *driver.Message) {
				if m.Carry.Hops > 0 {
					m.Carry.Attempts++
				}
			})},
		{Name: "hops every second", On: onMem, CaughtBy: by("delay-hops"),
			Work: copies(func(m *driver.Message) { m.Delay = min(m.Delay, time.Second) })},
		{Name: "counts releases before the due time as attempts", On: onMem, CaughtBy: by("delay-hops-by-release"),
			Work: seeing(views(func(_ *fq.Call, v *fq.View) {
				if !v.Message.Carry.NotBefore.IsZero() {
					v.Message.Carry.Attempts += v.Attempt
				}
			}))},
		{Name: "does not look at the broker's attempt limit", On: onMem, CaughtBy: by("delay-hops-by-release"),
			Work: seeing(lie(fq.Policy, nil, func(c *fq.Call) { c.Policy.MaxAttempts = 100_000 }))},
		{Name: "sends copies that carry nothing", On: onMem, CaughtBy: by("delay-backoff", "delay-hops"),
			Work: copies(func(m *driver.Message) { m.Carry = driver.Carry{} })},
		{Name: "sends copies for at once", On: onMem, CaughtBy: by("delay-backoff", "delay-snooze"),
			Work: copies(func(m *driver.Message) { m.Delay, m.Carry.NotBefore = 0, time.Time{} })},
		{Name: "sends copies without the first error", On: onMem, CaughtBy: by("delay-backoff"),
			Work: copies(func(m *driver.Message) { m.Carry.FirstError = "" })},
		{Name: "acks in place of a copy", On: onMem, CaughtBy: by("delay-backoff", "delay-hops", "delay-snooze"),
			Work: seeing(fault(fq.Send, func(_ context.Context, c *fq.Call, _ fq.Next) {
				c.Fail(nil)
				for i := range c.Sent {
					c.Sent[i].ID = "nowhere"
				}
			}))},
		{Name: "keeps what it sent a copy of", On: onMem, CaughtBy: by("delay-backoff", "delay-snooze"), Work: seeing(keepsOriginals)},
		{Name: "confirms copies for the hold of the broker", On: onMem, CaughtBy: by("delay-own-hold"),
			Work: seeing(lie(fq.Extend, func(c *fq.Call) { c.Hold = 0 }, nil))},
		{Name: "takes no notice of the queue's hold", On: onLimited, CaughtBy: by("delay-own-hold"),
			Work: func(j *conformance.Job) { j.Hold = 0 }},
		{Name: "counts snoozes as attempts", On: onMem, CaughtBy: by("delay-snooze"),
			Work: copies(func(m *driver.Message) {
				if m.Carry.Snoozes > 0 {
					m.Carry.Attempts++
				}
			})},
		{Name: "starts attempts anew with a snooze", On: onMem, CaughtBy: by("delay-snooze"),
			Work: copies(func(m *driver.Message) { m.Carry.Attempts = 0 })},
		{Name: "snoozes for ever", On: onMem, CaughtBy: by("delay-snooze-most"),
			Work: copies(func(m *driver.Message) { m.Carry.Snoozes = min(m.Carry.Snoozes, 900) })},
		{Name: "buries a task at its first snooze", On: onMem, CaughtBy: by("delay-snooze", "delay-snooze-most"),
			Work: reads(func(m *driver.Message) { m.Carry.Snoozes = 1000 })},
	}
}

// sending breaks the messages that a client sends.
func sending(f func(m *driver.Message)) func(driver.Queue, *runtime.ClientOptions) driver.Queue {
	return func(q driver.Queue, _ *runtime.ClientOptions) driver.Queue { return messages(f)(q) }
}

// keepsOriginals swallows the ack after each copy.
func keepsOriginals(q driver.Queue) driver.Queue {
	sent := make(chan struct{}, 1000)
	return fq.New(q,
		fq.Rule{Op: fq.Send, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
			next(ctx, c)
			for range c.Messages {
				sent <- struct{}{}
			}
		}},
		fq.Rule{Op: fq.Settle, Match: func(c *fq.Call) bool {
			if len(sent) == 0 || c.Dead || c.Batch[0].Verdict != driver.Ack {
				return false
			}
			<-sent
			return true
		}, Fault: func(_ context.Context, c *fq.Call, _ fq.Next) { c.Fail(nil) }},
	)
}
