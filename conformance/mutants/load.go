package mutants

import (
	"context"
	"strings"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func loadMutants() []Mutant {
	return []Mutant{
		{Name: "now and then leases a message twice at once", On: onMem, CaughtBy: by("load", "load-with-lapses"),
			Break: using(fq.Receive, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					next(ctx, c)
					if len(c.Received) > 5 && c.N%10 == 0 {
						source(q, c).Settle(ctx, []driver.Settlement{{Lease: c.Received[0], Verdict: driver.Release}})
					}
				}
			})},
		{Name: "now and then loses a message on its way", On: onMem, CaughtBy: by("load"),
			Break: using(fq.Receive, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					next(ctx, c)
					if len(c.Received) > 5 && c.N%10 == 0 {
						source(q, c).Settle(ctx, []driver.Settlement{{Lease: c.Received[0], Verdict: driver.Ack}})
						c.Received = c.Received[1:]
					}
				}
			})},
		{Name: "now and then loses a message that lapsed", On: onMem, CaughtBy: by("load-with-lapses"),
			Break: using(fq.Receive, func(q driver.Queue) fq.Fault {
				return func(ctx context.Context, c *fq.Call, next fq.Next) {
					next(ctx, c)
					if len(c.Received) > 0 && c.Received[0].Attempt() > 1 && c.N%4 == 0 {
						source(q, c).Settle(ctx, []driver.Settlement{{Lease: c.Received[0], Verdict: driver.Ack}})
						c.Received = c.Received[1:]
					}
				}
			})},
		{Name: "delivers followers beside their head", On: onOrdered, CaughtBy: by("load"),
			Break: func(q driver.Queue) driver.Queue {
				return views(func(_ *fq.Call, v *fq.View) { v.Message.GroupKey = strings.TrimSuffix(v.Message.GroupKey, "-b") })(
					messages(func(m *driver.Message) {
						if m.GroupKey != "" && m.Body[len(m.Body)-2] == '7' {
							m.GroupKey += "-b"
						}
					})(q))
			}},
	}
}
