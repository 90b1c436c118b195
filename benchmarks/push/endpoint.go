package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/pushentry"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	project      = "bench"
	subscription = "projects/" + project + "/subscriptions/" + load.QueueName
	audience     = "https://push.example.com"
	account      = "pusher@bench.iam.gserviceaccount.com"
	keyID        = "bench"
)

// endpoint is a push endpoint at work, with a Pub/Sub of its own for its queue.
type endpoint struct {
	address string
	signer  *rsa.PrivateKey
	done    atomic.Int64 // tasks
	fetched atomic.Int64 // keys
	server  *pubsubfake.Server
	queues  *runtime.Queues
	stop    context.CancelFunc
	ended   chan error // one result, never closed
}

func startEndpoint(ctx context.Context, connections int) (*endpoint, error) {
	e := &endpoint{server: pubsubfake.New(nil), queues: new(runtime.Queues), ended: make(chan error, 1)}
	var err error
	if e.signer, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	q, err := e.queue(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.queues.Add(runtime.QueueInfo{Name: load.QueueName, Driver: q}); err != nil {
		return nil, err
	}
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[load.Task]) error {
		e.done.Add(1)
		return t.Args.Do()
	})
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e.address = l.Addr().String()
	ctx, e.stop = context.WithCancel(ctx)
	go func() {
		e.ended <- pushentry.Run(ctx, mux, e.queues, &pushentry.Options{
			Audience: audience, ServiceAccount: account, HTTPClient: &http.Client{Transport: e}, Listener: l,
			Concurrency: 2 * connections,
			Logger:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
	}()
	return e, e.awaitReady(ctx)
}

// awaitReady waits until the start-up check has passed.
func (e *endpoint) awaitReady(ctx context.Context) error {
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.address+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-e.ended:
			return errors.Join(errors.New("the endpoint has ended by itself"), err)
		default:
			load.Pause(ctx, load.Tick)
		}
	}
	return context.Cause(ctx)
}

// queue makes a queue with its dead letter.
func (e *endpoint) queue(ctx context.Context) (*pubsub.Queue, error) {
	var c pubsub.Clients
	var err error
	if c.Topics, err = apiv1.NewTopicAdminClient(ctx, e.server.ClientOptions()...); err != nil {
		return nil, err
	}
	if c.Subscriptions, err = apiv1.NewSubscriptionAdminClient(ctx, e.server.ClientOptions()...); err != nil {
		return nil, err
	}
	for _, id := range []string{load.QueueName + "-dead", load.QueueName} {
		topic := "projects/" + project + "/topics/" + id
		s := &pubsubpb.Subscription{
			Name: "projects/" + project + "/subscriptions/" + id, Topic: topic, AckDeadlineSeconds: 60,
			MessageRetentionDuration: durationpb.New(14 * 24 * time.Hour), ExpirationPolicy: &pubsubpb.ExpirationPolicy{}, // never
		}
		if id == load.QueueName {
			s.MessageRetentionDuration = durationpb.New(24 * time.Hour)
			s.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topic + "-dead", MaxDeliveryAttempts: 100}
			s.RetryPolicy = &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(10 * time.Second), MaximumBackoff: durationpb.New(time.Minute)}
		}
		if _, err := c.Topics.CreateTopic(ctx, &pubsubpb.Topic{Name: topic}); err != nil {
			return nil, err
		}
		if _, err := c.Subscriptions.CreateSubscription(ctx, s); err != nil {
			return nil, err
		}
	}
	return pubsub.New(c, project, load.QueueName, nil)
}

// RoundTrip is where the endpoint fetches the keys that sign tokens.
func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	e.fetched.Add(1)
	text, err := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kid": keyID, "kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB",
		"n": base64.RawURLEncoding.EncodeToString(e.signer.N.Bytes()),
	}}})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Cache-Control": {"max-age=3600"}},
		Body: io.NopCloser(strings.NewReader(string(text))), Request: r,
	}, nil
}

// check says whether each push ran its task once, with keys that were fetched once.
func (e *endpoint) check(sent int64) error {
	if done, fetched := e.done.Load(), e.fetched.Load(); done != sent || fetched != 1 {
		return fmt.Errorf("of %d pushes %d ran their task, and the keys were fetched %d times", sent, done, fetched)
	}
	return nil
}

func (e *endpoint) end() error {
	e.stop()
	return errors.Join(<-e.ended, e.queues.Close(context.Background()), e.server.Close())
}

var _ http.RoundTripper = (*endpoint)(nil)
