package sqs_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

func TestReceiveWaitsExactly(t *testing.T) {
	on(t, "", nil, func(e *env) {
		// The queue's own wait, which an unsaid 0 would stand for.
		_, err := e.client.SetQueueAttributes(e.Context(), &awssqs.SetQueueAttributesInput{
			QueueUrl: e.url(""), Attributes: map[string]string{"ReceiveMessageWaitTimeSeconds": "20"},
		})
		e.must(err)
		e.receive(0) // looks up what it needs
		for wait, requests := range map[time.Duration]int{
			0: 1, 300 * time.Millisecond: 2, time.Second: 1, 7500 * time.Millisecond: 2, 20 * time.Second: 1,
			60 * time.Second: 3, 45*time.Second + 250*time.Millisecond: 4,
		} {
			before, start := e.server.Requests(), time.Now()
			e.receive(wait)
			if d := time.Since(start); d != wait {
				e.Errorf("a receive with a wait of %v took %v", wait, d)
			}
			if n := e.since(before, "ReceiveMessage"); n != requests {
				e.Errorf("a receive with a wait of %v took %d requests; want %d", wait, n, requests)
			}
		}
	})
}

// The time that polls take on their way makes no further one.
func TestReceiveOverAWay(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.receive(0)
		e.server.Fault(sqsfake.Fault{Op: "ReceiveMessage", Delay: 20 * time.Millisecond})
		for wait, requests := range map[time.Duration]int{20 * time.Second: 1, 60 * time.Second: 3} {
			before := e.server.Requests()
			e.receive(wait)
			if n := e.since(before, "ReceiveMessage"); n != requests {
				e.Errorf("a receive with a wait of %v took %d requests; want %d", wait, n, requests)
			}
		}
	})
}

// url is the URL of the queue with a suffix to its name.
func (e *env) url(suffix string) *string {
	e.Helper()
	out, err := e.client.GetQueueUrl(e.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("orders" + suffix)})
	e.must(err)
	return out.QueueUrl
}

// receive receives from an empty queue.
func (e *env) receive(wait time.Duration) {
	e.Helper()
	got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Wait: wait})
	if err != nil || got != nil {
		e.Errorf("an empty queue answered %d leases, %v", len(got), err)
	}
}

func TestReceiveTakesTheRestOfAWait(t *testing.T) {
	on(t, "", nil, func(e *env) {
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			e.sleep(7200 * time.Millisecond)
			e.send(messages(1, 10)...)
		}()
		got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Wait: 7500 * time.Millisecond})
		if err != nil || len(got) != 1 {
			e.Errorf("%d leases, %v; want the message that came in the last second", len(got), err)
		}
		<-sent
	})
}

func TestReceiveNeedsTheOwnHold(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(1, 10)...)
		disarm := e.server.Fault(sqsfake.Fault{Op: "GetQueueAttributes", Error: sqsfake.AccessDenied})
		_, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		e.code("the queue's own hold", err, driver.PermissionDenied)
		if !strings.Contains(err.Error(), "sqs:GetQueueAttributes") || !strings.Contains(err.Error(), "hold=") {
			e.Errorf("%v; want the action and the parameter", err)
		}
		got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Hold: 10 * time.Second})
		if err != nil || len(got) != 1 {
			e.Fatalf("with a hold: %d leases, %v", len(got), err)
		}
		e.must(e.settle(e.queue, driver.Settlement{Lease: got[0], Verdict: driver.Release}))
		disarm()
		e.lease(e.queue, 1) // and it may be read later
	})
	on(t, "", &sqs.Options{Hold: 50 * time.Second}, func(e *env) {
		e.send(messages(1, 10)...)
		e.server.Fault(sqsfake.Fault{Op: "GetQueueAttributes", Error: sqsfake.AccessDenied})
		l := e.lease(e.queue, 1)[0]
		if d := l.Expires().Sub(l.Received()); d != 45*time.Second {
			e.Errorf("the lease says that it ends after %v; want a tenth less than what is declared", d)
		}
	})
}

func TestReceiveLooksUpAgain(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(1, 10)...)
		q, err := sqs.New(e.client, "orders", nil)
		e.must(err)
		defer q.Close(context.Background())
		e.server.Fault(sqsfake.Fault{Op: "GetQueueUrl", Error: sqsfake.AccessDenied, Count: 1})
		_, err = q.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		e.code("a look-up that failed", err, driver.PermissionDenied)
		if !strings.Contains(err.Error(), "sqs:GetQueueUrl") {
			e.Errorf("%v; want the action", err)
		}
		for range 3 {
			if _, err = q.Receive(e.Context(), driver.ReceiveOptions{Max: 1}); err != nil {
				e.Error(err)
			}
		}
		if n := e.server.Requests()["GetQueueUrl"]; n != 3 { // one by the other handle
			e.Errorf("%d look-ups; want one that failed and one that is kept", n-1)
		}
	})
}

func TestReceiveFromNowhere(t *testing.T) {
	on(t, "", nil, func(e *env) {
		other := awssqs.New(e.client.Options(), func(o *awssqs.Options) { o.Region = "eu-west-1" })
		for what, q := range map[string]*sqs.Queue{
			"a name that is missing": e.open(e.client, "nothing"),
			"a URL that is missing":  e.open(e.client, "http://sqs.test/000000000000/nothing"),
			"another region":         e.open(other, "orders"),
		} {
			_, err := q.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
			e.code(what, err, driver.NotFound)
			if !strings.Contains(err.Error(), "region") {
				e.Errorf("%s: %v; want what to look at", what, err)
			}
		}
		e.must(e.server.Close())
		_, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		e.code("a server that is down", err, driver.Unavailable)
	})
}

// open opens one more queue.
func (e *env) open(client *awssqs.Client, name string) *sqs.Queue {
	e.Helper()
	q, err := sqs.New(client, name, nil)
	e.must(err)
	e.Cleanup(func() { _ = q.Close(context.Background()) })
	return q
}

// What a slow answer brings has been leased for a while.
func TestReceiveCountsASlowAnswer(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.send(messages(1, 10)...)
		e.receiveAndRelease()
		start := time.Now()
		e.server.Fault(sqsfake.Fault{Op: "ReceiveMessage", Count: 1, AfterEffect: true, Delay: 10 * time.Second})
		got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Hold: 20 * time.Second})
		if err != nil || len(got) != 1 {
			e.Fatalf("%d leases, %v", len(got), err)
		}
		if end := got[0].Expires(); end.After(start.Add(20 * time.Second)) {
			e.Errorf("the lease says that it ends %v after the call began; want the hold of 20s at most", end.Sub(start))
		}
	})
}

// paused is a process that is stopped when it has got an answer.
type paused struct {
	awssqs.HTTPClient
	until func(r *http.Request)
}

func (p paused) Do(r *http.Request) (*http.Response, error) {
	answer, err := p.HTTPClient.Do(r)
	p.until(r)
	return answer, err
}

// What waited for a process that was paused has been leased meanwhile.
func TestReceiveAfterAPause(t *testing.T) {
	on(t, "", nil, func(e *env) {
		var pause time.Duration
		slow := awssqs.New(e.client.Options(), func(o *awssqs.Options) {
			o.HTTPClient = paused{o.HTTPClient, func(r *http.Request) {
				if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ReceiveMessage") {
					e.sleep(pause)
				}
			}}
		})
		e.queue = e.open(slow, "orders")
		e.send(messages(1, 10)...)
		e.receiveAndRelease() // so that the distance of the clocks is known,
		l := e.lease(e.queue, 1)[0]
		e.receive(5 * time.Second) // and which time the server writes
		e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Release}))
		pause = 10 * time.Second
		start := time.Now()
		got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Wait: 20 * time.Second, Hold: 20 * time.Second})
		if err != nil || len(got) != 1 {
			e.Fatalf("%d leases, %v", len(got), err)
		}
		if end := got[0].Expires(); end.After(start.Add(20 * time.Second)) {
			e.Errorf("the lease says that it ends %v after it began; want the hold of 20s at most", end.Sub(start))
		}
	})
}

func (e *env) receiveAndRelease() {
	e.Helper()
	e.must(e.settle(e.queue, driver.Settlement{Lease: e.lease(e.queue, 1)[0], Verdict: driver.Release}))
}

func TestReceiveCredentialsFail(t *testing.T) {
	on(t, "", nil, func(e *env) {
		none := awssqs.New(e.client.Options(), func(o *awssqs.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("no role is attached")
			})
		})
		_, err := e.open(none, "orders").Receive(e.Context(), driver.ReceiveOptions{Max: 1})
		e.code("no credentials", err, driver.PermissionDenied)
		if err != nil && !strings.Contains(err.Error(), "credentials") {
			e.Errorf("%v; want what to do", err)
		}
	})
}

// A network that is away for a while ends no worker, also when the credentials
// expire meanwhile.
func TestCredentialsThatCannotBeRenewedNow(t *testing.T) {
	on(t, "", nil, func(e *env) {
		var err error
		provider := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, err
		})
		q := e.open(awssqs.New(e.client.Options(), func(o *awssqs.Options) { o.Credentials = provider }), "orders")
		receive := func() error {
			_, err := q.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
			return err
		}
		e.must(receive())
		err = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("network is unreachable")}
		e.code("while the network is away", receive(), driver.Unavailable)
		err = nil
		e.must(receive())
	})
}
