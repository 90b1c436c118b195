package guide_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

// signUp is what is tested: it takes the client, so that a test can give it another.
func signUp(ctx context.Context, client *runtime.Client, address string) error {
	_, err := runtime.Enqueue(ctx, client, SendMail{To: address}, runtime.Delay(time.Hour))
	return err
}

func TestSignUpSendsAMailAnHourLater(t *testing.T) {
	kit := runtimetest.New(t, nil)

	if err := signUp(t.Context(), kit.Client(), "ann@example.com"); err != nil {
		t.Fatal(err)
	}

	runtimetest.RequireEnqueued[SendMail](t, kit,
		runtimetest.Args(SendMail{To: "ann@example.com"}), runtimetest.Delay(time.Hour))
}

func TestAMailIsTriedUntilTheServerAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time is virtual here
		kit := runtimetest.New(t, nil)
		if err := signUp(t.Context(), kit.Client(), "ann@example.com"); err != nil {
			t.Fatal(err)
		}
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(_ context.Context, t *runtime.Task[SendMail]) error {
			if t.Attempt < 3 {
				return errors.New("the mail server does not answer")
			}
			return nil
		})

		kit.Drain(t, mux, nil) // until every task is done or dead

		attempts := kit.Attempts()
		if last := attempts[len(attempts)-1]; len(attempts) != 3 || last.Verdict != driver.Ack {
			t.Errorf("attempts %v, want the third to be acknowledged", attempts)
		}
		if dead := kit.Dead(t); len(dead) != 0 {
			t.Errorf("dead: %v", dead)
		}
	})
}
