package runtime

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/longshore-dev/longshore/driver"
)

// maxDepthTime bounds one call that asks a queue for its depth.
const maxDepthTime = 10 * time.Second

// depthNames are the states of messages that a depth is told of.
var depthNames = [...]string{"ready", "leased", "delayed", "dead"}

const depthStates = len(depthNames)

// depths is how many messages a queue had when it was last asked. It is safe for
// concurrent use.
type depths struct {
	mu      sync.Mutex
	workers int           // guarded by mu; that ask
	last    *driver.Stats // guarded by mu; nil when nobody knows
}

func (d *depths) enter() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.workers++
}

// leave ends what enter began. What nobody asks for any more is not known.
func (d *depths) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.workers--; d.workers == 0 {
		d.last = nil
	}
}

func (d *depths) set(s *driver.Stats) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = s
}

func (d *depths) observe(o metric.Observer, m *meters, options *queueOptions) {
	d.mu.Lock()
	last := d.last
	d.mu.Unlock()
	if last == nil {
		return
	}
	for i, n := range [depthStates]int64{last.Ready, last.Leased, last.Delayed, last.Dead} {
		if n >= 0 { // else the broker does not tell
			o.ObserveInt64(m.depth, n, options.states[i]...)
		}
	}
	if last.Oldest >= 0 {
		o.ObserveFloat64(m.oldest, last.Oldest.Seconds(), options.plain...)
	}
}

// watchDepth asks the queue for its depth, at once and then each DepthEvery, until ctx
// ends or the queue says that it does not tell.
func (l *lane) watchDepth(ctx context.Context) {
	d, every := &l.signals.depth, l.signals.telemetry.options.DepthEvery
	d.enter()
	defer d.leave()
	failed := false
	for {
		call, cancel := context.WithTimeout(ctx, min(maxDepthTime, every))
		stats, err := l.queue.Driver.Stats(call)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case driver.Is(err, driver.Unsupported):
			return
		case err != nil:
			if d.set(nil); !failed {
				l.logger.Warn("the queue does not tell its depth; asking again for the metrics", "in", every, "error", err)
			}
		default:
			d.set(&stats)
		}
		failed = err != nil
		if sleep(ctx, every) != nil {
			return
		}
	}
}

// depthWanted says whether anybody collects the depth of the lane's queue.
func (l *lane) depthWanted() bool {
	return l.signals != nil && l.signals.telemetry.meters != nil && l.signals.telemetry.options.DepthEvery > 0
}
