package guide_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

type userKey struct{}

// sendUser writes the user of the request into each task.
func sendUser(next runtime.SendFunc) runtime.SendFunc {
	return func(ctx context.Context, tasks []*runtime.Outgoing) []runtime.EnqueueResult {
		if user, ok := ctx.Value(userKey{}).(string); ok {
			for _, t := range tasks {
				if t.Attributes == nil {
					t.Attributes = make(map[string]string)
				}
				t.Attributes["user"] = user
			}
		}
		return next(ctx, tasks)
	}
}

// withUser puts the user of the task into the handler's context.
func withUser(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(ctx context.Context, t *runtime.Info) error {
		return next(context.WithValue(ctx, userKey{}, t.Attributes["user"]), t)
	}
}

// logged says how each attempt ended, and how long it took.
func logged(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(ctx context.Context, t *runtime.Info) error {
		began := time.Now()
		err := next(ctx, t)
		fmt.Printf("%s, attempt %d: %v after %v\n", t.Kind, t.Attempt, err, time.Since(began))
		return err
	}
}

func TestMiddlewarePage(t *testing.T) {
	prints(t, "middleware.md", func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{Client: runtime.ClientOptions{Middleware: []runtime.ClientMiddleware{sendUser}}})
		mux := runtime.NewMux(&runtime.MuxOptions{Middleware: []runtime.Middleware{logged, withUser}})
		runtime.Handle(mux, func(ctx context.Context, _ *runtime.Task[SendMail]) error {
			fmt.Println("a mail for", ctx.Value(userKey{}))
			time.Sleep(2 * time.Second)
			return nil
		})
		ctx := context.WithValue(t.Context(), userKey{}, "user-42")
		if _, err := runtime.Enqueue(ctx, kit.Client(), SendMail{To: "ann@example.com"}); err != nil {
			t.Fatal(err)
		}
		kit.Drain(t, mux, nil)
	})
}
