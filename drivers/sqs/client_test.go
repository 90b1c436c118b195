package sqs

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
)

// opened is the SDK's client of a queue that is opened by URL.
func opened(t *testing.T, url string) *awssqs.Client {
	t.Helper()
	q, err := driver.Default.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close(context.Background()) })
	var client *awssqs.Client
	if !q.As(&client) {
		t.Fatal("the queue does not show its client")
	}
	return client
}

// As many pollers and settlers as a worker has keep their connections, and nothing
// ends a long poll before the broker does.
func TestTheClientIsSizedToThePollers(t *testing.T) {
	isolate(t)
	whole, ok := opened(t, "sqs://orders?region=eu-west-1").Options().HTTPClient.(wholeBodies)
	if !ok {
		t.Fatal("the client is not the driver's")
	}
	c, ok := whole.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		t.Fatalf("its HTTP client is a %T", whole.HTTPClient)
	}
	// 16 pollers, and settlers beside them.
	const least = 64
	if h := c.GetTransport(); h.MaxIdleConnsPerHost < least || h.MaxIdleConns < least || h.MaxConnsPerHost != 0 && h.MaxConnsPerHost < least {
		t.Errorf("it keeps %d connections, %d to a host, and opens %d to a host; want at least %d", h.MaxIdleConns, h.MaxIdleConnsPerHost, h.MaxConnsPerHost, least)
	}
	for what, d := range map[string]time.Duration{"a request": c.GetTimeout(), "the headers": c.GetTransport().ResponseHeaderTimeout} {
		if d != 0 && d < maxPoll+patience {
			t.Errorf("%s may take %v; want at least %v", what, d, maxPoll+patience)
		}
	}
	request, cancel := within(t.Context(), maxPoll)
	defer cancel()
	if end, bounded := request.Deadline(); !bounded || time.Until(end) < maxPoll+10*time.Second || time.Until(end) > time.Minute {
		t.Errorf("a poll of %v may take %v; want 10s more, within a minute", maxPoll, time.Until(end))
	}
}

// Endpoint, region and credentials are found wherever the SDK looks for them.
func TestTheChainOfTheSDK(t *testing.T) {
	const config = `[profile ops]
region = eu-north-1
endpoint_url = http://ops.test
aws_access_key_id = key-of-ops
aws_secret_access_key = secret
`
	for what, c := range map[string]struct {
		env                   map[string]string
		region, endpoint, key string
	}{
		"AWS_ENDPOINT_URL": {map[string]string{"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://all.test"}, "eu-west-1", "http://all.test", "key"},
		"AWS_ENDPOINT_URL_SQS, before that of all": {map[string]string{
			"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://all.test", "AWS_ENDPOINT_URL_SQS": "http://sqs.test",
		}, "eu-west-1", "http://sqs.test", "key"},
		"a profile": {map[string]string{"AWS_PROFILE": "ops", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "eu-north-1", "http://ops.test", "key-of-ops"},
	} {
		t.Run(what, func(t *testing.T) {
			isolate(t)
			file := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("AWS_CONFIG_FILE", file)
			t.Setenv("AWS_ACCESS_KEY_ID", "key")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			o := opened(t, "sqs://orders").Options()
			if o.Region != c.region || aws.ToString(o.BaseEndpoint) != c.endpoint {
				t.Errorf("region %q, endpoint %q; want %q and %q", o.Region, aws.ToString(o.BaseEndpoint), c.region, c.endpoint)
			}
			got, err := o.Credentials.Retrieve(t.Context())
			if err != nil || got.AccessKeyID != c.key {
				t.Errorf("access key %q, %v; want %q", got.AccessKeyID, err, c.key)
			}
		})
	}
}
