package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/driver"
)

// openFake makes the queue with its dead letter at a server that has queues, and
// opens it.
func openFake(ctx context.Context, server *serverProcess, hold time.Duration) (driver.Queue, error) {
	for _, variable := range environment(server.url) {
		name, value, _ := strings.Cut(variable, "=")
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	client, err := newClient(ctx, connections)
	if err != nil {
		return nil, err
	}
	for _, q := range []struct {
		name       string
		attributes map[string]string
	}{
		{load.QueueName + deadSuffix, map[string]string{"MessageRetentionPeriod": "1209600"}},
		{load.QueueName, map[string]string{
			"VisibilityTimeout": strconv.Itoa(int(hold.Seconds())),
			"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":100}`, arn(load.QueueName+deadSuffix)),
		}},
	} {
		if _, err := client.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: &q.name, Attributes: q.attributes}); err != nil {
			return nil, err
		}
	}
	return driver.Default.Open(ctx, "sqs://"+load.QueueName+"?region="+region)
}
