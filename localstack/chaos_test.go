package localstack_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/internal/chaos"
	"github.com/longshore-dev/longshore/localstack"
)

var storm = chaos.Flags()

func TestMain(m *testing.M) {
	open := func(target []string) (driver.Queue, error) { return sqs.New(connect(target[0]), target[1], nil) }
	if code, is := chaos.Worker(open); is {
		os.Exit(code)
	}
	flag.Parse()
	os.Exit(localstack.Main(m))
}

// TestChaos kills workers, see package chaos.
func TestChaos(t *testing.T) {
	const hold = 8 * time.Second
	storm.Run(t, func(ctx context.Context) (chaos.Queue, error) {
		instance, err := localstack.Shared()
		if err != nil {
			return chaos.Queue{}, err
		}
		t.Logf("LocalStack by %s", instance.Via())
		client := connect(instance.Endpoint())
		live, dead, err := makeQueue(ctx, client, queueOptions{hold: hold, maxReceives: 100})
		if err != nil {
			return chaos.Queue{}, err
		}
		dropQueues(t, client, live, dead)
		q, err := sqs.New(client, live, nil)
		if err != nil {
			return chaos.Queue{}, err
		}
		return chaos.Queue{Driver: q, Target: []string{instance.Endpoint(), live}, Hold: hold, Left: func(ctx context.Context) (string, error) {
			stats, err := q.Stats(ctx)
			if err != nil || stats.Ready == 0 && stats.Leased == 0 && stats.Delayed == 0 && stats.Dead == 0 {
				return "", err
			}
			return fmt.Sprintf("%+v", stats), nil
		}}, nil
	})
}
