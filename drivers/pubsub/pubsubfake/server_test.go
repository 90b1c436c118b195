package pubsubfake_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

func TestServeOverTCP(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := pubsubfake.New(nil)
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	t.Setenv("PUBSUB_EMULATOR_HOST", l.Addr().String())
	e := newEnv(t, s, func() []option.ClientOption { return nil })
	defer func() {
		e.must(e.topics.Close())
		e.must(e.subs.Close())
	}()
	e.queue("orders")
	e.publish("orders", "hello")
	e.must(e.ack("orders", e.one("orders", 5*time.Second)))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve returned %v, want nil", err)
	}
	if err := s.Serve(l); err != grpc.ErrServerStopped {
		t.Errorf("Serve after Close returned %v", err)
	}
}

func TestCloseEndsWaitingPullsAndSlowAnswers(t *testing.T) {
	bubbleWith(t, &pubsubfake.Options{Linger: true}, func(e *env) { // which fails when a goroutine stays
		e.queue("orders")
		e.server.Fault(pubsubfake.Fault{Op: "GetTopic", Delay: time.Hour})
		failed := make(chan error)
		go func() {
			_, err := e.subs.Pull(e.Context(), &pubsubpb.PullRequest{Subscription: subName("orders"), MaxMessages: 1}, noRetry)
			failed <- err
		}()
		go func() {
			_, err := e.topics.GetTopic(e.Context(), &pubsubpb.GetTopicRequest{Topic: topicName("orders")}, noRetry)
			failed <- err
		}()
		synctest.Wait()
		if n := e.server.InFlight()["Pull"]; n != 1 {
			t.Errorf("%d Pulls are in flight, want 1", n)
		}
		start := time.Now()
		e.must(e.server.Close())
		for range 2 {
			if err := <-failed; err == nil {
				t.Error("a call in flight was answered")
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %v", d)
		}
		if _, err := e.tryPull("orders", 1, 0); err == nil {
			t.Error("a Pull after Close was answered")
		}
		e.must(e.server.Close())
	})
}

func TestRequestsAreCounted(t *testing.T) {
	bubble(t, func(e *env) {
		e.queue("orders")
		e.publish("orders", "x")
		e.pull("orders", 0)
		_, err := e.tryPull("missing", 1, 0)
		e.wantCode(err, codes.NotFound)
		got := e.server.Requests()
		if len(got) != 4 || got["CreateTopic"] != 1 || got["Publish"] != 1 || got["Pull"] != 2 {
			t.Errorf("requests are %v", got)
		}
	})
}
