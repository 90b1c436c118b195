package pubsub

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/longshore-dev/longshore/driver"
)

// request is one on the leases of a batch, which may take several calls.
type request struct {
	source *source
	op     string
	errs   []error // by the index of a claim
	send   func(ctx context.Context, api *Clients, ids []string) error

	splits int // how often a part was halved to find what is refused in it
}

const (
	// idFraming is what an ack id takes in a request beside itself, and requestRoom
	// what else there is: the subscription's name and the deadline.
	idFraming   = 4
	requestRoom = 1000
	// maxSplits is enough to find a few that are refused among 1,000.
	maxSplits = 40
)

// do makes the request for the claims whose slot has no error yet, and sets the
// errors of those that fail.
func (r *request) do(ctx context.Context, claims []claim) {
	todo := make([]claim, 0, len(claims))
	for _, c := range claims {
		switch {
		case r.errs[c.index] != nil:
		case c.lease.handle == "":
			r.errs[c.index] = driver.Errorf(driver.Unsupported, r.op, "a pushed message has no ack id; it is settled by the answer to its request")
		default:
			todo = append(todo, c)
		}
	}
	if len(todo) == 0 {
		return
	}
	api, err := r.source.queue.api.clients(ctx, r.op)
	if err != nil {
		r.fail(todo, err)
		return
	}
	for len(todo) > 0 {
		n, size := 0, requestRoom
		for n < len(todo) && n < maxIDs {
			if size += len(todo[n].lease.handle) + idFraming; size > maxIDBytes && n > 0 {
				break
			}
			n++
		}
		r.part(ctx, api, todo[:n])
		todo = todo[n:]
	}
}

// part makes one call. With exactly-once delivery its error says which ids failed;
// else one id that is refused fails the call, and is looked for by halves.
func (r *request) part(ctx context.Context, api *Clients, claims []claim) {
	err := r.try(ctx, api, claims)
	if err == nil {
		return
	}
	if failed := ackFailures(err); failed != nil {
		rest := r.failSome(claims, failed)
		if len(rest) < len(claims) {
			r.confirm(ctx, api, rest)
			return
		}
	} else if status.Code(err) == codes.InvalidArgument {
		if half := len(claims) / 2; half > 0 && r.splits < maxSplits {
			r.splits++
			r.part(ctx, api, claims[:half])
			r.part(ctx, api, claims[half:])
			return
		}
		r.fail(claims, driver.Errorf(driver.LeaseLost, r.op, "the subscription does not know the lease: %w", r.classify(ctx, err)))
		return
	}
	r.fail(claims, r.classify(ctx, err))
}

// confirm asks again for those of which an error that names others said nothing.
// They may be done: what is refused now was done then.
func (r *request) confirm(ctx context.Context, api *Clients, claims []claim) {
	if len(claims) == 0 {
		return
	}
	err := r.try(ctx, api, claims)
	if err == nil {
		return
	}
	failed := ackFailures(err)
	if failed == nil {
		r.fail(claims, r.classify(ctx, err))
		return
	}
	for id, outcome := range failed {
		if outcome == ackInvalid {
			delete(failed, id)
		}
	}
	r.failSome(claims, failed)
}

func (r *request) try(ctx context.Context, api *Clients, claims []claim) error {
	ids := make([]string, len(claims))
	for i, c := range claims {
		ids[i] = c.lease.handle
	}
	ctx, cancel := within(ctx, leasePatience)
	defer cancel()
	return r.send(ctx, api, ids)
}

func (r *request) classify(ctx context.Context, err error) *driver.Error {
	return classify(ctx, r.op, actionConsume, r.source.subscription, err)
}

// failSome sets the errors of the ids that failed, and answers the other claims.
func (r *request) failSome(claims []claim, failed map[string]string) (rest []claim) {
	for _, c := range claims {
		if outcome, ok := failed[c.lease.handle]; ok {
			r.errs[c.index] = ackError(r.op, outcome)
		} else {
			rest = append(rest, c)
		}
	}
	return rest
}

func (r *request) fail(claims []claim, err error) {
	for _, c := range claims {
		r.errs[c.index] = err
	}
}
