package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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

	capabilities driver.Capabilities
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
// policy out of range.
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
	info.capabilities = info.Driver.Capabilities()
	if c := &info.capabilities; c.MaxSendBatch < 1 || c.MaxReceiveBatch < 1 || c.MaxSettleBatch < 1 {
		return driver.Errorf(driver.InvalidArgument, op, "its driver declares batches of %d, %d and %d; each must be 1 or more",
			c.MaxSendBatch, c.MaxReceiveBatch, c.MaxSettleBatch)
	}
	qs.all = append(qs.all, &info)
	return nil
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
