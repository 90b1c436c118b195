package main

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestRun(t *testing.T) {
	const want = `by weight, of the first 1,000 tasks:
  urgent, weight 6: about 600
  normal, weight 3: about 300
  bulk, weight 1: about 100
strict:
  urgent urgent urgent normal normal normal bulk bulk bulk bulk bulk bulk
`
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		if err := run(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("output:\n%swant:\n%s", out.String(), want)
		}
	})
}
