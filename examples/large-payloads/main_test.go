package main

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	const want = `small: enqueued, 0 objects in the store
large: enqueued, 1 objects in the store
small: attempt 2 prints 1 rows
large: attempt 2 prints 500000 rows
`
	var out strings.Builder
	if err := run(t.Context(), &out, "mem://reports", t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("output:\n%swant:\n%s", out.String(), want)
	}
}
