package sqsfake_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

func TestServeOverTCP(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := sqsfake.New(nil)
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	endpoint := "http://" + l.Addr().String()
	e := &env{t, s, sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})}
	q := e.queue("orders")
	if *q != endpoint+"/000000000000/orders" {
		t.Errorf("the queue URL is %s, want it to begin with %s", *q, endpoint)
	}
	e.send(q, "hello")
	e.must(e.delete(q, e.one(q, 1)))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve returned %v, want http.ErrServerClosed", err)
	}
}

func TestCloseEndsLongPollsMoveTasksAndSlowAnswers(t *testing.T) {
	bubble(t, func(e *env) { // which fails when a goroutine stays
		_, dead := e.pair("orders", 1)
		to := e.queue("to")
		for range 10 {
			e.send(dead, "x")
		}
		source, destination, rate := e.attributes(dead)["QueueArn"], e.attributes(to)["QueueArn"], int32(1)
		_, err := e.client.StartMessageMoveTask(e.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: &source, DestinationArn: &destination, MaxNumberOfMessagesPerSecond: &rate})
		e.must(err)
		empty := e.queue("empty")
		e.server.Fault(sqsfake.Fault{Op: "GetQueueUrl", Delay: time.Hour})
		failed := make(chan error)
		go func() {
			_, err := e.client.ReceiveMessage(e.Context(), &sqs.ReceiveMessageInput{QueueUrl: empty, WaitTimeSeconds: 20})
			failed <- err
		}()
		go func() {
			_, err := e.client.GetQueueUrl(e.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("to")})
			failed <- err
		}()
		time.Sleep(time.Second)
		start := time.Now()
		e.must(e.server.Close())
		for range 2 {
			if err := <-failed; err == nil {
				t.Error("a request in flight was answered, want its connection closed")
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %v", d)
		}
		if _, err := e.client.ListQueues(e.Context(), nil); err == nil {
			t.Error("a request after Close was answered")
		}
		e.must(e.server.Close())
	})
}

func TestCancelledLongPollLeasesNothing(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		ctx, cancel := context.WithTimeout(e.Context(), 3*time.Second)
		defer cancel()
		if _, err := e.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: q, WaitTimeSeconds: 20}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got error %v, want that of the context", err)
		}
		synctest.Wait()
		e.send(q, "x")
		e.one(q, 0)
	})
}

func TestDeletedQueueEndsItsLongPolls(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		deleted := make(chan error, 1)
		go func() {
			time.Sleep(time.Second)
			_, err := e.client.DeleteQueue(e.Context(), &sqs.DeleteQueueInput{QueueUrl: q})
			deleted <- err
		}()
		start := time.Now()
		_, err := e.client.ReceiveMessage(e.Context(), &sqs.ReceiveMessageInput{QueueUrl: q, WaitTimeSeconds: 20})
		e.must(<-deleted)
		var gone *types.QueueDoesNotExist
		if !errors.As(err, &gone) || time.Since(start) != time.Second {
			t.Errorf("got error %v after %v, want QueueDoesNotExist after 1s", err, time.Since(start))
		}
	})
}

func TestManyLongPollsShareMessages(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		const polls = 20
		var got [polls]<-chan []types.Message
		for i := range got {
			got[i] = e.poll(q, 1, 20)
		}
		synctest.Wait()
		start := time.Now()
		for range polls {
			e.send(q, "x")
		}
		for _, ms := range got {
			if n := len(<-ms); n != 1 {
				t.Errorf("a long poll got %d messages, want 1", n)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("it took %v, want no time", d)
		}
	})
}

func TestRequestsAreCounted(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		e.send(q, "x")
		e.receive(q, 0)
		e.receive(q, 0)
		_ = e.trySend(aws.String(*q + "-missing"))
		got := e.server.Requests()
		if len(got) != 3 || got["CreateQueue"] != 1 || got["SendMessage"] != 2 || got["ReceiveMessage"] != 2 {
			t.Errorf("requests are %v", got)
		}
	})
}

func TestOtherRegionsAndAccountsHaveNoQueues(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		name := aws.String("orders")
		abroad := func(o *sqs.Options) { o.Region = "eu-west-1" }
		_, err := e.client.GetQueueUrl(e.Context(), &sqs.GetQueueUrlInput{QueueName: name}, abroad)
		e.wantCode(err, "AWS.SimpleQueueService.NonExistentQueue")
		_, err = e.client.GetQueueUrl(e.Context(), &sqs.GetQueueUrlInput{QueueName: name, QueueOwnerAWSAccountId: aws.String("111111111111")})
		e.wantCode(err, "AWS.SimpleQueueService.NonExistentQueue")
		_, err = e.client.GetQueueUrl(e.Context(), &sqs.GetQueueUrlInput{QueueName: name, QueueOwnerAWSAccountId: aws.String("000000000000")})
		e.must(err)
		for url, want := range map[string]string{
			"http://sqs.test/111111111111/orders":                     "AWS.SimpleQueueService.NonExistentQueue",
			"https://sqs.eu-west-1.amazonaws.com/000000000000/orders": "InvalidAddress",
			"orders":             "InvalidAddress",
			"http://[/":          "InvalidAddress",
			"http://sqs.test/a/": "InvalidAddress",
		} {
			e.wantCode(e.trySend(&url), want)
		}
		e.must(e.trySend(aws.String("https://sqs.us-east-1.amazonaws.com/000000000000/orders")))
	})
}

func TestRegionAndAccountAreThoseOfTheOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sqsfake.New(&sqsfake.Options{Region: "eu-west-1", Account: "123456789012"})
		defer s.Close()
		e := &env{t, s, newClient(s)}
		e.client = sqs.New(e.client.Options(), func(o *sqs.Options) { o.Region = "eu-west-1" })
		q := e.queue("orders")
		if arn := e.attributes(q)["QueueArn"]; arn != "arn:aws:sqs:eu-west-1:123456789012:orders" || !strings.HasSuffix(*q, "/123456789012/orders") {
			t.Errorf("the queue is %s at %s", arn, *q)
		}
	})
}
