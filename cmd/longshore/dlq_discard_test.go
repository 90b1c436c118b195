package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

func TestDLQDiscard(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args          []string
		deleted, kept int
	}{
		"all":            {nil, 3, 0},
		"by id":          {[]string{"--id=a", "--id=c"}, 2, 1},
		"by kind":        {[]string{"--kind=mail"}, 2, 1},
		"by reason":      {[]string{"--reason=max-attempts"}, 2, 1},
		"by all of them": {[]string{"--reason=max-attempts", "--kind=mail", "--id=a", "--id=b"}, 1, 2},
		"young ones":     {[]string{"--younger-than=1h"}, 3, 0},
		"old ones":       {[]string{"--older-than=1d"}, 0, 3},
		"none":           {[]string{"--id=nobody"}, 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newMemQueue(t, "")
			q.buryThree(t)
			e := here(t, "", append([]string{"dlq", "discard", "--queue", q.url, "--yes", "--json"}, c.args...)...)

			var r discarded
			if err := json.Unmarshal([]byte(e.out), &r); err != nil {
				t.Fatalf("%v\n%s\n%s", err, e.out, e.err)
			}
			want := discarded{Examined: 3, Discarded: c.deleted, Kept: c.kept, Complete: true, Reason: r.Reason}
			if e.code != 0 || r != want || r.Reason == "" {
				t.Errorf("exit code %d, %+v, want %+v\n%s", e.code, r, want, e.err)
			}
			q.stats(t, 0, int64(c.kept))
		})
	}
}

func TestDLQDiscardPrintsExactlyTheseFields(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	e := here(t, "", "dlq", "discard", "--queue", q.url, "--yes", "--json")
	const want = `{"examined":0,"discarded":0,"kept":0,"failed":0,"complete":true,"reason":"the dead letter has nothing more that was dead when the discard began"}` + "\n"
	if e.code != 0 || e.out != want {
		t.Errorf("exit code %d, output %q, want %q", e.code, e.out, want)
	}
}

func TestDLQDiscardStopsAtMax(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.buryThree(t)
	e := here(t, "", "dlq", "discard", "--queue", q.url, "--yes", "--max", "2")
	if e.code != 0 || !strings.HasPrefix(e.err, "2 dead letters: 2 deleted, 0 kept, 0 failed\nit ended because: the most messages to discard, 2, were discarded") {
		t.Errorf("exit code %d, and it says\n%s", e.code, e.err)
	}
	q.stats(t, 0, 1)
}

func TestDLQDiscardThatIsInterrupted(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.buryThree(t)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	std := streams{out: newWatchedBuffer(), err: newWatchedBuffer()}
	code, err := discard(ctx, &discardOptions{queueFlags: q.flags(), yes: true}, std)
	if code != exitFailed || err != nil || !strings.Contains(std.err.(*watchedBuffer).String(), "run it again to delete the rest") {
		t.Errorf("exit code %d, %v, and it says\n%s", code, err, std.err)
	}
	q.stats(t, 0, 3)
	if e := here(t, "", "dlq", "discard", "--queue", q.url, "--yes"); e.code != 0 {
		t.Errorf("exit code %d\n%s", e.code, e.err)
	}
	q.stats(t, 0, 0)
}

func TestTheChoiceAsFlags(t *testing.T) {
	t.Parallel()
	o := discardOptions{max: 3, letterFilter: letterFilter{ids: []string{"a", "b"}, reasons: []string{"expired"}, olderThan: age(7 * day), youngerThan: age(240*time.Hour + time.Minute)}}
	const want = `delete at most 3 dead letters of "orders" with --id a --id b --reason expired --older-than 7d --younger-than 240h1m0s for good?`
	if got := o.question("orders"); got != want {
		t.Errorf("it asks %s, want %s", got, want)
	}
	if got := (&discardOptions{}).question("orders"); got != `delete all dead letters of "orders" for good?` {
		t.Errorf("it asks %s", got)
	}
}

func TestLettersByAge(t *testing.T) {
	now := time.Now()
	died := func(ago time.Duration) *runtime.DeadTask {
		return &runtime.DeadTask{EnqueuedAt: now.Add(-1000 * time.Hour), Death: driver.Death{At: now.Add(-ago)}}
	}
	f := letterFilter{olderThan: age(time.Hour), youngerThan: age(2 * time.Hour)}
	for name, c := range map[string]struct {
		d    *runtime.DeadTask
		want bool
	}{
		"too young":                {died(time.Hour - 1), false},
		"just old enough":          {died(time.Hour), true},
		"just young enough":        {died(2*time.Hour - 1), true},
		"too old":                  {died(2 * time.Hour), false},
		"known by its enqueue":     {&runtime.DeadTask{EnqueuedAt: now.Add(-90 * time.Minute)}, true},
		"of an age nobody knows":   {&runtime.DeadTask{}, false},
		"of a clock that is ahead": {died(-time.Minute), false},
	} {
		if got := f.match(c.d, now); got != c.want {
			t.Errorf("%s: it matches: %v", name, got)
		}
	}
}

func TestAges(t *testing.T) {
	for text, want := range map[string]string{
		"7d": "7d", "168h": "7d", "90m": "1h30m0s", "1ms": "1ms", "36500d": "36500d",
		"": "!", "0s": "!", "0d": "!", "-1d": "!", "-1h": "!", "7": "!", "1.5d": "!", "d": "!", "99999999d": "!", "9999999h": "!", "1w": "!",
	} {
		var a age
		got := "!"
		if err := a.Set(text); err == nil {
			got = a.String()
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}
