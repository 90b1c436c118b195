package conformance

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/longshore-dev/longshore/driver"
)

// Tenants is q with a tenant for every message: one that the sender does not name
// gets one that the receiver does not see. It makes of a queue that is fair the
// profile in which that is used.
func Tenants(q driver.Queue) driver.Queue { return tenants{q} }

type tenants struct{ driver.Queue }

// unnamed begins the names of those tenants.
const unnamed = "unnamed-"

func (q tenants) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	batch = slices.Clone(batch)
	for i := range batch {
		if batch[i].FairnessKey == "" {
			batch[i].FairnessKey = unnamed + strconv.Itoa(len(batch[i].Body)%3)
		}
	}
	return q.Queue.Send(ctx, batch)
}

func (q tenants) Receive(ctx context.Context, o driver.ReceiveOptions) ([]driver.Lease, error) {
	return hideTenants(q.Queue.Receive(ctx, o))
}

func (q tenants) DeadLetter() driver.DeadLetter { return deadTenants{q.Queue.DeadLetter()} }

type deadTenants struct{ driver.DeadLetter }

func (d deadTenants) Receive(ctx context.Context, o driver.ReceiveOptions) ([]driver.Lease, error) {
	return hideTenants(d.DeadLetter.Receive(ctx, o))
}

type tenantLease struct{ driver.Lease }

func hideTenants(leases []driver.Lease, err error) ([]driver.Lease, error) {
	for i := range leases {
		leases[i] = tenantLease{leases[i]}
	}
	return leases, err
}

func (l tenantLease) Message() driver.Message {
	m := l.Lease.Message()
	if strings.HasPrefix(m.FairnessKey, unnamed) {
		m.FairnessKey = ""
	}
	return m
}

var _ driver.Queue = tenants{}
