package runtimetest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// maxArgs is the most bytes of a task's arguments in a failure.
	maxArgs = 200
	// maxShown is the most tasks in a failure.
	maxShown = 20
)

// RequireEnqueued fails the test at once unless exactly one task of T's kind
// that matches was enqueued, and returns it.
func RequireEnqueued[T runtime.Args](tb testing.TB, k *Kit, matches ...Match) Enqueued[T] {
	tb.Helper()
	return RequireEnqueuedMany[T](tb, k, 1, matches...)[0]
}

// RequireNotEnqueued fails the test at once when a task of T's kind that matches
// was enqueued.
func RequireNotEnqueued[T runtime.Args](tb testing.TB, k *Kit, matches ...Match) {
	tb.Helper()
	RequireEnqueuedMany[T](tb, k, 0, matches...)
}

// RequireEnqueuedMany fails the test at once unless exactly n tasks of T's kind
// that match were enqueued, and returns them in their order.
func RequireEnqueuedMany[T runtime.Args](tb testing.TB, k *Kit, n int, matches ...Match) []Enqueued[T] {
	tb.Helper()
	var zero T
	kind, err := kindOf[T]()
	if err != nil {
		tb.Fatalf("runtimetest: %v", err)
	}
	k.mu.Lock()
	all := slices.Clone(k.sent)
	k.mu.Unlock()
	var found []Enqueued[T]
	lines := make([]string, len(all))
	for i, t := range all {
		lines[i] = t.String()
		if t.event.Type != kind {
			continue
		}
		e, err := read[T](k, t)
		if err != nil { // without the error, which another codec may have made of the data
			lines[i] += fmt.Sprintf(": its args do not decode as %T", zero)
			continue
		}
		lines[i] += ": " + driver.CutText(fmt.Sprintf("%+v", e.Args), maxArgs)
		if why := mismatch(k, t, matches); why != "" {
			lines[i] += "; " + why
			continue
		}
		lines[i] += "; it matches"
		found = append(found, *e)
	}
	if len(found) != n {
		tb.Fatal(failure(kind, n, len(found), matches, lines))
	}
	return found
}

// kindOf is the kind of a type's zero value, which a nil pointer or interface may
// not be able to tell.
func kindOf[T runtime.Args]() (kind string, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("type %v: Kind panics on its zero value; ask for the type itself, not a pointer or an interface", reflect.TypeFor[T]())
		}
	}()
	var zero T
	return zero.Kind(), nil
}

// mismatch is all that does not match.
func mismatch(k *Kit, t *sent, matches []Match) string {
	var not []string
	for _, m := range matches {
		if why := m.not(k, t); why != "" {
			not = append(not, why)
		}
	}
	return strings.Join(not, ", ")
}

// failure says what was wanted and what there is instead.
func failure(kind string, want, got int, matches []Match, lines []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "runtimetest: %s of kind %q", tasks(got), kind)
	for i, m := range matches {
		b.WriteString([]string{" with ", ", "}[min(i, 1)])
		b.WriteString(m.want)
	}
	fmt.Fprintf(&b, " enqueued, want %d", want)
	if len(lines) == 0 {
		b.WriteString("; nothing was enqueued at all")
		return b.String()
	}
	fmt.Fprintf(&b, "; enqueued in all: %s", tasks(len(lines)))
	for i, line := range lines {
		if i == maxShown {
			fmt.Fprintf(&b, "\n  and %d more", len(lines)-i)
			break
		}
		b.WriteString("\n  " + line)
	}
	return b.String()
}

func tasks(n int) string {
	if n == 1 {
		return "1 task"
	}
	return fmt.Sprintf("%d tasks", n)
}
