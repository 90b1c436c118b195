package sqs

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/longshore-dev/longshore/driver"
)

const (
	// patience is how long a request may take beyond the time that it waits at
	// the broker. It bounds every request, so that an endpoint which is gone
	// without a word is noticed.
	patience = 15 * time.Second
	// maxConnections are kept open to an endpoint: a request of its own for each
	// poller and settler, as HTTP/1.1 has it.
	maxConnections = 128
	dialTimeout    = 5 * time.Second
	// renewEarly is how long before their end credentials are renewed at the latest, so
	// that none end on their way; half of it at the earliest.
	renewEarly = time.Minute
)

// connect makes a client by the SDK's own chain. It does no I/O but reading files:
// credentials are fetched by the first request, and that is retried by the SDK, as
// nobody else does; see single.
func connect(ctx context.Context, op, region, host string) (*awssqs.Client, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(transport()),
		config.WithCredentialsCacheOptions(func(o *aws.CredentialsCacheOptions) {
			o.ExpiryWindow, o.ExpiryWindowJitterFrac = renewEarly, 0.5
		}),
		// Mode auto would ask the instance's metadata service now.
		config.WithDefaultsMode(aws.DefaultsModeStandard),
	)
	if err != nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "the AWS configuration cannot be read; check AWS_PROFILE and ~/.aws: %w", err)
	}
	if region != "" {
		cfg.Region = region
	}
	if cfg.Region == "" {
		return nil, driver.Errorf(driver.InvalidArgument, op, "no region; add ?region= to the URL, or set AWS_REGION")
	}
	client := awssqs.NewFromConfig(cfg, func(o *awssqs.Options) {
		if _, amazon := amazonHost(host); amazon && o.BaseEndpoint == nil {
			o.BaseEndpoint = aws.String("https://" + host) // an interface endpoint, for example
		}
	})
	if endpoint := client.Options().BaseEndpoint; endpoint != nil {
		if u, err := url.Parse(*endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, driver.Errorf(driver.InvalidArgument, op,
				"the configured endpoint is not http://HOST or https://HOST; correct AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL or the profile")
		}
	}
	return client, nil
}

// transport is an HTTP client sized to the pollers and settlers. Response headers
// come after a long poll, so nothing but the context of a request bounds them.
func transport() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost = maxConnections, maxConnections
			t.ResponseHeaderTimeout = 0
		})
}

// single is a client like c that makes one attempt at each request, and tells
// errors of the credentials from others. The driver retries nothing: the runtime
// does, with the backoff of a poller or of a settle, and retries of both would
// multiply.
func single(c *awssqs.Client) *awssqs.Client {
	return awssqs.New(c.Options(), func(o *awssqs.Options) {
		o.Retryer, o.RetryMaxAttempts = aws.NopRetryer{}, 0
		o.HTTPClient = wholeBodies{o.HTTPClient}
		o.EndpointResolverV2 = &endpoints{inner: o.EndpointResolverV2}
		if o.Credentials != nil {
			c := &credentials{CredentialsProvider: o.Credentials}
			o.Credentials = c
			o.APIOptions = append(slices.Clone(o.APIOptions), c.watch)
		}
	})
}

// credentials marks the errors of a provider, and those of credentials that it
// renews. It is safe for concurrent use.
type credentials struct {
	aws.CredentialsProvider
	gave   atomic.Bool // it has given some
	renews atomic.Bool // the last that it gave have an end, which it knows
}

func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return got, &credentialsError{err: err, renewal: c.gave.Load()}
	}
	c.gave.Store(true)
	c.renews.Store(got.CanExpire)
	return got, nil
}

// watch marks the errors of requests whose credentials had expired when they arrived.
func (c *credentials) watch(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("LongshoreExpired",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleInitialize(ctx, in)
			if api, ok := errors.AsType[smithy.APIError](err); ok && badCredentials[api.ErrorCode()] == expiredCredentials && c.renews.Load() {
				err = &expiredError{err}
			}
			return out, metadata, err
		}), middleware.After)
}

// expiredError is that credentials expired of which there will be others: the end of
// those came on the way, or this machine's clock is behind.
type expiredError struct{ error }

func (e *expiredError) Unwrap() error { return e.error }

type credentialsError struct {
	err     error
	renewal bool // there were some before
}

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// passes says whether the next try may succeed: the source of credentials says that it
// is busy, or one that has given some before cannot be reached, or is out of order.
// Before that nothing tells it from a source that is not there.
func (e *credentialsError) passes() bool {
	if api, ok := errors.AsType[smithy.APIError](e.err); ok && isBusy(api.ErrorCode()) {
		return true
	}
	if !e.renewal {
		return false
	}
	if _, ok := errors.AsType[net.Error](e.err); ok {
		return true
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](e.err)
	return ok && (answer.HTTPStatusCode() >= 500 || answer.HTTPStatusCode() == http.StatusTooManyRequests)
}

// isBusy is whether a source of credentials says by this code that a later request may
// be answered. It comes with status 400. Source: AWS Security Token Service API
// Reference, "AssumeRoleWithWebIdentity" and "Common errors".
func isBusy(code string) bool {
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	_, passing := retry.DefaultRetryableErrorCodes[code]
	return throttled || passing || code == "IDPCommunicationError"
}
