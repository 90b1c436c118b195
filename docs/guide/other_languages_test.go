package guide_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func handleForeignCharges(mux *runtime.Mux) {
	runtime.Handle(mux, func(_ context.Context, t *runtime.Task[Charge]) error {
		fmt.Printf("%s: %d cents of %s\n", t.ID, t.Args.Cents, t.Args.Customer)
		return nil
	})
}

func TestOtherLanguagesPage(t *testing.T) {
	events := blocks(page(t, "other-languages.md"), "json")
	prints(t, "other-languages.md", func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		queue := kit.Queues().All()[0].Driver
		if r := queue.Send(t.Context(), []driver.Message{{Body: []byte(events[0])}}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
		mux := runtime.NewMux(nil)
		handleForeignCharges(mux)
		kit.Drain(t, mux, nil)
	})

	// What Go enqueues is what the page shows, but for its id and time.
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{Mem: mem.Options{Ordered: true}, Client: runtime.ClientOptions{Source: "/shop"}})
		if _, err := runtime.Enqueue(t.Context(), kit.Client(), Charge{"ann", 990}, runtime.TTL(time.Hour), runtime.Group("ann")); err != nil {
			t.Fatal(err)
		}
		leases, err := kit.Queues().All()[0].Driver.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
		if err != nil || len(leases) != 1 {
			t.Fatalf("%d leases (%v)", len(leases), err)
		}
		var got, want map[string]any
		if err := errors.Join(json.Unmarshal(leases[0].Message().Body, &got), json.Unmarshal([]byte(events[1]), &want)); err != nil {
			t.Fatal(err)
		}
		for _, m := range []map[string]any{got, want} {
			if !uuid7.MatchString(fmt.Sprint(m["id"])) {
				t.Errorf("the id %v is no UUID", m["id"])
			}
			for _, name := range []string{"time", "expirytime"} {
				if _, err := time.Parse(time.RFC3339Nano, fmt.Sprint(m[name])); err != nil {
					t.Error(err)
				}
			}
			delete(m, "id")
			delete(m, "time")
			delete(m, "expirytime")
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Go enqueues\n%s\nthe page has\n%s", leases[0].Message().Body, events[1])
		}
	})
}

var uuid7 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$`)
