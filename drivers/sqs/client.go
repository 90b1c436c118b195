package sqs

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
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
)

// connect makes a client by the SDK's own chain. It does no I/O but reading files:
// credentials are fetched by the first request.
func connect(ctx context.Context, op, region, host string) (*awssqs.Client, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(transport()),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
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
			o.Credentials = &credentials{CredentialsProvider: o.Credentials}
		}
	})
}

// credentials marks the errors of a provider. It is safe for concurrent use.
type credentials struct {
	aws.CredentialsProvider
	gave atomic.Bool // it has given some
}

func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	got, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		return got, &credentialsError{err: err, renewal: c.gave.Load()}
	}
	c.gave.Store(true)
	return got, nil
}

type credentialsError struct {
	err     error
	renewal bool // there were some before
}

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// passes says whether the next try may succeed: the source of credentials that it
// has given before cannot be reached, or is out of order. Before that nothing tells
// it from a source that is not there.
func (e *credentialsError) passes() bool {
	if !e.renewal {
		return false
	}
	if _, ok := errors.AsType[net.Error](e.err); ok {
		return true
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](e.err)
	return ok && (answer.HTTPStatusCode() >= 500 || answer.HTTPStatusCode() == http.StatusTooManyRequests)
}
