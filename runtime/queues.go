package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// QueueInfo is one queue as a program knows it. It is immutable once it has been
// added to Queues.
type QueueInfo struct {
	// Name is what the program calls the queue. It is 1 to 128 bytes of visible
	// ASCII.
	Name string
	// Driver is the open queue.
	Driver driver.Queue
	// Retry is the policy for kinds that have none of their own; nil stands for
	// the zero RetryPolicy.
	Retry *RetryPolicy
	// Declared stands in for what the broker's configuration says where this
	// program may not read it, or its driver cannot find it out; see
	// [driver.Policy]. Nil when it can be read.
	Declared *driver.Policy
	// Hold is how long a lease of the queue runs before it has to be extended, in
	// place of WorkerOptions.Hold; 0 leaves it to that.
	Hold time.Duration
	// Weight is the queue's share of what a Worker of several queues starts, while
	// all have tasks: 1 to 1,000, 0 stands for 1. With weights 6, 3 and 1 that is six
	// tasks of ten, three and one. With WorkerOptions.Strict it is the queue's rank.
	Weight int
	// Concurrency is how many of its tasks a Worker runs at the same time: 1 to
	// 100,000; 0 leaves it to WorkerOptions.Concurrency, which limits all together.
	Concurrency int
	// Rate is how often a Worker starts its tasks; the zero value is no limit.
	Rate Rate

	capabilities driver.Capabilities
	system       driver.System
}

// Queues is a set of open queues by name. The zero value is empty and ready. It
// must not be changed once a Client or Worker uses it.
type Queues struct{ all []*QueueInfo }

// Open opens a queue for each URL under its [QueueName]: mem://orders and
// sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders are both called
// "orders". It does no I/O. The driver of each scheme must have been imported.
// InvalidArgument for a URL that its driver refuses or a name that occurs twice.
func Open(ctx context.Context, urls ...string) (*Queues, error) {
	var qs Queues
	for _, u := range urls {
		q, err := driver.Default.Open(ctx, u)
		if err == nil {
			err = qs.Add(QueueInfo{Name: QueueName(u), Driver: q})
			if err != nil {
				err = errors.Join(err, q.Close(ctx))
			}
		}
		if err != nil {
			return nil, errors.Join(err, qs.Close(ctx))
		}
	}
	return &qs, nil
}

// QueueName is what Open calls the queue of a URL: the last part of its path or
// host.
func QueueName(url string) string {
	url, _, _ = strings.Cut(url, "?")
	_, url, _ = strings.Cut(url, "://")
	url = strings.TrimRight(url, "/")
	return url[strings.LastIndexByte(url, '/')+1:]
}

// Add adds an open queue. InvalidArgument for a name that is not legal or is
// taken, a missing driver, one whose capabilities are incomplete, or a retry
// policy, weight or limit out of range.
func (qs *Queues) Add(info QueueInfo) error {
	op := fmt.Sprintf("runtime: add queue %q", info.Name)
	if err := driver.CheckKey(info.Name); err != nil {
		return driver.Errorf(driver.InvalidArgument, op, "its name: %w", err)
	}
	if _, err := qs.get(info.Name); err == nil {
		return driver.Errorf(driver.InvalidArgument, op, "there is one of this name already; use another")
	}
	if info.Driver == nil {
		return driver.Errorf(driver.InvalidArgument, op, "it has no driver")
	}
	if info.Retry == nil {
		info.Retry = new(RetryPolicy)
	}
	if err := info.Retry.check(); err != nil {
		return driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	if info.Weight == 0 {
		info.Weight = 1
	}
	if err := info.checkLimits(); err != nil {
		return driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	info.capabilities = info.Driver.Capabilities()
	if c := &info.capabilities; c.MaxSendBatch < 1 || c.MaxReceiveBatch < 1 || c.MaxSettleBatch < 1 {
		return driver.Errorf(driver.InvalidArgument, op, "its driver declares batches of %d, %d and %d; each must be 1 or more",
			c.MaxSendBatch, c.MaxReceiveBatch, c.MaxSettleBatch)
	}
	info.system = driver.SystemOf(info.Driver)
	qs.all = append(qs.all, &info)
	return nil
}

func (info *QueueInfo) checkLimits() error {
	switch {
	case info.Hold < 0:
		return fmt.Errorf("hold %v is negative; use 0 for the worker's", info.Hold)
	case info.Weight < 1 || info.Weight > maxWeight:
		return fmt.Errorf("weight %d is not within 1 to %d", info.Weight, maxWeight)
	}
	if err := checkConcurrency(info.Concurrency); err != nil {
		return err
	}
	return info.Rate.check()
}

// All are the queues in the order in which they were added.
func (qs *Queues) All() []*QueueInfo { return slices.Clone(qs.all) }

// Close closes all queues, each until ctx ends. Close Workers and Clients first.
func (qs *Queues) Close(ctx context.Context) error {
	var errs []error
	for _, q := range qs.all {
		errs = append(errs, q.Driver.Close(ctx))
	}
	return errors.Join(errs...)
}

// get finds a queue by name.
func (qs *Queues) get(name string) (*QueueInfo, error) {
	for _, q := range qs.all {
		if q.Name == name {
			return q, nil
		}
	}
	return nil, driver.Errorf(driver.NotFound, fmt.Sprintf("runtime: queue %q", name), "there is none of this name; known are %s", qs.names())
}

func (qs *Queues) names() string {
	names := make([]string, len(qs.all))
	for i, q := range qs.all {
		names[i] = q.Name
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
