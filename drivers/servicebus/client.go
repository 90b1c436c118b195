package servicebus

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/longshore-dev/longshore/driver"
)

const (
	// patience is how long a request may take. It bounds every request, so that an
	// endpoint which is gone without a word is noticed.
	patience = 15 * time.Second
	// leasePatience is the same for requests on leases, which are of no use once those
	// have ended.
	leasePatience = 5 * time.Second
	// retryDelay is what the client library waits before the one retry that it makes.
	retryDelay = 50 * time.Millisecond
)

// Clients are the client library's clients that a queue is used through. They are the
// caller's to close, after the queue.
type Clients struct {
	// Messages is the client of the namespace, made with [ClientOptions] or with
	// options that have their RetryOptions: with the library's own a retry waits for
	// longer than most requests here may take.
	Messages *azservicebus.Client
	// Admin reads the queue's description; nil where there is none, as on an emulator,
	// or where the credentials do not allow it.
	Admin *admin.Client
}

// ClientOptions are the options with which the driver makes its own client: one quick
// retry. The driver wants none, but only a retry has the client library make a broken
// connection or link anew.
func ClientOptions() *azservicebus.ClientOptions {
	return &azservicebus.ClientOptions{
		RetryOptions: azservicebus.RetryOptions{MaxRetries: 1, RetryDelay: retryDelay, MaxRetryDelay: retryDelay},
	}
}

// adminOptions are those of the administration client: no retry.
func adminOptions() *admin.ClientOptions {
	return &admin.ClientOptions{ClientOptions: azcore.ClientOptions{
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Telemetry: policy.TelemetryOptions{Disabled: true}, // the runtime has its own
	}}
}

// credentials are what a queue that was opened by URL connects with: a connection
// string, or the default chain for a namespace.
type credentials struct {
	connection string
	emulator   bool
	namespace  string
}

// clients are the clients; those of a queue that was opened by URL are made at its first
// call. PermissionDenied where there are no credentials; the next call tries again.
func (q *Queue) clients(ctx context.Context, op string) (*Clients, error) {
	return q.api.Get(ctx, op, func() (*Clients, error) {
		got, err := q.from.connect()
		if err != nil {
			err = driver.Errorf(driver.PermissionDenied, op, "%s: %w", noCredentials, err)
		}
		return got, err
	})
}

// connect makes clients, which connect with their first request.
func (c *credentials) connect() (*Clients, error) {
	if c.connection != "" {
		messages, err := azservicebus.NewClientFromConnectionString(c.connection, ClientOptions())
		if err != nil {
			return nil, errors.New("the client library refuses the connection string") // its text may repeat a part
		}
		if c.emulator {
			return &Clients{Messages: messages}, nil
		}
		manage, err := admin.NewClientFromConnectionString(c.connection, adminOptions())
		if err != nil {
			return nil, errors.New("the client library refuses the connection string")
		}
		return &Clients{messages, manage}, nil
	}
	chain, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	messages, err := azservicebus.NewClient(c.namespace, chain, ClientOptions())
	if err != nil {
		return nil, err
	}
	manage, err := admin.NewClient(c.namespace, chain, adminOptions())
	if err != nil {
		return nil, err
	}
	return &Clients{messages, manage}, nil
}

// closeClients closes the clients of a queue that was opened by URL.
func (q *Queue) closeClients(ctx context.Context) error {
	made := q.api.Take()
	if made == nil {
		return nil
	}
	if err := made.Messages.Close(ctx); err != nil {
		return &driver.Error{Code: driver.Unavailable, Op: q.ops.close, Err: err}
	}
	return nil
}

// apart does f with a context of its own, which ends after limit, and waits for it
// until ctx ends. A request that is cut off may have the client library give up a
// connection that others use, and what was on its way is lost; so it goes on by itself,
// and Close waits for it.
func apart[T any](ctx context.Context, q *Queue, op string, limit time.Duration, f func(ctx context.Context) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1) // never closed
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	q.gate.Join()
	go func() {
		defer q.gate.Leave()
		defer cancel()
		value, err := f(own)
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, driver.ContextError(ctx, op)
	}
}
