package main

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestRun(t *testing.T) {
	const want = `mail to ann@example.com, attempt 1
`
	synctest.Test(t, func(t *testing.T) { // seconds pass at once
		var out strings.Builder
		if err := run(t.Context(), &out, "mem://mails"); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("output:\n%swant:\n%s", out.String(), want)
		}
	})
}
