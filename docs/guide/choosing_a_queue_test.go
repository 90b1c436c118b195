package guide_test

import (
	"fmt"
	"testing"

	"github.com/longshore-dev/longshore/runtime"
)

func describe(queues *runtime.Queues) {
	for _, q := range queues.All() {
		c := q.Driver.Capabilities()
		fmt.Printf("%s: ordered %v, fairness %v, body %d KiB, send delay %v\n",
			q.Name, c.Ordered, c.Fairness.Level, c.MaxBody>>10, c.MaxSendDelay)
	}
}

func TestChoosingAQueuePage(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	prints(t, "choosing-a-queue.md", func(t *testing.T) {
		queues, err := runtime.Open(t.Context(), "sqs://orders", "sqs://bookings.fifo", "mem://test")
		if err != nil {
			t.Fatal(err)
		}
		defer queues.Close(t.Context())
		describe(queues)
	})
}
