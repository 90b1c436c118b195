package sqs_test

import (
	"context"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// By URL, with endpoint and credentials of the SDK's own chain, over TCP.
func TestOpenByURL(t *testing.T) {
	server := sqsfake.New(nil)
	address := overTCP(t, server)
	if _, err := provision(t.Context(), server, "", conformance.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]string{
		"AWS_ENDPOINT_URL_SQS": "http://" + address, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": t.TempDir() + "/none", "AWS_SHARED_CREDENTIALS_FILE": t.TempDir() + "/none",
	} {
		t.Setenv(name, v)
	}
	for _, url := range []string{
		"sqs://orders?region=us-east-1", "sqs://sqs.us-east-1.amazonaws.com/000000000000/orders",
		"sqs://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/orders?region=us-east-1",
	} {
		q, err := driver.Default.Open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		e := &env{T: t, server: server}
		if !q.As(&e.queue) || !q.As(&e.client) {
			t.Fatal("the queue does not show itself")
		}
		e.send(messages(3, 10)...)
		var acks []driver.Settlement
		for deadline := time.Now().Add(10 * time.Second); len(acks) < 3 && time.Now().Before(deadline); {
			got, err := q.Receive(t.Context(), driver.ReceiveOptions{Max: 10, Wait: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range got {
				acks = append(acks, driver.Settlement{Lease: l, Verdict: driver.Ack})
			}
		}
		if len(acks) != 3 {
			t.Errorf("%s: %d messages; want 3", url, len(acks))
		}
		for _, err := range q.Settle(t.Context(), acks) {
			e.must(err)
		}
		e.must(q.Close(context.Background()))
	}
}
