package runtimetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

// Welcome is sent an hour after somebody has signed up.
type Welcome struct {
	To string `json:"to"`
}

func (Welcome) Kind() string { return "mail.welcome" }

// signUp is the code under test.
func signUp(ctx context.Context, c *runtime.Client, address string) error {
	_, err := runtime.Enqueue(ctx, c, Welcome{address}, runtime.Delay(time.Hour))
	return err
}

// In a test t is the test's own.
func ExampleRequireEnqueued() {
	t := new(testing.T)
	kit := runtimetest.New(t, nil)

	if err := signUp(context.Background(), kit.Client(), "ann@example.com"); err != nil {
		t.Fatal(err)
	}

	task := runtimetest.RequireEnqueued[Welcome](t, kit,
		runtimetest.Args(Welcome{To: "ann@example.com"}),
		runtimetest.Delay(time.Hour))
	fmt.Println("to", task.Args.To, "in", task.Delay)
	// Output: to ann@example.com in 1h0m0s
}

func ExampleRequireEnqueuedMany() {
	t := new(testing.T)
	kit := runtimetest.New(t, nil)

	for _, address := range []string{"ann@example.com", "bob@example.com"} {
		if err := signUp(context.Background(), kit.Client(), address); err != nil {
			t.Fatal(err)
		}
	}

	for _, task := range runtimetest.RequireEnqueuedMany[Welcome](t, kit, 2) {
		fmt.Println("to", task.Args.To)
	}
	runtimetest.RequireNotEnqueued[Welcome](t, kit, runtimetest.Where(func(w Welcome) bool { return w.To == "" }))
	// Output:
	// to ann@example.com
	// to bob@example.com
}

// Handlers run inside Enqueue, and no delay is waited for.
func ExampleKit_Inline() {
	t := new(testing.T)
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, task *runtime.Task[Welcome]) error {
		fmt.Println("welcome,", task.Args.To)
		return nil
	})
	kit := runtimetest.New(t, nil)
	kit.Inline(t, mux)

	if err := signUp(context.Background(), kit.Client(), "ann@example.com"); err != nil {
		t.Fatal(err)
	}
	fmt.Println("signed up")
	// Output:
	// welcome, ann@example.com
	// signed up
}

// A handler that fails twice. In a testing/synctest bubble the backoff may be
// hours.
func ExampleKit_Drain() {
	t := new(testing.T)
	kit := runtimetest.New(t, &runtimetest.Options{Retry: runtime.RetryPolicy{Backoff: runtime.Fixed(time.Millisecond), NoJitter: true}})
	mux := runtime.NewMux(nil)
	runtime.Handle(mux, func(_ context.Context, task *runtime.Task[Welcome]) error {
		if task.Attempt < 3 {
			return errors.New("the mail server is down")
		}
		return nil
	})
	id, err := runtime.Enqueue(context.Background(), kit.Client(), Welcome{"ann@example.com"})
	if err != nil {
		t.Fatal(err)
	}

	kit.Drain(t, mux, nil)

	for _, a := range kit.Attempts(id) {
		fmt.Println(a)
	}
	// Output:
	// "mail.welcome" attempt 1: release for 1ms: the mail server is down
	// "mail.welcome" attempt 2: release for 1ms: the mail server is down
	// "mail.welcome" attempt 3: ack
}

// The same in virtual time: a day passes at once.
func TestWelcomeIsTriedForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{Retry: runtime.RetryPolicy{MaxAttempts: 5, Backoff: runtime.Fixed(6 * time.Hour), NoJitter: true}})
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(context.Context, *runtime.Task[Welcome]) error { return errors.New("the mail server is down") })
		start := time.Now()
		if err := signUp(t.Context(), kit.Client(), "ann@example.com"); err != nil {
			t.Fatal(err)
		}

		kit.Drain(t, mux, nil)

		attempts := kit.Attempts()
		if n := len(attempts); n != 5 || attempts[4].Delivered.Sub(start) != 25*time.Hour {
			t.Errorf("%d attempts, the last at %v; want 5, the last after 25h", n, attempts[n-1].Delivered.Sub(start))
		}
		if dead := kit.Dead(t); len(dead) != 1 {
			t.Errorf("%d dead letters, want 1", len(dead))
		}
	})
}
