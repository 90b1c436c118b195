package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

// Does the code enqueue what it should?
func TestBuyHasItShipped(t *testing.T) {
	kit := runtimetest.New(t, nil)

	for range 2 { // a customer who clicks twice
		if err := buy(t.Context(), kit.Client(), 17); err != nil {
			t.Fatal(err)
		}
	}

	runtimetest.RequireEnqueued[Ship](t, kit, runtimetest.Args(Ship{Order: 17}), runtimetest.Dedup("ship-17"))
}

func TestNothingIsShippedForAnUnknownOrder(t *testing.T) {
	kit := runtimetest.New(t, nil)

	if err := buy(t.Context(), kit.Client(), 0); err == nil {
		t.Error("bought order 0")
	}

	runtimetest.RequireNotEnqueued[Ship](t, kit)
}

// closed is a carrier that works again after some calls.
type closed struct{ calls int }

func (c *closed) Ship(context.Context, int) error {
	if c.calls--; c.calls >= 0 {
		return errors.New("the carrier is closed")
	}
	return nil
}

// Does one task lead to the other? Inline Enqueue runs the handlers at once.
func TestShippingIsFollowedByASurvey(t *testing.T) {
	var out strings.Builder
	kit := runtimetest.New(t, nil)
	kit.Inline(t, handlers(kit.Client(), &closed{}, &out))

	if err := buy(t.Context(), kit.Client(), 17); err != nil {
		t.Fatal(err)
	}

	runtimetest.RequireEnqueued[Survey](t, kit, runtimetest.Args(Survey{Order: 17}), runtimetest.Delay(20*time.Hour))
	if want := "how did you like order 17\n"; out.String() != want {
		t.Errorf("output %q, want %q", out.String(), want)
	}
}

// What becomes of a task over the hours? In a bubble they pass at once.
func TestACarrierMayBeClosedForHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		kit := runtimetest.New(t, nil)
		start := time.Now()
		if err := buy(t.Context(), kit.Client(), 17); err != nil {
			t.Fatal(err)
		}

		kit.Drain(t, handlers(kit.Client(), &closed{calls: 2}, &out), nil)

		attempts := kit.Attempts(runtimetest.RequireEnqueued[Ship](t, kit).ID)
		if len(attempts) != 3 || attempts[2].Verdict != driver.Ack || attempts[2].Delivered.Sub(start) != 2*time.Hour {
			t.Errorf("attempts %v, want the third acked after two hours", attempts)
		}
		if want := "how did you like order 17\n"; out.String() != want {
			t.Errorf("output %q, want %q", out.String(), want)
		}
	})
}

func TestACarrierMayBeClosedForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		if err := buy(t.Context(), kit.Client(), 17); err != nil {
			t.Fatal(err)
		}

		kit.Drain(t, handlers(kit.Client(), &closed{calls: 4}, new(strings.Builder)), nil)

		dead := kit.Dead(t)
		if len(dead) != 1 || dead[0].Death.Reason != driver.ReasonExhausted || !strings.Contains(dead[0].Death.Detail, "closed") {
			t.Errorf("dead %+v, want the task with the carrier's error", dead)
		}
		runtimetest.RequireNotEnqueued[Survey](t, kit)
	})
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		if err := run(t.Context(), &out, "mem://shop"); err != nil {
			t.Fatal(err)
		}
		if want := "shipping order 17\n"; out.String() != want {
			t.Errorf("output %q, want %q", out.String(), want)
		}
	})
}
