package guide_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

func enqueueFor(ctx context.Context, client *runtime.Client, tenant string) error {
	_, err := runtime.Enqueue(ctx, client, Resize{"photo"}, runtime.Fairness(tenant))
	return err
}

func TestFairnessPage(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1")
	t.Setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
	prints(t, "fairness.md", func(t *testing.T) {
		for _, url := range []string{"sqs://photos?region=eu-west-1", "pubsub://my-project/photos"} {
			queues, err := runtime.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			client, err := runtime.NewClient(queues, &runtime.ClientOptions{SendTimeout: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Println(driver.CodeOf(enqueueFor(t.Context(), client, "shop-7")))
			if err := queues.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}
