package main

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/longshore-dev/longshore/driver"
)

// buryMessage buries a message as it is.
func (q *memQueue) buryMessage(t *testing.T, m driver.Message) {
	t.Helper()
	if err := q.Send(t.Context(), []driver.Message{m})[0].Err; err != nil {
		t.Fatal(err)
	}
	leases, err := q.Receive(t.Context(), driver.ReceiveOptions{Max: 1})
	if err != nil || len(leases) != 1 {
		t.Fatalf("%d leases: %v", len(leases), err)
	}
	err = q.Settle(t.Context(), []driver.Settlement{{Lease: leases[0], Verdict: driver.Bury, Reason: driver.ReasonUndecodable}})[0]
	if err != nil {
		t.Fatal(err)
	}
}

func TestDLQShow(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	q.buryThree(t)
	e := here(t, "", "dlq", "show", "--queue", q.url, "--id", "b")

	if e.code != 0 || e.err != "" {
		t.Errorf("exit code %d, and it says\n%s", e.code, e.err)
	}
	for _, want := range []string{
		"id        b\n", "kind      mail\n", "reason    max-attempts\n", "attempts  1\n", "age       0s\n",
		"detail    the server\\nis \uFFFD[2Jdown\n", "\nbody, ", ":\n  {\"specversion\":\"1.0\",",
	} {
		if !strings.Contains(e.out, want) {
			t.Errorf("it does not show %q but\n%s", want, e.out)
		}
	}
	q.stats(t, 0, 3)
}

func TestDLQShowPrintsExactlyTheseFields(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "?ordered=true")
	q.buryMessage(t, driver.Message{
		Body: []byte("no \x1b task\n"), GroupKey: "g", Attributes: map[string]string{"tenant": "blue"},
		Carry: driver.Carry{Attempts: 4, Hops: 1, Snoozes: 2, Redrives: 3, IgnoreExpiry: true, FirstError: "boom"},
	})
	id := messageIDs(t, q)[0]
	e := here(t, "", "dlq", "show", "--queue", q.url, "--id", id, "--json")

	var got wholeLetter
	if err := json.Unmarshal([]byte(e.out), &got); err != nil {
		t.Fatalf("%v\n%s\n%s", err, e.out, e.err)
	}
	want := `{"id":"","message_id":"` + id + `","kind":"","reason":"undecodable","detail":"","attempts":5,"redrives":3,"died_at":"` + got.DiedAt.Format(time.RFC3339Nano) +
		`","enqueued_at":null,"age_ms":` + strconv.FormatInt(got.AgeMS, 10) + `,"queue":"` + got.Queue + `","sent_at":"` + got.SentAt.Format(time.RFC3339Nano) + `","hops":1,"snoozes":2,"first_error":"boom","ignore_expiry":true,` +
		`"group":"g","fairness":"","attributes":{"tenant":"blue"},"defect":"","body":"no \u001b task\n"}` + "\n"
	if e.code != 0 || e.out != want {
		t.Errorf("exit code %d, output\n%swant\n%s\n%s", e.code, e.out, want, e.err)
	}
}

// messageIDs are the broker's ids of the dead letters.
func messageIDs(t *testing.T, q *memQueue) (ids []string) {
	t.Helper()
	var all listing
	e := here(t, "", "dlq", "list", "--queue", q.url, "--json")
	if err := json.Unmarshal([]byte(e.out), &all); err != nil || len(all.Letters) == 0 {
		t.Fatalf("%v\n%s\n%s", err, e.out, e.err)
	}
	for _, l := range all.Letters {
		ids = append(ids, l.MessageID)
	}
	return ids
}

func TestDLQShowEscapesWhatCouldControlATerminal(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	body := "\x1b]0;title\x07\u202e\u009b2J\r\nreason   fine\n\xff"
	q.buryMessage(t, driver.Message{Body: []byte(body), Attributes: map[string]string{"a": "x\u202e\nb   y"}})
	id := messageIDs(t, q)[0]

	e := here(t, "", "dlq", "show", "--queue", q.url, "--id", id)
	if e.code != 0 || strings.ContainsAny(e.out, "\x1b\x07\r\u202e\u009b") || !utf8.ValidString(e.out) {
		t.Errorf("exit code %d, output %q\n%s", e.code, e.out, e.err)
	}
	if !strings.Contains(e.out, "\nbody, 34 bytes:\n  \\x1b]0;title\\a\\u202e\\u009b2J\\r\n  reason   fine\n  \\xff\n") {
		t.Errorf("the body is not escaped, or looks like a field:\n%s", e.out)
	}
	for line := range strings.Lines(e.out) {
		if strings.HasPrefix(line, "b ") || strings.HasPrefix(line, "reason   fine") {
			t.Errorf("a payload looks like a field: %q", line)
		}
	}

	e = here(t, "", "dlq", "show", "--queue", q.url, "--id", id, "--json")
	if !strings.Contains(e.out, `"body_base64":"`+base64.StdEncoding.EncodeToString([]byte(body))+`"`) || strings.Contains(e.out, `"body":`) {
		t.Errorf("the body is not whole:\n%s", e.out)
	}
}

func TestDLQShowOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	for n, want := range []string{"among 0 dead letters", "among 3 dead letters"} {
		if n == 1 {
			q.buryThree(t)
		}
		e := here(t, "", "dlq", "show", "--queue", q.url, "--id", "no\x1bbody")
		if e.code != 1 || e.out != "" || !strings.HasPrefix(e.err, `there is no dead letter with the id "no\x1bbody" `+want) {
			t.Errorf("exit code %d, output %q, and it says\n%s", e.code, e.out, e.err)
		}
	}
	q.stats(t, 0, 3)
}
