package runtimetest_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

func TestRequireEnqueuedAnswersTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		id := enqueue(t, kit.Client(), mail{"ann"}, runtime.Delay(time.Hour), runtime.TTL(2*time.Hour),
			runtime.Attribute("tenant", "blue"), runtime.Dedup("once"))

		got := runtimetest.RequireEnqueued[mail](t, kit)

		if got.ID != id || got.Queue != runtimetest.DefaultQueue || got.Args.To != "ann" || !got.At.Equal(time.Now()) ||
			got.Delay != time.Hour || got.TTL != 2*time.Hour || got.Dedup != "once" || got.Attributes["tenant"] != "blue" {
			t.Errorf("enqueued %+v", got)
		}
	})
}

func TestMatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{
			Queues: []string{"mails", "orders"},
			Client: runtime.ClientOptions{
				DefaultQueue: "mails", Routes: map[string]string{"order.pay": "orders"}, MaxDelay: 100 * time.Hour,
			},
		})
		c := kit.Client()
		enqueue(t, c, mail{"ann"}, runtime.Delay(72*time.Hour), runtime.TTL(80*time.Hour),
			runtime.Dedup("d"), runtime.Attribute("a", "x"), runtime.ID("one"))
		enqueue(t, c, mail{"bob"}, runtime.RunAt(time.Now().Add(time.Minute)))
		enqueue(t, c, order{7})

		tests := []struct {
			name   string
			match  runtimetest.Match
			misses string
		}{
			{"args", runtimetest.Args(mail{"ann"}), "its args differ"},
			{"where", runtimetest.Where(func(m mail) bool { return m.To == "ann" }), "the function answers false for its args"},
			{"delay beyond what the queue gives", runtimetest.Delay(72 * time.Hour), "its delay is 1m0s"},
			{"run at", runtimetest.RunAt(time.Now().Add(72 * time.Hour)), "it is due at " + time.Now().Add(time.Minute).Format(time.RFC3339)},
			{"ttl", runtimetest.TTL(80 * time.Hour), "its ttl is 0s"},
			{"id", runtimetest.ID("one"), "its id is "},
			{"dedup", runtimetest.Dedup("d"), `its dedup is ""`},
			{"attribute", runtimetest.Attribute("a", "x"), `its attribute a is ""`},
		}
		for _, tt := range tests {
			if got := runtimetest.RequireEnqueued[mail](t, kit, tt.match); got.Args.To != "ann" {
				t.Errorf("%s: matches %+v", tt.name, got)
			}
			text := failure(t, func(tb testing.TB) {
				runtimetest.RequireEnqueued[mail](tb, kit, tt.match, runtimetest.Args(mail{"bob"}))
			})
			if !strings.Contains(text, "{To:bob}; "+tt.misses) {
				t.Errorf("%s: failure lacks %q:\n%s", tt.name, tt.misses, text)
			}
		}
		runtimetest.RequireEnqueued[order](t, kit, runtimetest.ToQueue("orders"), runtimetest.Delay(0), runtimetest.TTL(0))
		runtimetest.RequireEnqueuedMany[mail](t, kit, 2, runtimetest.ToQueue("mails"), runtimetest.Fairness(""))
		runtimetest.RequireNotEnqueued[order](t, kit, runtimetest.Args(order{8}))
	})
}

func TestMatchGroup(t *testing.T) {
	kit := runtimetest.New(t, &runtimetest.Options{Mem: mem.Options{Ordered: true}})
	enqueue(t, kit.Client(), mail{"ann"}, runtime.Group("g"))

	runtimetest.RequireEnqueued[mail](t, kit, runtimetest.Group("g"))
	runtimetest.RequireNotEnqueued[mail](t, kit, runtimetest.Group(""))
}

// visit has what does not come back from JSON as it was.
type visit struct {
	At    time.Time `json:"at"`
	Pages []string  `json:"pages"`
}

func (visit) Kind() string { return "visit" }

func TestArgsAreComparedAsTheyTravel(t *testing.T) {
	kit := runtimetest.New(t, nil)
	v := visit{At: time.Now(), Pages: []string{}} // with a monotonic reading
	enqueue(t, kit.Client(), v)
	runtimetest.RequireEnqueued[visit](t, kit, runtimetest.Args(v))

	raw := runtime.Raw{Kind: "visit", Data: []byte(`{"pages":["a"], "at":"2026-01-02T03:04:05Z"}`)} // of another producer
	if _, err := runtime.EnqueueRaw(t.Context(), kit.Client(), raw); err != nil {
		t.Fatal(err)
	}
	runtimetest.RequireEnqueued[visit](t, kit, runtimetest.Args(visit{At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Pages: []string{"a"}}))
}

func TestFailuresShowWhatWasEnqueuedInstead(t *testing.T) {
	kit := runtimetest.New(t, nil)
	empty := failure(t, func(tb testing.TB) { runtimetest.RequireEnqueued[mail](tb, kit) })
	if want := `runtimetest: 0 tasks of kind "mail.send" enqueued, want 1; nothing was enqueued at all`; empty != want {
		t.Errorf("failure:\n%s\nwant:\n%s", empty, want)
	}
	enqueue(t, kit.Client(), mail{"ann"}, runtime.Delay(time.Minute))
	enqueue(t, kit.Client(), order{4711}, runtime.Dedup("order-4711"))

	got := failure(t, func(tb testing.TB) {
		runtimetest.RequireEnqueued[mail](tb, kit, runtimetest.Args(mail{"bob"}), runtimetest.Delay(time.Hour))
	})
	want := `runtimetest: 0 tasks of kind "mail.send" with args {To:bob}, delay 1h0m0s enqueued, want 1; enqueued in all: 2 tasks
  "mail.send" on queue "test", delay 1m0s: {To:ann}; its args differ, its delay is 1m0s
  "order.pay" on queue "test", dedup "order-4711"`
	if got != want {
		t.Errorf("failure:\n%s\nwant:\n%s", got, want)
	}

	got = failure(t, func(tb testing.TB) { runtimetest.RequireNotEnqueued[order](tb, kit) })
	if !strings.Contains(got, `1 task of kind "order.pay" enqueued, want 0`) || !strings.Contains(got, "{Number:4711}; it matches") {
		t.Errorf("failure:\n%s", got)
	}
}

func TestFailuresAreShort(t *testing.T) {
	kit := runtimetest.New(t, nil)
	for range 50 {
		enqueue(t, kit.Client(), mail{strings.Repeat("x", 10_000)})
	}
	got := failure(t, func(tb testing.TB) { runtimetest.RequireEnqueued[mail](tb, kit) })
	if !strings.Contains(got, "50 tasks of kind") || !strings.HasSuffix(got, "and 30 more") || len(got) > 20_000 {
		t.Errorf("failure of %d bytes:\n%.300s", len(got), got)
	}
}

func TestWhatWasDroppedIsNotEnqueued(t *testing.T) {
	kit := runtimetest.New(t, nil)
	first := enqueue(t, kit.Client(), mail{"ann"}, runtime.Dedup("k"))
	enqueue(t, kit.Client(), mail{"ann"}, runtime.Dedup("k"))

	if got := runtimetest.RequireEnqueued[mail](t, kit); got.ID != first {
		t.Errorf("enqueued is %s, want the first, %s", got.ID, first)
	}
}

func TestWhatFailedIsNotEnqueued(t *testing.T) {
	kit := runtimetest.New(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := runtime.Enqueue(ctx, kit.Client(), mail{"ann"}); err == nil {
		t.Fatal("enqueued with a context that has ended")
	}
	runtimetest.RequireNotEnqueued[mail](t, kit)
}

func TestArgsOfAnotherCodec(t *testing.T) {
	kit := runtimetest.New(t, nil)
	if _, err := runtime.EnqueueRaw(t.Context(), kit.Client(), runtime.Raw{Kind: "mail.send", Data: []byte("secret"), ContentType: "text/plain"}); err != nil {
		t.Fatal(err)
	}
	got := failure(t, func(tb testing.TB) { runtimetest.RequireEnqueued[mail](tb, kit) })
	if !strings.Contains(got, "its args do not decode as runtimetest_test.mail") || strings.Contains(got, "secret") {
		t.Errorf("failure:\n%s", got)
	}
}

func TestNewRefusesOptions(t *testing.T) {
	for name, o := range map[string]runtimetest.Options{
		"a hold":        {Mem: mem.Options{Hold: -1}},
		"a policy":      {Retry: runtime.RetryPolicy{MaxAttempts: -1}},
		"a queue twice": {Queues: []string{"a", "a"}},
		"a route":       {Client: runtime.ClientOptions{Routes: map[string]string{"a": "b"}}},
		"deliveries":    {MaxDeliveries: -1},
	} {
		if text := failure(t, func(tb testing.TB) { runtimetest.New(tb, &o) }); !strings.HasPrefix(text, "runtimetest: new kit: ") {
			t.Errorf("%s: failure %q", name, text)
		}
	}
}

func TestATypeThatCannotTellItsKindIsRefused(t *testing.T) {
	kit := runtimetest.New(t, nil)
	enqueue(t, kit.Client(), &mail{"ann"})

	got := failure(t, func(tb testing.TB) { runtimetest.RequireEnqueued[*mail](tb, kit) })

	if want := "runtimetest: type *runtimetest_test.mail: Kind panics on its zero value; ask for the type itself, not a pointer or an interface"; got != want {
		t.Errorf("it fails with %q, want %q", got, want)
	}
	if task := runtimetest.RequireEnqueued[mail](t, kit); task.Args.To != "ann" {
		t.Errorf("enqueued %+v", task)
	}
}
