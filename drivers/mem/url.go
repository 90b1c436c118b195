package mem

import (
	"context"
	"sync"

	"github.com/longshore-dev/longshore/driver"
)

func init() {
	driver.Default.Register(driver.Scheme{
		Name:    "mem",
		Example: "mem://orders?hold=30s&max_receives=20",
		Params: []driver.Param{
			{Name: "hold", Doc: "How long a lease runs unless the caller says; 10ms to 12h, default 30s."},
			{Name: "max_receives", Doc: "Deliveries after which the queue itself buries a message; 1 to 1000, default 100."},
			{Name: "ordered", Doc: "true: messages of a group one at a time and in order; default false."},
			{Name: "dead_letter", Doc: "false: the queue has no dead letter; default true."},
			{Name: "dedup_window", Doc: "How long a deduplication key is remembered; 1s to 24h, default 5m."},
		},
		Open: open,
	})
}

// named are the brokers that were opened by URL and are still in use. Its lock
// is taken before a broker's.
var named struct {
	mu      sync.Mutex
	brokers map[string]*broker // guarded by mu
}

func open(_ context.Context, u *driver.URL) (driver.Queue, error) {
	op := "open " + u.Redacted
	if u.Host == "" || u.Path != "" {
		return nil, driver.Errorf(driver.InvalidArgument, op, "want a name and no path, such as mem://orders")
	}
	o := Options{
		Hold:         u.Duration("hold", 0, minHold, maxHold),
		MaxReceives:  u.Int("max_receives", 0, 1, maxReceives),
		Ordered:      u.Bool("ordered", false),
		NoDeadLetter: !u.Bool("dead_letter", true),
		DedupWindow:  u.Duration("dedup_window", 0, minWindow, maxWindow),
	}
	if err := u.Err(); err != nil {
		return nil, err
	}
	o, err := o.withDefaults()
	if err != nil {
		return nil, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	named.mu.Lock()
	defer named.mu.Unlock()
	b := named.brokers[u.Host]
	switch {
	case b == nil:
		b = newBroker(u.Host, o)
		if named.brokers == nil {
			named.brokers = make(map[string]*broker)
		}
		named.brokers[u.Host] = b
	case b.options != o:
		return nil, driver.Errorf(driver.InvalidArgument, op,
			"the queue is open in this process with other parameters; use the same ones, or another name")
	}
	return b.handle(), nil
}
