package localstack_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// connect is a client of the LocalStack at the endpoint.
func connect(endpoint string) *awssqs.Client {
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 256, 256
	}).GetTransport()
	return awssqs.New(awssqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   &http.Client{Transport: cutTransport{transport}},
	})
}

// queueOptions say what queue to make.
type queueOptions struct {
	fifo         bool
	hold         time.Duration
	maxReceives  int
	noDeadLetter bool
}

// queueCount makes names of queues that no other test uses.
var queueCount atomic.Int64

// makeQueue makes a queue and its dead letter, and answers their URLs.
func makeQueue(ctx context.Context, client *awssqs.Client, o queueOptions) (live, dead string, err error) {
	name := fmt.Sprintf("q-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), queueCount.Add(1))
	suffix := ""
	attributes := map[string]string{"VisibilityTimeout": strconv.Itoa(int(o.hold / time.Second))}
	if o.fifo {
		suffix = ".fifo"
		attributes["FifoQueue"] = "true"
	}
	if !o.noDeadLetter {
		out, err := client.CreateQueue(ctx, &awssqs.CreateQueueInput{
			QueueName: aws.String(name + "-dead" + suffix), Attributes: with(attributes, "MessageRetentionPeriod", "1209600"),
		})
		if err != nil {
			return "", "", err
		}
		dead = *out.QueueUrl
		got, err := client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{
			QueueUrl: &dead, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
		})
		if err != nil {
			return "", "", err
		}
		attributes = with(attributes, "RedrivePolicy", fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`,
			got.Attributes[string(types.QueueAttributeNameQueueArn)], o.maxReceives))
	}
	out, err := client.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: aws.String(name + suffix), Attributes: attributes})
	if err != nil {
		return "", "", err
	}
	return *out.QueueUrl, dead, nil
}

func with(attributes map[string]string, name, value string) map[string]string {
	all := maps.Clone(attributes)
	all[name] = value
	return all
}

// dropQueues deletes queues at the end of a test.
func dropQueues(t *testing.T, client *awssqs.Client, urls ...string) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, url := range urls {
			if url == "" {
				continue
			}
			if _, err := client.DeleteQueue(ctx, &awssqs.DeleteQueueInput{QueueUrl: &url}); err != nil {
				t.Errorf("delete queue: %v", err)
			}
		}
	})
}

// cutKey marks the context of a call that is cut off between the send of a copy
// and the delete of the original.
type cutKey struct{}

var errCut = errors.New("the connection broke")

// cutTransport refuses the deletes of calls that are cut off.
type cutTransport struct{ http.RoundTripper }

func (c cutTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Context().Value(cutKey{}) != nil && strings.Contains(r.Header.Get("X-Amz-Target"), "DeleteMessage") {
		return nil, errCut
	}
	return c.RoundTripper.RoundTrip(r)
}
