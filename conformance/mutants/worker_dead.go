package mutants

import (
	"context"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
	"github.com/longshore-dev/longshore/runtime"
)

func workDeadMutants() []Mutant {
	drops := func(reason string) func(*conformance.Job) {
		return verdicts(driver.Bury, func(v *driver.Settlement) {
			if v.Reason == reason {
				*v = driver.Settlement{Lease: v.Lease, Verdict: driver.Ack}
			}
		})
	}
	return []Mutant{
		{Name: "drops what does not decode", On: onMem, CaughtBy: by("dead-undecodable"), Work: drops(driver.ReasonUndecodable)},
		{Name: "retries what does not decode", On: onMem, CaughtBy: by("dead-undecodable"),
			Work: verdicts(driver.Bury, func(v *driver.Settlement) {
				if v.Reason == driver.ReasonUndecodable && v.Lease.Attempt() < 3 {
					*v = driver.Settlement{Lease: v.Lease, Verdict: driver.Release}
				}
			})},
		{Name: "drops an unknown kind", On: onMem, CaughtBy: by("dead-unknown-kind"), Work: drops(driver.ReasonUnknownKind)},
		{Name: "buries an unknown kind at once", On: onMem, CaughtBy: by("dead-unknown-kind"),
			Work: verdicts(driver.Release, func(v *driver.Settlement) {
				if v.Delay >= time.Minute {
					*v = driver.Settlement{Lease: v.Lease, Verdict: driver.Bury, Reason: driver.ReasonUnknownKind}
				}
			})},
		{Name: "tries an unknown kind twice a minute", On: onMem, CaughtBy: by("dead-unknown-kind"),
			Work: verdicts(driver.Release, func(v *driver.Settlement) { v.Delay /= 2 })},
		{Name: "drops what has expired", On: onMem, CaughtBy: by("dead-expired"), Work: drops(driver.ReasonExpired)},
		{Name: "runs what has expired", On: onMem, CaughtBy: by("dead-expired"),
			Work: reads(func(m *driver.Message) { m.Carry.IgnoreExpiry = true })},
		{Name: "buries a redriven task that has expired", On: onMem, CaughtBy: by("dead-expired"),
			Work: reads(func(m *driver.Message) { m.Carry.IgnoreExpiry = false })},
		{Name: "does not count deliveries", On: onMem, CaughtBy: by("dead-crashed"),
			Work: seeing(views(func(_ *fq.Call, v *fq.View) { v.Attempt = 1 }))},
		{Name: "knows no limit of deliveries", On: onMem, CaughtBy: by("dead-crashed"),
			Work: func(j *conformance.Job) { j.Retry.MaxDeliveries = 90 }},
		{Name: "drops what ends each worker", On: onMem, CaughtBy: by("dead-crashed"), Work: drops(driver.ReasonCrashed)},
		{Name: "buries what comes with what ends each worker", On: onMem, CaughtBy: by("dead-crashed"), Work: seeing(countsTogether)},
		{Name: "runs all together that may end it", On: onMem, CaughtBy: by("dead-suspects"),
			// It takes all attempts but the last deliveries for ordinary ones.
			Work: func(j *conformance.Job) { j.Retry.MaxAttempts = max(j.Retry.MaxAttempts, j.Retry.MaxDeliveries) }},
		{Name: "runs nothing beside what may end it", On: onMem, CaughtBy: by("dead-suspects", "work-concurrency"),
			Work: func(j *conformance.Job) { j.Options.Concurrency = 1 }},
		{Name: "counts on after a redrive", On: onMem, CaughtBy: by("dead-redriven", "dead-moved-back"),
			Work: reads(func(m *driver.Message) {
				if m.Carry.Redrives > 0 || m.Death != nil {
					m.Carry.Attempts, m.Death = 2, nil
				}
			})},
		{Name: "forgets redrives", On: onMem, CaughtBy: by("dead-redriven", "dead-moved-back"),
			Work: reads(func(m *driver.Message) { m.Carry.Redrives, m.Death = 0, nil })},
		{Name: "gives a redriven task another id", On: onMem, CaughtBy: by("dead-redriven"),
			Redrive: func(q driver.Queue, _ *runtime.RedriveOptions) driver.Queue {
				return fq.New(q, fq.Rule{Op: fq.Settle, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
					for i, v := range c.Batch {
						if v.Verdict == driver.Redrive {
							m := driver.LiveCopy(v.Lease.Message())
							m.Body = append([]byte(`{"specversion":"1.0","id":"another","source":"mutant","type":"conformance.work","data":{"note":"a"}}`), ' ')
							q.Send(ctx, []driver.Message{m})
							c.Batch[i].Verdict = driver.Ack
						}
					}
					next(ctx, c)
				}})
			}},
		{Name: "takes what was moved by hand for fresh", On: onMem, CaughtBy: by("dead-moved-back"),
			Work: reads(func(m *driver.Message) { m.Death = nil })},
		{Name: "redrives whatever is dead", On: onMem, CaughtBy: by("dead-redrive-match"),
			Redrive: func(q driver.Queue, o *runtime.RedriveOptions) driver.Queue { o.Match = nil; return q }},
		{Name: "redrives nothing", On: onMem, CaughtBy: by("dead-redrive-match", "dead-redriven", "dead-redrive-ends"),
			Redrive: redriving(func(v *driver.Settlement) { v.Verdict = driver.Release })},
		{Name: "deletes what does not match", On: onMem, CaughtBy: by("dead-redrive-match"),
			Redrive: func(q driver.Queue, _ *runtime.RedriveOptions) driver.Queue {
				return fq.New(q, fq.Rule{Op: fq.Settle, Fault: fq.Lie(func(c *fq.Call) {
					for i := range c.Batch {
						if c.Batch[i].Verdict == driver.Release {
							c.Batch[i] = driver.Settlement{Lease: c.Batch[i].Lease, Verdict: driver.Ack}
						}
					}
				}, nil)})
			}},
		{Name: "redrives each twice", On: onMem, CaughtBy: by("dead-redrive-match", "dead-redrive-ends"),
			Redrive: func(q driver.Queue, _ *runtime.RedriveOptions) driver.Queue {
				return fq.New(q, fq.Rule{Op: fq.Settle, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
					for _, v := range c.Batch {
						if v.Verdict == driver.Redrive {
							q.Send(ctx, []driver.Message{driver.LiveCopy(v.Lease.Message())})
						}
					}
					next(ctx, c)
				}})
			}},
		{Name: "redrives one too many", On: onMem, CaughtBy: by("dead-redrive-max"),
			Redrive: func(q driver.Queue, o *runtime.RedriveOptions) driver.Queue {
				if o.Max > 0 {
					o.Max++
				}
				return q
			}},
		{Name: "redrives again what died meanwhile", On: onMem, CaughtBy: by("dead-redrive-ends"),
			Redrive: func(q driver.Queue, _ *runtime.RedriveOptions) driver.Queue {
				// To it each dead letter is an old one and was never seen.
				n := 0
				return fq.New(q, fq.Rule{Op: fq.Receive, Fault: fq.Lie(nil, func(c *fq.Call) {
					for i, l := range c.Received {
						if n++; n > 10 {
							return // or it goes round for ever
						}
						c.Received[i] = fq.Wrap(l, func(v *fq.View) {
							v.Message.ID += "-" + time.Duration(n).String()
							v.Message.SentAt, v.Message.Carry.Redrives = time.Time{}, 0
							if d := v.Message.Death; d != nil {
								old := *d
								old.At = old.At.Add(-time.Hour)
								v.Message.Death = &old
							}
						})
					}
				})})
			}},
	}
}

// countsTogether gives all that comes at once the highest count among them.
func countsTogether(q driver.Queue) driver.Queue {
	return lie(fq.Receive, nil, func(c *fq.Call) {
		most := 0
		for _, l := range c.Received {
			most = max(most, l.Attempt())
		}
		for i, l := range c.Received {
			c.Received[i] = fq.Wrap(l, func(v *fq.View) { v.Attempt = most })
		}
	})(q)
}

// redriving changes each redrive before it goes on.
func redriving(f func(v *driver.Settlement)) func(driver.Queue, *runtime.RedriveOptions) driver.Queue {
	return func(q driver.Queue, _ *runtime.RedriveOptions) driver.Queue {
		return fq.New(q, fq.Rule{Op: fq.Settle, Fault: fq.Lie(func(c *fq.Call) {
			for i := range c.Batch {
				if c.Batch[i].Verdict == driver.Redrive {
					f(&c.Batch[i])
				}
			}
		}, nil)})
	}
}
