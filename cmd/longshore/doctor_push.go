package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/pushentry"
	"github.com/longshore-dev/longshore/runtime"
)

// refusePush refuses to look at queues that nothing pushes.
func refusePush(settings []runtime.QueueSettings) error {
	for i := range settings {
		if scheme, _, _ := strings.Cut(settings[i].URL, "://"); !strings.EqualFold(scheme, "pubsub") {
			return usagef("only Google Pub/Sub pushes; leave --push out", "--push is given, and the URL of queue %q does not begin with pubsub://", settings[i].Name)
		}
	}
	return nil
}

// pushRefuses are the findings for which a program that is pushed to does not start.
func pushRefuses(ctx context.Context, queues *runtime.Queues, mux *runtime.Mux, _ time.Duration) (found []runtime.Finding, err error) {
	h, err := pushentry.New(mux, queues, &pushentry.Options{Unauthenticated: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	var all interface{ Unwrap() []error }
	if err = h.Check(ctx); !errors.As(err, &all) {
		return nil, err
	}
	var unread []error
	for _, err := range all.Unwrap() {
		if f, ok := errors.AsType[runtime.Finding](err); ok {
			found = append(found, f)
		} else {
			unread = append(unread, err)
		}
	}
	return found, errors.Join(unread...)
}
