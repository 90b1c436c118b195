package orders_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/examples/orders"
	"github.com/longshore-dev/longshore/internal/eventsource"
	"github.com/longshore-dev/longshore/internal/lambdaruntime"
)

// functionTime is the function's timeout.
const functionTime = 25 * time.Second

// The function that is deployed, on the queue of Amazon SQS, brought its messages as
// AWS Lambda does.
func confirmsOrdersOnLambda(t *testing.T, p programs) {
	s := open(t)
	s.place(t, orders.Made(1, 30))
	payable, declined := s.payable()
	p.start(t, s.env, "shop", "-config", "sqs.yaml", "-n", "30").wait(t)
	printed, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { printed.Close() })
	function, err := lambdaruntime.New(t.Context(), lambdaruntime.Function{
		Binary: filepath.Join(p.dir, "lambda"), Env: s.env, Timeout: functionTime, Log: printed, Queue: "orders",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(function.Close)
	queue, err := sqs.New(awssqs.New(awssqs.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(s.clouds.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}), "orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = queue.Close(context.WithoutCancel(t.Context())) })
	ctx, stop := context.WithCancel(t.Context())
	var mapping sync.WaitGroup
	mapping.Go(func() {
		m := eventsource.Mapping{Queue: queue, Name: "orders", Function: function.Invoke, Messages: 10, Timeout: time.Minute}
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "every order is confirmed", func() bool { return len(s.written(t)) == len(payable) })
	stop()
	mapping.Wait()
	function.Shutdown(t.Context())

	s.addsUp(t)
	deadAre(t, p.dead(t, s.env, "sqs.yaml"), declined)
}
