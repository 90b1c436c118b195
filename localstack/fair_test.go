package localstack_test

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
)

// fairQueue is a queue on which every message has a tenant: one that the sender
// does not name gets one that the receiver does not see.
type fairQueue struct{ *sqs.Queue }

// unnamed begins the names of those tenants.
const unnamed = "unnamed-"

func (q fairQueue) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	batch = slices.Clone(batch)
	for i := range batch {
		if batch[i].FairnessKey == "" {
			batch[i].FairnessKey = unnamed + strconv.Itoa(len(batch[i].Body)%3)
		}
	}
	return q.Queue.Send(ctx, batch)
}

func (q fairQueue) Receive(ctx context.Context, o driver.ReceiveOptions) ([]driver.Lease, error) {
	return hideTenants(q.Queue.Receive(ctx, o))
}

func (q fairQueue) DeadLetter() driver.DeadLetter { return fairDeadLetter{q.Queue.DeadLetter()} }

type fairDeadLetter struct{ driver.DeadLetter }

func (d fairDeadLetter) Receive(ctx context.Context, o driver.ReceiveOptions) ([]driver.Lease, error) {
	return hideTenants(d.DeadLetter.Receive(ctx, o))
}

type fairLease struct{ driver.Lease }

func hideTenants(leases []driver.Lease, err error) ([]driver.Lease, error) {
	for i := range leases {
		leases[i] = fairLease{leases[i]}
	}
	return leases, err
}

func (l fairLease) Message() driver.Message {
	m := l.Lease.Message()
	if strings.HasPrefix(m.FairnessKey, unnamed) {
		m.FairnessKey = ""
	}
	return m
}

var _ driver.Queue = fairQueue{}
