package pubsub

import (
	"context"
	"maps"
	"slices"

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

	repeatable bool // to do it twice is as to do it once

	splits    int     // how often a part was halved to find what is refused in it
	took      bool    // a part took effect
	undecided []claim // of parts that are refused and are not halved any more
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
		case r.errs[c.Index] != nil:
		case c.Lease.handle == "":
			r.errs[c.Index] = driver.Errorf(driver.Unsupported, r.op, "a pushed message has no ack id; it is settled by the answer to its request")
		default:
			todo = append(todo, c)
		}
	}
	if len(todo) == 0 {
		return
	}
	api, err := r.source.queue.clients(ctx, r.op)
	if err != nil {
		r.fail(todo, err)
		return
	}
	for len(todo) > 0 {
		n, size := 0, requestRoom
		for n < len(todo) && n < maxIDs {
			if size += len(todo[n].Lease.handle) + idFraming; size > maxIDBytes && n > 0 {
				break
			}
			n++
		}
		r.part(ctx, api, todo[:n])
		todo = todo[n:]
	}
	switch {
	case len(r.undecided) == 0:
	case r.took:
		r.fail(r.undecided, driver.Errorf(driver.Unavailable, r.op, "one of %d leases is refused, and not found yet; try again", len(r.undecided)))
	default:
		r.fail(r.undecided, r.notKnown(nil))
	}
}

// part makes one call. With exactly-once delivery its error says which ids failed;
// else one id that is refused fails the call, and is looked for by halves. Where many
// are, not all are found: then what is left is lost if all was refused, and may be
// tried again if not.
func (r *request) part(ctx context.Context, api *Clients, claims []claim) {
	err := r.try(ctx, api, claims)
	if err == nil {
		r.took = true
		return
	}
	failed := ackFailures(err)
	switch half := len(claims) / 2; {
	case named(claims, failed):
		r.took = true
		r.confirm(ctx, api, r.failSome(claims, failed))
	case status.Code(err) != codes.InvalidArgument:
		r.fail(claims, r.classify(ctx, err))
	case half == 0:
		r.fail(claims, r.notKnown(err))
	case r.splits >= maxSplits:
		r.undecided = append(r.undecided, claims...)
	default:
		r.splits++
		r.part(ctx, api, claims[:half])
		r.part(ctx, api, claims[half:])
	}
}

// notKnown is the error of an ack id that is refused. The service's own text repeats
// the id.
func (r *request) notKnown(err error) *driver.Error {
	hidden := &requestError{hint: "the subscription does not know the lease", status: status.New(codes.InvalidArgument, ""), err: err}
	return &driver.Error{Code: driver.LeaseLost, Op: r.op, Err: hidden}
}

// confirm asks again for those of which an error that names others said nothing.
// They may be done: then what cannot be done twice is refused now.
func (r *request) confirm(ctx context.Context, api *Clients, claims []claim) {
	if len(claims) == 0 {
		return
	}
	err := r.try(ctx, api, claims)
	if err == nil {
		return
	}
	failed := ackFailures(err)
	if !named(claims, failed) {
		r.fail(claims, r.classify(ctx, err))
		return
	}
	if !r.repeatable {
		maps.DeleteFunc(failed, func(_, outcome string) bool { return outcome == ackInvalid })
	}
	r.failSome(claims, failed)
}

// named says whether an error names one of the claims.
func named(claims []claim, failed map[string]string) bool {
	return slices.ContainsFunc(claims, func(c claim) bool { _, ok := failed[c.Lease.handle]; return ok })
}

func (r *request) try(ctx context.Context, api *Clients, claims []claim) error {
	ids := make([]string, len(claims))
	for i, c := range claims {
		ids[i] = c.Lease.handle
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
		if outcome, ok := failed[c.Lease.handle]; ok {
			r.errs[c.Index] = ackError(r.op, outcome)
		} else {
			rest = append(rest, c)
		}
	}
	return rest
}

func (r *request) fail(claims []claim, err error) {
	for _, c := range claims {
		r.errs[c.Index] = err
	}
}
