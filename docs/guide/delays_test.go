package guide_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func remind(ctx context.Context, client *runtime.Client, tomorrow time.Time) error {
	_, err := runtime.Enqueue(ctx, client, SendMail{To: "ann@example.com"}, runtime.Delay(2*time.Hour))
	if err != nil {
		return err
	}
	_, err = runtime.Enqueue(ctx, client, SendMail{To: "bob@example.com"}, runtime.RunAt(tomorrow))
	return err
}

func handleReminders(mux *runtime.Mux) {
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[SendMail]) error {
		if clock() < 8*time.Hour { // nobody reads mails at night
			fmt.Printf("%v: not yet\n", clock())
			return runtime.Snooze(8*time.Hour - clock())
		}
		fmt.Printf("%v: mail to %s, attempt %d\n", clock(), t.Args.To, t.Attempt)
		return nil
	})
}

func handleReports(mux *runtime.Mux, client *runtime.Client) {
	runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[BuildReport]) error {
		day, err := time.Parse(time.DateOnly, t.Args.Day)
		if err != nil {
			return runtime.Permanent(errors.New("the day is none"))
		}
		next := day.AddDate(0, 0, 1)
		name := next.Format(time.DateOnly)
		if _, err := runtime.Enqueue(ctx, client, BuildReport{Day: name}, runtime.RunAt(next), runtime.ID(runtime.TaskID("report-"+name))); err != nil {
			return err
		}
		fmt.Println("report of", t.Args.Day)
		return nil
	})
}

func TestDelaysPage(t *testing.T) {
	prints(t, "delays.md", func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(nil)
		handleReminders(mux)
		if err := remind(t.Context(), kit.Client(), time.Now().Add(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		kit.Drain(t, mux, nil)
	}, func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{Client: runtime.ClientOptions{MaxDelay: 48 * time.Hour}})
		mux := runtime.NewMux(&runtime.MuxOptions{Middleware: []runtime.Middleware{fourDays}})
		handleReports(mux, kit.Client())
		enqueue(t, kit, BuildReport{"2000-01-01"})
		kit.Drain(t, mux, nil)
	})
}

// fourDays ends a series that has no end of its own.
func fourDays(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(ctx context.Context, t *runtime.Info) error {
		if clock() > 80*time.Hour {
			return runtime.ErrSkip
		}
		return next(ctx, t)
	}
}
