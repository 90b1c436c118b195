package guide_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func book(ctx context.Context, client *runtime.Client) error {
	for _, c := range []Charge{{"ann", 1}, {"ann", 2}, {"bob", 3}, {"ann", 4}} {
		if _, err := runtime.Enqueue(ctx, client, c, runtime.Group(c.Customer)); err != nil {
			return err
		}
	}
	return nil
}

func handleInOrder(mux *runtime.Mux) {
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[Charge]) error {
		if t.Args.Cents == 1 && t.Attempt == 1 {
			fmt.Println(t.Args.Customer, t.Args.Cents, "fails")
			return errors.New("the bank does not answer")
		}
		fmt.Println(t.Args.Customer, t.Args.Cents)
		return nil
	})
}

func TestOrderedTasksPage(t *testing.T) {
	prints(t, "ordered-tasks.md", func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{Mem: mem.Options{Ordered: true}})
		mux := runtime.NewMux(nil)
		handleInOrder(mux)
		if err := book(t.Context(), kit.Client()); err != nil {
			t.Fatal(err)
		}
		kit.Drain(t, mux, nil)
	})
}
