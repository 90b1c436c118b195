package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/driver"
)

func TestJSONIsPrintableAndTheSame(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<plain> & \"café\"":      `"<plain> & \"café\""`,
		"\x1b]0;t\x07\n\x7f":      `"\u001b]0;t\u0007\n\u007f"`,
		"\u009b2J\u202e\u2028":    `"\u009b2J\u202e\u2028"`,
		"\U000e0041 \U0001f6a2 x": `"\udb40\udc41 🚢 x"`,
	} {
		var out strings.Builder
		if err := writeJSON(&out, in); err != nil || out.String() != want+"\n" {
			t.Errorf("%q is %s (%v), want %s", in, out.String(), err, want)
		}
		var back string
		if err := json.Unmarshal([]byte(out.String()), &back); err != nil || back != in {
			t.Errorf("%q reads back as %q (%v)", in, back, err)
		}
	}
}

// What an operator looks at on a terminal is often printed with --json.
func TestJSONOfDeadLettersCannotControlATerminal(t *testing.T) {
	t.Parallel()
	const evil = "\x1b[2J \u009b2J \u202e \x7f"
	q := newMemQueue(t, "")
	q.buryMessage(t, driver.Message{Body: []byte(evil), Attributes: map[string]string{"a": "\u202e"}})
	id := messageIDs(t, q)[0]
	q.bury(t, "b", "mail", driver.ReasonPermanent, evil)

	for _, args := range [][]string{{"list"}, {"show", "--id", id}, {"show", "--id", "b"}} {
		e := here(t, "", append([]string{"dlq", args[0], "--json", "--queue", q.url}, args[1:]...)...)
		if e.code != 0 || strings.ContainsAny(e.out, "\x1b\u009b\u202e\x7f") || !strings.Contains(e.out, `\u202e`) {
			t.Errorf("dlq %s: exit code %d, output %q\n%s", args, e.code, e.out, e.err)
		}
	}
}
