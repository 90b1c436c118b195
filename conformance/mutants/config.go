package mutants

import (
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

// declares is a queue that declares other capabilities.
type declares struct {
	driver.Queue
	change func(*driver.Capabilities)
}

// Declaring is q declaring other capabilities.
func Declaring(q driver.Queue, change func(*driver.Capabilities)) driver.Queue {
	return &declares{q, change}
}

func (d *declares) Capabilities() driver.Capabilities {
	c := d.Queue.Capabilities()
	d.change(&c)
	return c
}

// takesAll is a queue whose As accepts anything.
type takesAll struct{ driver.Queue }

func (t *takesAll) As(any) bool { return true }

func configMutants() []Mutant {
	return []Mutant{
		{Name: "declares a larger body than it takes", On: onMem, CaughtBy: by("capabilities"),
			Break: func(q driver.Queue) driver.Queue { return &declares{q, func(c *driver.Capabilities) { c.MaxBody++ }} }},
		{Name: "declares capabilities that change", On: onMem, CaughtBy: by("capabilities"),
			Break: func(q driver.Queue) driver.Queue {
				var n atomic.Int64
				return &declares{q, func(c *driver.Capabilities) { c.MaxSendBatch += int(n.Add(1)) - 1 }}
			}},
		{Name: "tells the default hold", On: onMem, CaughtBy: by("policy"),
			Break: lie(fq.Policy, nil, func(c *fq.Call) { c.Policy.Hold = 30 * time.Second })},
		{Name: "tells the default attempt limit", On: onMem, CaughtBy: by("policy"),
			Break: lie(fq.Policy, nil, func(c *fq.Call) { c.Policy.MaxAttempts = 100 })},
		{Name: "tells of no dead letter", On: onMem, CaughtBy: by("policy"),
			Break: lie(fq.Policy, nil, func(c *fq.Call) { c.Policy.DeadLetterReadable = false })},
		{Name: "tells of a dead letter where there is none", On: onMem, CaughtBy: by("policy-without-dead-letter"),
			Break: lie(fq.Policy, nil, func(c *fq.Call) { c.Policy.DeadLetterTarget, c.Policy.DeadLetterReadable = "dead", true })},
		{Name: "counts leased messages as ready", On: onMem, CaughtBy: by("stats"),
			Break: lie(fq.Stats, nil, func(c *fq.Call) { c.Stats.Ready, c.Stats.Leased = c.Stats.Ready+c.Stats.Leased, 0 })},
		{Name: "counts delayed messages as ready", On: onMem, CaughtBy: by("stats"),
			Break: lie(fq.Stats, nil, func(c *fq.Call) { c.Stats.Ready, c.Stats.Delayed = c.Stats.Ready+c.Stats.Delayed, 0 })},
		{Name: "counts for ever what was moved", On: onMem, CaughtBy: by("move-all"),
			Break: func(q driver.Queue) driver.Queue {
				var moved atomic.Int64
				return fq.New(q,
					fq.Rule{Op: fq.MoveAll, Fault: fq.Lie(nil, func(c *fq.Call) { moved.Add(c.Report.Moved) })},
					fq.Rule{Op: fq.Stats, Fault: fq.Lie(nil, func(c *fq.Call) { c.Stats.Dead += moved.Load() })})
			}},
		{Name: "counts no dead letters", On: onMem, CaughtBy: by("stats"), Break: lie(fq.Stats, nil, func(c *fq.Call) { c.Stats.Dead = 0 })},
		{Name: "tells the age of the newest message", On: onMem, CaughtBy: by("stats"), Break: lie(fq.Stats, nil, func(c *fq.Call) { c.Stats.Oldest = 0 })},
		{Name: "tells the age of the first message ever", On: onMem, CaughtBy: by("stats-oldest"),
			Break: func(q driver.Queue) driver.Queue {
				start := time.Now()
				return lie(fq.Stats, nil, func(c *fq.Call) {
					if c.Stats.Oldest > 0 {
						c.Stats.Oldest = time.Since(start)
					}
				})(q)
			}},
		{Name: "counts nothing where the broker cannot count", On: onLimited, CaughtBy: by("stats", "stats-oldest"), Break: lie(fq.Stats, nil, func(c *fq.Call) { c.Err = nil })},
		{Name: "takes any target", On: onMem, CaughtBy: by("as"), Break: func(q driver.Queue) driver.Queue { return &takesAll{q} }},
	}
}
