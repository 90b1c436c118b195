package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// bury sends a task with this id and kind, and buries it.
func (q *memQueue) bury(t *testing.T, id, kind, reason, detail string) {
	t.Helper()
	if e := here(t, "", "send", "--queue", q.url, "--kind", kind, "--id", id, "{}"); e.code != 0 {
		t.Fatal(e.err)
	}
	leases, err := q.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
	if err != nil || len(leases) != 1 {
		t.Fatalf("%d leases: %v", len(leases), err)
	}
	err = q.Settle(t.Context(), []driver.Settlement{{Lease: leases[0], Verdict: driver.Bury, Reason: reason, Detail: detail}})[0]
	if err != nil {
		t.Fatal(err)
	}
}

// buryThree buries what the tests choose among.
func (q *memQueue) buryThree(t *testing.T) {
	t.Helper()
	q.bury(t, "a", "mail", driver.ReasonPermanent, "no such address")
	q.bury(t, "b", "mail", driver.ReasonExhausted, "the server\nis \x1b[2Jdown")
	q.bury(t, "c", "bill", driver.ReasonExhausted, "too late")
}

// stats checks how much is ready and dead; nothing may be leased.
func (q *memQueue) stats(t *testing.T, ready, dead int64) {
	t.Helper()
	s, err := q.Stats(t.Context())
	if err != nil || s.Ready != ready || s.Dead != dead || s.Leased != 0 {
		t.Errorf("the queue has %+v (%v); want %d ready and %d dead", s, err, ready, dead)
	}
	leases, err := q.DeadLetter().Receive(t.Context(), driver.ReceiveOptions{Max: 10})
	if err != nil || int64(len(leases)) != dead {
		t.Errorf("%d dead letters can be leased (%v), want %d", len(leases), err, dead)
	}
	for _, l := range leases {
		if err := q.DeadLetter().Settle(t.Context(), []driver.Settlement{{Lease: l, Verdict: driver.Release}})[0]; err != nil {
			t.Error(err)
		}
	}
}

func TestDLQListShowsWhyTasksAreDead(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.buryThree(t)
	e := here(t, "", "dlq", "list", "--queue", q.url)

	if e.code != 0 || !strings.HasPrefix(e.err, "3 dead letters; it ended because: ") {
		t.Errorf("exit code %d, and it says\n%s", e.code, e.err)
	}
	for _, want := range []string{
		"ID  KIND  REASON        ATTEMPTS  AGE  DETAIL\n",
		"a   mail  permanent     1         0s   no such address\n",
		"b   mail  max-attempts  1         0s   the server … is \uFFFD[2Jdown\n",
		"c   bill  max-attempts  1         0s   too late\n",
	} {
		if !strings.Contains(e.out, want) {
			t.Errorf("it does not show %q but\n%s", want, e.out)
		}
	}
	q.stats(t, 0, 3)
}

func TestDLQListPrintsExactlyTheseFields(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.bury(t, "a", "mail", driver.ReasonPermanent, "no such address")
	e := here(t, "", "dlq", "list", "--queue", q.url, "--json")

	var got listing
	if err := json.Unmarshal([]byte(e.out), &got); err != nil || len(got.Letters) != 1 {
		t.Fatalf("%v\n%s\n%s", err, e.out, e.err)
	}
	l := got.Letters[0]
	want := fmt.Sprintf(`{"letters":[{"id":"a","message_id":%q,"kind":"mail","reason":"permanent","detail":"no such address","attempts":1,"redrives":0,"died_at":%q,"enqueued_at":%q,"age_ms":%d}],"complete":true,"why":"there are no more that were dead when it began"}`+"\n",
		l.MessageID, l.DiedAt.Format(time.RFC3339Nano), l.EnqueuedAt.Format(time.RFC3339Nano), l.AgeMS)
	if e.code != 0 || e.out != want || l.MessageID == "" || l.AgeMS > deadline.Milliseconds() {
		t.Errorf("exit code %d, output\n%swant\n%s", e.code, e.out, want)
	}
}

func TestDLQListOfNothing(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	e := here(t, "", "dlq", "list", "--queue", q.url, "--json")
	if e.code != 0 || !strings.HasPrefix(e.out, `{"letters":[],"complete":true,`) {
		t.Errorf("exit code %d, output %q\n%s", e.code, e.out, e.err)
	}
}

func TestDLQListTakesNoMoreThanItWasAskedFor(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.buryThree(t)
	e := here(t, "", "dlq", "list", "--queue", q.url, "--reason", driver.ReasonExhausted, "--kind", "mail", "--kind", "bill", "--max", "1", "--json")
	var got listing
	if err := json.Unmarshal([]byte(e.out), &got); err != nil || e.code != 0 || len(got.Letters) != 1 || got.Complete {
		t.Errorf("exit code %d (%v), output %s\n%s", e.code, err, e.out, e.err)
	}
	if got.Letters[0].Reason != driver.ReasonExhausted || got.Why != errEnough.Error() {
		t.Errorf("%+v", got)
	}
	q.stats(t, 0, 3)
}

func TestLettersWithoutARecord(t *testing.T) {
	now := time.Now()
	for want, d := range map[string]runtime.DeadTask{
		"?":      {},
		"(1m0s)": {EnqueuedAt: now.Add(-time.Minute)},
		"2s":     {EnqueuedAt: now.Add(-time.Minute), Death: driver.Death{At: now.Add(-2 * time.Second)}},
		"3d1h":   {Death: driver.Death{At: now.Add(-73 * time.Hour)}},
		"0s":     {Death: driver.Death{At: now.Add(time.Minute)}}, // clocks differ
	} {
		l := newLetter(&d, now)
		if got := l.age(); got != want {
			t.Errorf("%+v: age %s, want %s", d, got, want)
		}
	}
}

func redrivenBy(t *testing.T, e *ended) (r redriven) {
	t.Helper()
	if err := json.Unmarshal([]byte(e.out), &r); err != nil {
		t.Fatalf("%v\n%s\n%s", err, e.out, e.err)
	}
	return r
}

func TestDLQRedrive(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args        []string
		moved, kept int64
	}{
		"all":             {nil, 3, 0},
		"by id":           {[]string{"--id=a", "--id=c"}, 2, 1},
		"by kind":         {[]string{"--kind=mail"}, 2, 1},
		"by reason":       {[]string{"--reason=max-attempts"}, 2, 1},
		"young ones":      {[]string{"--younger-than=1h"}, 3, 0},
		"old ones":        {[]string{"--older-than=1d"}, 0, 3},
		"by all of them":  {[]string{"--reason=max-attempts", "--kind=mail", "--id=a", "--id=b"}, 1, 2},
		"at most":         {[]string{"--max=3"}, 3, 0},
		"slowly":          {[]string{"--rate=20"}, 3, 0},
		"natively":        {[]string{"--native"}, 3, 0},
		"natively slowly": {[]string{"--native", "--rate=100"}, 3, 0},
		"none":            {[]string{"--id=nobody"}, 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newMemQueue(t, "")
			q.buryThree(t)
			e := here(t, "", append([]string{"dlq", "redrive", "--queue", q.url, "--json"}, c.args...)...)

			r := redrivenBy(t, &e)
			if e.code != 0 || r.Moved != c.moved || r.Kept != c.kept || r.Failed != 0 || r.Examined != c.moved+c.kept || r.WouldMove != nil || r.Reason == "" {
				t.Errorf("exit code %d, %+v\n%s", e.code, r, e.err)
			}
			q.stats(t, c.moved, c.kept)
		})
	}
}

func TestDLQRedrivePrintsExactlyTheseFields(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	e := here(t, "", "dlq", "redrive", "--queue", q.url, "--json")
	const want = `{"examined":0,"moved":0,"kept":0,"failed":0,"complete":true,"reason":"the dead letter has nothing more that was dead when the redrive began"}` + "\n"
	if e.code != 0 || e.out != want {
		t.Errorf("exit code %d, output %q, want %q", e.code, e.out, want)
	}
}

func TestDLQRedriveStopsAtMax(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.buryThree(t)
	e := here(t, "", "dlq", "redrive", "--queue", q.url, "--max", "2")
	if e.code != 0 || !strings.HasPrefix(e.err, "2 dead letters: 2 moved, 0 kept, 0 failed\nit ended because: the most messages to move, 2, were moved") {
		t.Errorf("exit code %d, and it says\n%s", e.code, e.err)
	}
	q.stats(t, 2, 1)
}

func TestDLQRedriveDryRunMovesNothing(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.buryThree(t)
	args := []string{"dlq", "redrive", "--queue", q.url, "--dry-run", "--kind", "mail"}
	e := here(t, "", args...)
	if e.code != 0 || !strings.Contains(e.out, "\na   mail  permanent ") || strings.Contains(e.out, "bill") || !strings.HasPrefix(e.err, "3 dead letters: 2 would be moved, 3 kept, 0 failed\n") {
		t.Errorf("exit code %d, output\n%s\n%s", e.code, e.out, e.err)
	}
	e = here(t, "", append(args, "--json")...)
	if r := redrivenBy(t, &e); e.code != 0 || *r.WouldMove != 2 || r.Moved != 0 || r.Kept != 3 {
		t.Errorf("exit code %d, %+v", e.code, r)
	}
	q.stats(t, 0, 3)
}

func TestDLQRedriveCanBeInterruptedAndRunAgain(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.buryThree(t)
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan int, 1) // one result, never closed
	std := streams{out: newWatchedBuffer(), err: newWatchedBuffer()}
	go func() {
		code, err := redrive(ctx, &redriveOptions{queueFlags: q.flags(), rate: 0.05}, std)
		if err != nil {
			t.Errorf("redrive: %v", err)
		}
		ended <- code
	}()
	awaitStats(t, q, func(s driver.Stats) bool { return s.Ready == 1 })

	interrupt()

	if code := <-ended; code != exitFailed || !strings.Contains(std.err.(*watchedBuffer).String(), "run it again to move the rest") {
		t.Errorf("exit code %d, and it says\n%s", code, std.err)
	}
	q.stats(t, 1, 2)
	if e := here(t, "", "dlq", "redrive", "--queue", q.url); e.code != 0 {
		t.Errorf("exit code %d\n%s", e.code, e.err)
	}
	q.stats(t, 3, 0)
}

// awaitStats waits until the numbers of a queue are as wanted.
func awaitStats(t *testing.T, q driver.Queue, want func(driver.Stats) bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.After(deadline)
	for {
		s, err := q.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if want(s) {
			return
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("the queue has %+v", s)
		}
	}
}

func TestDLQRefuses(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	list, redrive := []string{"dlq", "list", "--queue=" + q.url}, []string{"dlq", "redrive", "--queue=" + q.url}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no queue", []string{"dlq", "list"}, "--queue is missing"},
		{"no queue either", []string{"dlq", "redrive"}, "--queue is missing"},
		{"unknown command", []string{"dlq", "walk"}, `unknown command "walk"`},
		{"an argument", append(list, "x"), `dlq list takes no argument, but got "x"`},
		{"another argument", append(redrive, "x"), `dlq redrive takes no argument, but got "x"`},
		{"zero max", append(list, "--max=0"), "--max 0 is not within 1 to 1000"},
		{"huge max", append(list, "--max=1001"), "--max 1001 is not within 1 to 1000"},
		{"negative max", append(redrive, "--max=-1"), "--max -1 is negative"},
		{"negative rate", append(redrive, "--rate=-1"), "--rate -1 is not a number"},
		{"no rate", append(redrive, "--rate=NaN"), "--rate NaN is not a number"},
		{"bad reason", append(list, "--reason=No Reason"), `--reason "No Reason": reason has byte`},
		{"empty id", append(redrive, "--id="), "--id is empty"},
		{"native and a choice", append(redrive, "--native", "--kind=a"), "--native moves all"},
		{"native and max", append(redrive, "--native", "--max=1"), "--native moves all"},
		{"native and dry", append(redrive, "--native", "--dry-run"), "--native and --dry-run are both given"},
		{"native at a fraction", append(redrive, "--native", "--rate=0.5"), "a whole number"},
		{"no age", append(list, "--older-than=x"), "it is not a time above 0"},
		{"no such age", append(redrive, "--older-than=2h", "--younger-than=1h"), "nothing is older than 2h0m0s and younger than 1h0m0s"},
		{"native and an age", append(redrive, "--native", "--older-than=1h"), "--native moves all"},
		{"no queue to show from", []string{"dlq", "show"}, "--queue is missing"},
		{"no id", []string{"dlq", "show", "--queue=" + q.url}, "--id is missing"},
		{"an argument to show", []string{"dlq", "show", "--queue=" + q.url, "x"}, `dlq show takes no argument, but got "x"`},
		{"none to show", []string{"dlq", "show", "--id=x", "--queue=mem://dlq-refuses?dead_letter=false"}, "no dead letter"},
		{"no queue to discard from", []string{"dlq", "discard"}, "--queue is missing"},
		{"nobody to ask", []string{"dlq", "discard", "--queue=" + q.url}, "--yes is missing, and there is nobody to ask"},
		{"an argument to discard", []string{"dlq", "discard", "x"}, `dlq discard takes no argument, but got "x"`},
		{"a negative number to discard", []string{"dlq", "discard", "--queue=" + q.url, "--yes", "--max=-1"}, "--max -1 is negative"},
		{"a bad reason to discard", []string{"dlq", "discard", "--queue=" + q.url, "--yes", "--reason=X"}, `--reason "X": reason has byte`},
		{"none to discard", []string{"dlq", "discard", "--yes", "--queue=mem://dlq-refuses?dead_letter=false"}, "no dead letter"},
		{"no dead letter", []string{"dlq", "list", "--queue=mem://dlq-refuses?dead_letter=false"}, "no dead letter"},
		{"none to move from", []string{"dlq", "redrive", "--queue=mem://dlq-refuses?dead_letter=false"}, "no dead letter"},
		{"none to move natively", []string{"dlq", "redrive", "--native", "--queue=mem://dlq-refuses?dead_letter=false"}, "no dead letter"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := here(t, "", tt.args...)
			if e.code != 2 || e.out != "" || !strings.HasPrefix(e.err, "longshore: ") || !strings.Contains(e.err, tt.want) || strings.Count(e.err, "\n") != 2 {
				t.Errorf("exit code %d, output %q, and it says\n%swant 2 and %q", e.code, e.out, e.err, tt.want)
			}
		})
	}
}
