package pubsub

import (
	"context"
	"errors"
	"math"
	goruntime "runtime"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/longshore-dev/longshore/driver"
)

const (
	// patience is how long a request may take beyond the time that it waits at the
	// broker. It bounds every request, so that an endpoint which is gone without a
	// word is noticed.
	patience = 15 * time.Second
	// leasePatience is the same for requests on leases, which are of no use once
	// those have ended.
	leasePatience = 5 * time.Second
	// A connection that has not answered for deadAfter is given up.
	pingEvery = 5 * time.Minute
	deadAfter = 10 * time.Second
	// maxConnections is how many connections carry the requests, as in Google's own
	// library.
	maxConnections = 4
)

// clients are the clients; those of a queue that was opened by URL are made at its first
// call. PermissionDenied where there are no credentials; the next call tries again.
func (q *Queue) clients(ctx context.Context, op string) (*Clients, error) {
	return q.api.Get(ctx, op, func() (*Clients, error) {
		got, err := connect(ctx)
		if err != nil {
			err = driver.Errorf(driver.PermissionDenied, op,
				"no Google credentials; run gcloud auth application-default login, set GOOGLE_APPLICATION_CREDENTIALS, or set PUBSUB_EMULATOR_HOST for an emulator: %w", err)
		}
		return got, err
	})
}

// connect makes clients by Google's own chain: PUBSUB_EMULATOR_HOST, else application
// default credentials. It reads credentials, and connects with the first request.
func connect(ctx context.Context) (*Clients, error) {
	ctx = context.WithoutCancel(ctx) // what renews the credentials may keep it
	opts := []option.ClientOption{
		option.WithTelemetryDisabled(), // the runtime has its own
		option.WithGRPCConnectionPool(min(maxConnections, goruntime.GOMAXPROCS(0))),
		option.WithGRPCDialOption(grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: deadAfter})),
	}
	topics, err := apiv1.NewTopicAdminClient(ctx, opts...)
	if err != nil {
		return nil, err
	}
	subscriptions, err := apiv1.NewSubscriptionAdminClient(ctx, opts...)
	if err != nil {
		return nil, errors.Join(err, topics.Close())
	}
	return &Clients{Topics: topics, Subscriptions: subscriptions}, nil
}

// closeClients closes the clients of a queue that was opened by URL.
func (q *Queue) closeClients() error {
	made := q.api.Take()
	if made == nil {
		return nil
	}
	if err := errors.Join(made.Topics.Close(), made.Subscriptions.Close()); err != nil {
		return &driver.Error{Code: driver.Unavailable, Op: q.ops.close, Err: err}
	}
	return nil
}

// once has the generated clients make one attempt at a request. The driver retries
// nothing: the runtime does, with the backoff of a poller or of a settle, while the
// clients would try again for a minute, for longer than a lease may last.
var once = gax.WithRetry(nil)

// anySize lets an answer be as large as Pub/Sub makes it, also on a connection that
// the caller made; gRPC's own limit is 4 MiB.
var anySize = gax.WithGRPCOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32))

// within is a context for one request, with a time-out of its own.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}
