package main

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestRun(t *testing.T) {
	const want = `0s: "not before lunch" is put off
0s: "only now" fails
2s: "in 2 s", attempt 1
3s: dead: expired
4s: "at a time", attempt 1
6s: "not before lunch", attempt 1
`
	synctest.Test(t, func(t *testing.T) { // seconds pass at once
		var out strings.Builder
		if err := run(t.Context(), &out, "mem://reminders"); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("output:\n%swant:\n%s", out.String(), want)
		}
	})
}
