package main

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestRun(t *testing.T) {
	const want = `0s: attempt 1: sent
200ms: attempt 1: sent
400ms: attempt 1: sent
600ms: attempt 1: 429 too many requests
2.6s: attempt 1: sent
2.8s: attempt 1: sent
3s: attempt 1: sent
`
	synctest.Test(t, func(t *testing.T) { // seconds pass at once
		var out strings.Builder
		if err := run(t.Context(), &out, "mem://texts"); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("output:\n%swant:\n%s", out.String(), want)
		}
	})
}
