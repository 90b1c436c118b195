package guide_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func muxForBoth() *runtime.Mux {
	mux := runtime.NewMux(&runtime.MuxOptions{RawKind: "old"})
	runtime.Handle(mux, charge)
	mux.HandleRaw("old", func(ctx context.Context, t *runtime.Info) error {
		body, _ := t.Payload()
		var old struct {
			Task string
			Args []string
		}
		if json.Unmarshal(body, &old) != nil || old.Task != "shop.charge" || len(old.Args) != 1 {
			return runtime.Permanent(errors.New("no message of the old system"))
		}
		return charge(ctx, &runtime.Task[Charge]{Info: t, Args: Charge{Customer: old.Args[0]}})
	})
	return mux
}

func charge(_ context.Context, t *runtime.Task[Charge]) error {
	fmt.Printf("%s: charge %s\n", t.Kind, t.Args.Customer)
	return nil
}

func TestMigratingPage(t *testing.T) {
	prints(t, "migrating.md", func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		queue := kit.Queues().All()[0].Driver
		if r := queue.Send(t.Context(), []driver.Message{{Body: []byte(`{"task": "shop.charge", "args": ["bob"]}`)}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
		enqueue(t, kit, Charge{"ann", 990})
		kit.Drain(t, muxForBoth(), nil)
	})
}
