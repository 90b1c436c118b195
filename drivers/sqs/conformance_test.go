package sqs_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
	"github.com/longshore-dev/longshore/internal/eventsource"
)

// Ten divides it, so that what the checks make of it are whole seconds.
const conformanceHold = 40 * time.Second

// newClient is the real client on an in-process server.
func newClient(server *sqsfake.Server) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL()), HTTPClient: server.HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
}

// create creates a queue and returns its URL and ARN.
func create(ctx context.Context, client *awssqs.Client, name string, attributes map[string]string) (url, arn string, err error) {
	out, err := client.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		return "", "", fmt.Errorf("create %q: %w", name, err)
	}
	got, err := client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: out.QueueUrl, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
	if err != nil {
		return "", "", fmt.Errorf("read %q: %w", name, err)
	}
	return *out.QueueUrl, got.Attributes["QueueArn"], nil
}

// onServer is a queue with the server that it is on.
type onServer struct {
	*sqs.Queue
	server *sqsfake.Server
}

// backend is the profile of a queue on a server in this process.
func backend(profile, suffix string) conformance.Backend {
	return conformance.Backend{
		Profile: profile,
		Virtual: true,
		Open: func(t *testing.T, o conformance.Options) (driver.Queue, error) {
			server := sqsfake.New(nil)
			t.Cleanup(func() { _ = server.Close() })
			return provision(context.Background(), server, suffix, o)
		},
		Can:         conformance.Can{Hold: true, MaxAttempts: true, NoDeadLetter: true},
		Hold:        conformanceHold,
		Margin:      time.Second + 20*time.Millisecond, // MoveAll looks once a second, and a task takes a moment to begin
		DedupWindow: 5 * time.Minute,
		MovesAll:    true,
		Interrupts: []conformance.Interrupt{
			interrupt("before the send", sqsfake.Fault{Op: "SendMessageBatch", Cut: true}),
			interrupt("after the send", sqsfake.Fault{Op: "SendMessageBatch", Cut: true, AfterEffect: true}),
			interrupt("between send and delete", sqsfake.Fault{Op: "DeleteMessageBatch", Cut: true}),
			interrupt("after the delete", sqsfake.Fault{Op: "DeleteMessageBatch", Cut: true, AfterEffect: true}),
		},
	}
}

// interrupt cuts the next request of an operation off.
func interrupt(name string, f sqsfake.Fault) conformance.Interrupt {
	f.Count = 1
	return conformance.Interrupt{Name: name, Arm: func(q driver.Queue) driver.Queue {
		q.(interface{ arm(sqsfake.Fault) }).arm(f)
		return q
	}}
}

func (q onServer) arm(f sqsfake.Fault) { q.server.Fault(f) }

// provision creates a queue and its dead letter.
func provision(ctx context.Context, server *sqsfake.Server, suffix string, o conformance.Options) (onServer, error) {
	client := newClient(server)
	hold, receives := o.Hold, o.MaxAttempts
	if hold == 0 {
		hold = conformanceHold
	}
	if receives == 0 {
		receives = 100
	}
	attributes := func() map[string]string {
		all := map[string]string{"VisibilityTimeout": strconv.Itoa(int(hold / time.Second))}
		if suffix != "" {
			all["FifoQueue"] = "true"
		}
		return all
	}
	live := attributes()
	if !o.NoDeadLetter {
		dead := attributes()
		dead["MessageRetentionPeriod"] = "1209600"
		_, arn, err := create(ctx, client, "orders-dead"+suffix, dead)
		if err != nil {
			return onServer{}, err
		}
		live["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, arn, receives)
	}
	if _, _, err := create(ctx, client, "orders"+suffix, live); err != nil {
		return onServer{}, err
	}
	q, err := sqs.New(client, "orders"+suffix, nil)
	return onServer{q, server}, err
}

// declared is what every standard queue can do.
func declared() driver.Capabilities {
	native := driver.Support{Level: driver.LevelNative}
	return driver.Capabilities{
		MaxSendBatch: 10, MaxReceiveBatch: 10, MaxSettleBatch: 10,
		MaxBody: 1 << 20, MaxAttributes: 8, MaxAttributeValue: 4096, MinAttempts: 1, MaxAttempts: 1000,
		MinHold: 2 * time.Second, MaxHold: 11*time.Hour + 59*time.Minute, MaxTotalHold: 11*time.Hour + 59*time.Minute, HoldGrain: time.Second,
		MaxSendDelay: 15 * time.Minute, MaxReleaseDelay: 11*time.Hour + 59*time.Minute, TextBody: true,
		ExactAttempts: driver.Support{Level: driver.LevelEmulated, Note: "ApproximateReceiveCount, which Amazon SQS calls approximate"},
		StaleSettleDetected: driver.Support{Level: driver.LevelEmulated,
			Note: "by the driver's own clock, but for an ack, which Amazon SQS may take late"},
		SendDelay: native, ReleaseDelay: native, Fairness: native,
		Dedup: driver.Support{Note: "standard queues do not deduplicate; use a FIFO queue"},
		AtomicBury: driver.Support{Level: driver.LevelEmulated,
			Note: "a copy is sent, then the message is deleted; a crash between the two duplicates it"},
		AtomicRedrive: driver.Support{Level: driver.LevelEmulated,
			Note: "a copy is sent, then the dead letter is deleted; a crash between the two duplicates it"},
		Depth: driver.Support{Level: driver.LevelEmulated, Note: "approximate, up to a minute late; the oldest age is not told"},
	}
}

func TestConformanceStandard(t *testing.T) {
	conformance.Run(t, backend("sqs standard", ""), declared())
}

func TestConformanceFair(t *testing.T) {
	b := backend("sqs fair", "")
	open := b.Open
	b.Open = func(t *testing.T, o conformance.Options) (driver.Queue, error) {
		q, err := open(t, o)
		if err != nil {
			return nil, err
		}
		return fair{conformance.Tenants(q), q.(onServer)}, nil
	}
	conformance.Run(t, b, declared())
}

// declaredFIFO is what every FIFO queue can do.
func declaredFIFO() driver.Capabilities {
	want := declared()
	want.Ordered = true
	want.Dedup = driver.Support{Level: driver.LevelNative}
	want.MaxSendDelay, want.SendDelay = 0, driver.Support{Note: "a FIFO queue delays all its messages or none"}
	want.Fairness = driver.Support{Note: "on a FIFO queue the message group id is the group key"}
	return want
}

func TestConformanceFIFO(t *testing.T) {
	conformance.Run(t, backend("sqs fifo", ".fifo"), declaredFIFO())
}

// The worker layer once more, with a function of AWS Lambda as the engine.
func TestConformanceLambda(t *testing.T) {
	b := backend("lambda", "")
	b.Engine = eventsource.Engine()
	conformance.RunLayer(t, b, declared(), conformance.LayerWorker)
}

func TestConformanceLambdaFIFO(t *testing.T) {
	b := backend("lambda fifo", ".fifo")
	b.Engine = eventsource.Engine()
	conformance.RunLayer(t, b, declaredFIFO(), conformance.LayerWorker)
}

// fair is a queue on which every message has a tenant.
type fair struct {
	driver.Queue
	on onServer
}

func (q fair) arm(f sqsfake.Fault) { q.on.arm(f) }
