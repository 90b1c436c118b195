package guide_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func placeOrder(ctx context.Context, client *runtime.Client, number int) error {
	id := runtime.TaskID(fmt.Sprintf("charge-order-%d", number))
	_, err := runtime.Enqueue(ctx, client, Charge{Customer: "ann", Cents: 990}, runtime.ID(id))
	return err
}

func handleCharges(mux *runtime.Mux, payments *bank) {
	runtime.Handle(mux, func(ctx context.Context, t *runtime.Task[Charge]) error {
		fmt.Println("run of", t.ID)
		// In SQL: INSERT ... ON CONFLICT (task_id) DO NOTHING
		return payments.book(ctx, t.ID, t.Args.Customer, t.Args.Cents)
	})
}

func TestIdempotencyPage(t *testing.T) {
	prints(t, "idempotency.md", func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{Mem: mem.Options{DedupWindow: time.Second}})
		mux := runtime.NewMux(nil)
		handleCharges(mux, new(bank))
		for range 2 {
			if err := placeOrder(t.Context(), kit.Client(), 17); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // the queue has forgotten the first
		}
		kit.Drain(t, mux, nil)
	})
}
