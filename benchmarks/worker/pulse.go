package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/driver"
)

// pulse is a queue that counts extends and second deliveries. It is safe for
// concurrent use.
type pulse struct {
	driver.Queue
	calls, leases atomic.Int64 // of Extend
	again         atomic.Int64 // deliveries after the first

	watching atomic.Bool
	mu       sync.Mutex
	last     map[driver.Lease]time.Time // guarded by mu; when each was extended while watching
	longest  time.Duration              // guarded by mu; between two of those
}

func (p *pulse) Receive(ctx context.Context, opts driver.ReceiveOptions) ([]driver.Lease, error) {
	leases, err := p.Queue.Receive(ctx, opts)
	for _, l := range leases {
		if l.Attempt() > 1 {
			p.again.Add(1)
		}
	}
	return leases, err
}

func (p *pulse) Extend(ctx context.Context, leases []driver.Lease, hold time.Duration) []driver.ExtendResult {
	p.calls.Add(1)
	p.leases.Add(int64(len(leases)))
	if p.watching.Load() {
		p.note(leases)
	}
	return p.Queue.Extend(ctx, leases, hold)
}

func (p *pulse) note(leases []driver.Lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, l := range leases {
		if last, ok := p.last[l]; ok {
			p.longest = max(p.longest, now.Sub(last))
		}
		p.last[l] = now
	}
}

// between watches for a time, and answers the longest between two extends of a
// lease; what was extended once counts until the end.
func (p *pulse) between(ctx context.Context, d time.Duration) time.Duration {
	p.last = make(map[driver.Lease]time.Time)
	p.watching.Store(true)
	load.Pause(ctx, d)
	p.watching.Store(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for _, last := range p.last {
		p.longest = max(p.longest, now.Sub(last))
	}
	return p.longest
}
