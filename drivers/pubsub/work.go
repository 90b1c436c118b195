package pubsub

import (
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/internal/claims"
)

// claim is a lease on which an operation is under way.
type claim = claims.Claim[*lease]

// work is an operation op on n leases, of which of gives those of each item.
func (s *source) work(op string, n int, of func(i int) driver.Lease) *claims.Work[*lease] {
	var found *lease // here, so that looking costs no memory
	return &claims.Work[*lease]{
		Op: op, Errs: make([]error, n), Of: of,
		Own: func(l driver.Lease) (*lease, bool) {
			own := l.As(&found) && found.source == s
			return found, own
		},
	}
}
