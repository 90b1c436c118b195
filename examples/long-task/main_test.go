package main

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestRun(t *testing.T) {
	const want = `short: part 1 done
short: part 2 done
short: part 3 done
long: part 1 done
long: part 2 done
long: part 3 done
long: part 4 done
long: stopped in part 5: the handler's time limit has passed
`
	synctest.Test(t, func(t *testing.T) { // seconds pass at once
		var out strings.Builder
		if err := run(t.Context(), &out, "mem://videos?hold=1s"); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("output:\n%swant:\n%s", out.String(), want)
		}
	})
}
