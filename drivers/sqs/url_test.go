package sqs

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
)

// isolate keeps the machine's own configuration out of a test.
func isolate(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func TestOpen(t *testing.T) {
	isolate(t)
	tests := []struct {
		url, env     string
		name, region string
		queueURL     string
		endpoint     string
		options      Options
		fifo         bool
	}{
		{url: "sqs://orders?region=eu-west-1", name: "orders", region: "eu-west-1"},
		{url: "sqs://orders", env: "eu-north-1", name: "orders", region: "eu-north-1"},
		{url: "sqs://orders?region=eu-west-1", env: "eu-north-1", name: "orders", region: "eu-west-1"},
		{url: "sqs://orders.fifo?region=eu-west-1", name: "orders.fifo", region: "eu-west-1", fifo: true},
		{
			url: "sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders", name: "orders", region: "eu-west-1",
			queueURL: "https://sqs.eu-west-1.amazonaws.com/123456789012/orders", endpoint: "https://sqs.eu-west-1.amazonaws.com",
		},
		{
			url: "sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders/", name: "orders", region: "eu-west-1",
			queueURL: "https://sqs.eu-west-1.amazonaws.com/123456789012/orders", endpoint: "https://sqs.eu-west-1.amazonaws.com",
		},
		{
			url: "sqs://vpce-0a1b.sqs.eu-west-1.vpce.amazonaws.com/123456789012/orders", name: "orders", region: "eu-west-1",
			queueURL: "https://vpce-0a1b.sqs.eu-west-1.vpce.amazonaws.com/123456789012/orders",
			endpoint: "https://vpce-0a1b.sqs.eu-west-1.vpce.amazonaws.com",
		},
		{
			url: "sqs://localhost:4566/000000000000/orders?region=us-east-1", name: "orders", region: "us-east-1",
			queueURL: "https://localhost:4566/000000000000/orders",
		},
		{
			url:  "sqs://orders?region=eu-west-1&hold=5m&max_receives=20&dead_letter=orders-dead&sns=unwrap",
			name: "orders", region: "eu-west-1",
			options: Options{Hold: 5 * time.Minute, MaxReceives: 20, DeadLetter: "orders-dead", UnwrapSNS: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.url, func(t *testing.T) {
			t.Setenv("AWS_REGION", tt.env)
			opened, err := driver.Default.Open(t.Context(), tt.url)
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close(t.Context())
			var q *Queue
			var client *awssqs.Client
			if !opened.As(&q) || !opened.As(&client) {
				t.Fatal("As knows neither the queue nor the client")
			}
			if q.name != tt.name || q.capabilities.Ordered != tt.fifo || q.options != tt.options || q.source.at.Load().url != tt.queueURL {
				t.Errorf("queue %q, ordered %v, options %+v, URL %q", q.name, q.capabilities.Ordered, q.options, q.source.at.Load().url)
			}
			o := client.Options()
			if o.Region != tt.region {
				t.Errorf("region %q; want %q", o.Region, tt.region)
			}
			if got := aws.ToString(o.BaseEndpoint); got != tt.endpoint {
				t.Errorf("endpoint %q; want %q", got, tt.endpoint)
			}
			if o.Retryer.MaxAttempts() != 1 {
				t.Errorf("the client makes %d attempts; want 1", o.Retryer.MaxAttempts())
			}
		})
	}
}

func TestOpenTakesTheConfiguredEndpoint(t *testing.T) {
	isolate(t)
	t.Setenv("AWS_ENDPOINT_URL_SQS", "http://localhost:4566")
	q, err := driver.Default.Open(t.Context(), "sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close(t.Context())
	var client *awssqs.Client
	if q.As(&client); *client.Options().BaseEndpoint != "http://localhost:4566" {
		t.Errorf("endpoint %q; want the configured one", *client.Options().BaseEndpoint)
	}
}

func TestOpenRefusesWhatIsNoEndpoint(t *testing.T) {
	isolate(t)
	for _, endpoint := range []string{"localhost:4566", "http://", "ftp://localhost", "::", "secret"} {
		t.Setenv("AWS_ENDPOINT_URL_SQS", endpoint)
		q, err := driver.Default.Open(t.Context(), "sqs://orders?region=eu-west-1")
		if err == nil {
			_ = q.Close(t.Context())
			t.Errorf("endpoint %s was taken", endpoint)
			continue
		}
		if driver.CodeOf(err) != driver.InvalidArgument || !strings.Contains(err.Error(), "AWS_ENDPOINT_URL_SQS") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

func TestAnEndpointThatIsDown(t *testing.T) {
	isolate(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "key")
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ENDPOINT_URL_SQS", "http://"+l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	q, err := driver.Default.Open(t.Context(), "sqs://orders?region=eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close(t.Context())
	_, err = q.Policy(t.Context())
	if !driver.Is(err, driver.Unavailable) || !strings.Contains(err.Error(), "no connection; check") {
		t.Errorf("%v; want Unavailable, and what to check", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	isolate(t)
	for url, says := range map[string]string{
		"sqs://orders":               "AWS_REGION",
		"sqs://?region=eu-west-1":    "name",
		"sqs://a.b?region=eu-west-1": "HOST/ACCOUNT/NAME",
		"sqs://" + strings.Repeat("x", 81) + "?region=eu-west-1":                      "80",
		"sqs://.fifo?region=eu-west-1":                                                "name",
		"sqs://sqs.eu-west-1.amazonaws.com/orders":                                    "HOST/ACCOUNT/NAME",
		"sqs://sqs.eu-west-1.amazonaws.com/1/orders?region=us-east-1":                 "region",
		"sqs://orders?region=elsewhere.test%2F":                                       "such as eu-west-1",
		"sqs://orders?region=eu+west":                                                 "such as eu-west-1",
		"sqs://example.test/1/orders":                                                 "AWS_REGION",
		"sqs://orders?region=eu-west-1&hold=1s":                                       "hold",
		"sqs://orders?region=eu-west-1&hold=13h":                                      "hold",
		"sqs://orders?region=eu-west-1&hold=2500ms":                                   "seconds",
		"sqs://orders?region=eu-west-1&max_receives=1001":                             "max_receives",
		"sqs://orders?region=eu-west-1&dead_letter=orders":                            "itself",
		"sqs://orders?region=eu-west-1&dead_letter=a/b":                               "ARN",
		"sqs://orders.fifo?region=eu-west-1&dead_letter=orders-dead":                  "FIFO",
		"sqs://orders?region=eu-west-1&dead_letter=arn:aws:sqs:eu-west-1:1:dead.fifo": "kind",
		"sqs://orders?region=eu-west-1&sns=raw":                                       "unwrap",
		"sqs://orders?region=eu-west-1&fair=true":                                     "unknown parameter",
		"sqs://id:secret@orders?region=eu-west-1":                                     "credentials",
	} {
		q, err := driver.Default.Open(t.Context(), url)
		if err == nil {
			_ = q.Close(t.Context())
			t.Errorf("%s was opened", url)
			continue
		}
		if driver.CodeOf(err) != driver.InvalidArgument || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want InvalidArgument that says %q", url, err, says)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v repeats a secret", url, err)
		}
	}
	t.Setenv("AWS_PROFILE", "nobody")
	if _, err := driver.Default.Open(t.Context(), "sqs://orders?region=eu-west-1"); driver.CodeOf(err) != driver.InvalidArgument {
		t.Errorf("a profile that is missing: %v; want InvalidArgument", err)
	}
}

func TestNewRefuses(t *testing.T) {
	client := awssqs.New(awssqs.Options{Region: "us-east-1"})
	for what, err := range map[string]error{
		"no client":       second(New(nil, "orders", nil)),
		"no name":         second(New(client, "", nil)),
		"another scheme":  second(New(client, "ftp://host/1/orders", nil)),
		"a negative hold": second(New(client, "orders", &Options{Hold: -1})),
		"negative count":  second(New(client, "orders", &Options{MaxReceives: -1})),
	} {
		if driver.CodeOf(err) != driver.InvalidArgument {
			t.Errorf("%s: %v; want InvalidArgument", what, err)
		}
	}
}

func second(_ *Queue, err error) error { return err }

func TestRegionOf(t *testing.T) {
	for host, want := range map[string]string{
		"sqs.eu-west-1.amazonaws.com":                  "eu-west-1",
		"sqs-fips.us-gov-west-1.amazonaws.com":         "us-gov-west-1",
		"sqs.cn-north-1.amazonaws.com.cn":              "cn-north-1",
		"sqs.eu-west-1.api.aws":                        "eu-west-1",
		"eu-west-1.queue.amazonaws.com":                "eu-west-1",
		"queue.amazonaws.com":                          "us-east-1",
		"vpce-1.sqs.us-east-2.vpce.amazonaws.com":      "us-east-2",
		"s3.eu-west-1.amazonaws.com":                   "",
		"sqs.us-east-1.localhost.localstack.cloud":     "",
		"localhost:4566":                               "",
		"sqs.amazonaws.com":                            "",
		"sqs.eu-west-1.amazonaws.com.attacker.example": "",
	} {
		if got, known := regionOf(host); got != want || known != (want != "") {
			t.Errorf("%s: region %q, %v; want %q", host, got, known, want)
		}
	}
}
