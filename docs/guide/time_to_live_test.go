package guide_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func offer(ctx context.Context, client *runtime.Client) error {
	_, err := runtime.Enqueue(ctx, client, SendMail{To: "ann@example.com"}, runtime.TTL(time.Hour))
	return err
}

func TestTimeToLivePage(t *testing.T) {
	prints(t, "time-to-live.md", func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		mux := runtime.NewMux(nil)
		runtime.Handle(mux, func(_ context.Context, t *runtime.Task[SendMail]) error {
			fmt.Println("mail to", t.Args.To)
			return nil
		})
		if err := offer(t.Context(), kit.Client()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		kit.Drain(t, mux, nil)
		for _, d := range kit.Dead(t) {
			fmt.Printf("dead: %s: %s\n", d.Death.Reason, d.Death.Detail)
		}
	})
}
