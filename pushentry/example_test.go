package pushentry_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"

	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/pushentry"
	"github.com/longshore-dev/longshore/runtime"
)

// How to take pushes in a server of one's own. A program that has none calls Run, with
// the same arguments.
func ExampleNew() {
	queues, end, err := exampleQueues() // runtime.Open(ctx, "pubsub://my-project/orders") in a program
	if err != nil {
		fmt.Println(err)
		return
	}
	defer end()
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[job]) error {
		fmt.Println("do", t.Args.Name, "for the", t.Attempt, "time")
		return nil
	})
	h, err := pushentry.New(mux, queues, &pushentry.Options{Unauthenticated: true}) // or Audience and ServiceAccount
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = h.Drain(context.Background()) }()

	push := `{"message":{"messageId":"1","data":"eyJzcGVjdmVyc2lvbiI6IjEuMCIsImlkIjoiMSIsInNvdXJjZSI6InRlc3QiLCJ0eXBlIjoiam9iIiwiZGF0YSI6eyJuYW1lIjoiaXQifX0="},
		"subscription":"projects/my-project/subscriptions/orders","deliveryAttempt":1}`
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", strings.NewReader(push)))
	fmt.Println(w.Code)
	// Output:
	// do it for the 1 time
	// 204
}

// exampleQueues is a queue on a server in this process.
func exampleQueues() (*runtime.Queues, func(), error) {
	ctx := context.Background()
	server := pubsubfake.New(nil)
	var c pubsub.Clients
	var err error
	if c.Topics, err = apiv1.NewTopicAdminClient(ctx, server.ClientOptions()...); err != nil {
		return nil, nil, err
	}
	if c.Subscriptions, err = apiv1.NewSubscriptionAdminClient(ctx, server.ClientOptions()...); err != nil {
		return nil, nil, err
	}
	q, err := pubsub.New(c, "my-project", "orders", nil)
	if err != nil {
		return nil, nil, err
	}
	queues := new(runtime.Queues)
	err = queues.Add(runtime.QueueInfo{Name: "orders", Driver: q})
	return queues, func() { _ = queues.Close(ctx); _ = server.Close() }, err
}
