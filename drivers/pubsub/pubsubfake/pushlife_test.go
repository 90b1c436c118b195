package pubsubfake_test

import (
	"context"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

func TestPushChangesToPullAndBack(t *testing.T) {
	release := make(chan int)
	pushes(t, func(_ context.Context, text string, _ int) int {
		if text == "under way" {
			return <-release
		}
		return http.StatusServiceUnavailable
	}, func(e *env, p *endpoint) {
		release = make(chan int)
		e.queue("orders", push)
		for _, status := range []int{http.StatusOK, http.StatusTooManyRequests} {
			e.publish("orders", "under way")
			synctest.Wait()
			e.publish("orders", "waits")
			synctest.Wait()
			e.direct("orders", "")
			ms := e.wantPull("orders", "waits")
			e.must(e.ack("orders", ms...))
			release <- status
			synctest.Wait()
			if status != http.StatusOK {
				e.must(e.ack("orders", e.wantPull("orders", "under way")...))
			}
			e.wantCount("orders", pubsubfake.Count{})
			e.publish("orders", "again")
			p.requests()
			e.direct("orders", endpointURL)
			synctest.Wait()
			if got := p.shown(byText); got != "again" {
				t.Errorf("pushed %q, want again", got)
			}
			e.direct("orders", "")
			e.must(e.ack("orders", e.wantPull("orders", "again")...))
			e.direct("orders", endpointURL)
		}
	})
}

func TestPullThatWaitsFailsWhenItsSubscriptionIsPushed(t *testing.T) {
	pushes(t, nil, func(e *env, p *endpoint) {
		e.queue("orders")
		failed := make(chan error)
		go func() {
			_, err := e.tryPull("orders", 1, time.Hour)
			failed <- err
		}()
		synctest.Wait()
		e.direct("orders", endpointURL)
		e.wantCode(<-failed, codes.FailedPrecondition)
		if p.start != time.Now() {
			t.Error("it failed late")
		}
	})
}

func TestChangedEndpointHasAWindowOfItsOwn(t *testing.T) {
	pushes(t, func(_ context.Context, _ string, n int) int {
		if n > 6 {
			return http.StatusOK
		}
		return http.StatusServiceUnavailable
	}, func(e *env, p *endpoint) {
		e.queue("orders", push)
		e.publish("orders", "x")
		time.Sleep(4 * time.Second) // six failures, the last at 3.1s; the next after 3.2s
		_, err := e.subs.UpdateSubscription(e.Context(), &pubsubpb.UpdateSubscriptionRequest{
			Subscription: &pubsubpb.Subscription{Name: subName("orders"), PushConfig: &pubsubpb.PushConfig{PushEndpoint: endpointURL + "2"}},
			UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"push_config"}},
		})
		e.must(err)
		synctest.Wait()
		e.wantCount("orders", pubsubfake.Count{})
		if n := len(p.requests()); n != 7 {
			t.Errorf("%d requests, want 7", n)
		}
	})
}

func TestPushIsUseWhenItSucceeds(t *testing.T) {
	pushes(t, func(_ context.Context, text string, _ int) int {
		if text == "bad" {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}, func(e *env, p *endpoint) {
		e.queue("quiet", push, idle(24*time.Hour))
		e.queue("orders", push, idle(24*time.Hour))
		for _, text := range []string{"good", "good", "bad"} {
			time.Sleep(20 * time.Hour)
			e.publish("orders", text)
			synctest.Wait()
			if got := p.shown(byText); got != text {
				t.Fatalf("pushed %q, want %q", got, text)
			}
		}
		time.Sleep(20 * time.Hour)
		if got := p.requests(); len(got) == 0 || got[len(got)-1].at >= 64*time.Hour {
			t.Errorf("%d requests, want some, and none after 24 hours without success", len(got))
		}
		for _, id := range []string{"orders", "quiet"} {
			_, err := e.subs.GetSubscription(e.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: subName(id)})
			e.wantCode(err, codes.NotFound)
		}
	})
}

func TestPushEndsWithItsSubscription(t *testing.T) {
	pushes(t, func(context.Context, string, int) int {
		time.Sleep(time.Second)
		return http.StatusServiceUnavailable
	}, func(e *env, p *endpoint) {
		e.queue("orders", push)
		e.publish("orders", "x")
		synctest.Wait()
		e.must(e.subs.DeleteSubscription(e.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: subName("orders")}))
		time.Sleep(time.Hour)
		if got := p.shown(byTime); got != "0s" {
			t.Errorf("pushed at %s", got)
		}
	})
}

func TestPusherEndsWithItsSubscription(t *testing.T) {
	pushes(t, nil, func(e *env, _ *endpoint) {
		e.topic("orders")
		before := 0
		for i := range 20 {
			e.subscription("sub", "orders", push)
			e.must(e.subs.DeleteSubscription(e.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: subName("sub")}))
			if synctest.Wait(); i == 0 {
				before = runtime.NumGoroutine()
			}
		}
		if more := runtime.NumGoroutine() - before; more > 10 {
			t.Errorf("%d goroutines more after 20 subscriptions", more)
		}
	})
}

func TestCloseCutsPushes(t *testing.T) {
	pushes(t, func(ctx context.Context, _ string, _ int) int { // its bubble fails when a goroutine stays
		<-ctx.Done()
		return http.StatusOK
	}, func(e *env, p *endpoint) {
		for _, id := range []string{"one", "two", "three"} {
			e.queue(id, push, hold(600))
			e.publishMany(id, 10)
		}
		e.direct("two", "") // with requests under way
		e.queue("idle", push)
		e.server.Fault(pubsubfake.Fault{Op: "Push", Resource: "slow", Delay: time.Hour})
		e.queue("slow", push)
		e.publish("slow", "x")
		synctest.Wait()
		if n := e.server.InFlight()["Push"]; n != 13 {
			t.Errorf("%d pushes are under way, want 13", n)
		}
		e.must(e.server.Close())
		if n := e.server.InFlight()["Push"]; n != 0 || p.start != time.Now() {
			t.Errorf("Close left %d pushes, after %v", n, time.Since(p.start))
		}
	})
}
