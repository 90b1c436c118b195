package conformance

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// Run runs every check against b, each as a subtest, in parallel unless b is
// Virtual. want is what the profile
// declares; it must equal Capabilities() and what the checks see.
//
// With the environment variable CONFORMANCE_RESULTS the results are written to
// that directory, for MATRIX.md.
func Run(t *testing.T, b Backend, want driver.Capabilities) {
	t.Helper()
	RunLayer(t, b, want, "")
}

// RunLayer is Run with the checks of one layer: a profile that differs from another in
// its engine alone has that of the driver there.
func RunLayer(t *testing.T, b Backend, want driver.Capabilities, layer Layer) {
	t.Helper()
	if err := b.problem(&want); err != nil {
		t.Fatalf("conformance: %s: %v", b.Profile, err)
	}
	now := time.Now()
	for _, w := range b.Waivers {
		if err := w.problem(now); err != nil {
			t.Errorf("conformance: %s: check %q: %v", b.Profile, w.Check, err)
		}
	}
	var mu sync.Mutex
	report := Report{Profile: b.Profile, Layer: layer, Results: make(map[string]Result)} // Results guarded by mu
	t.Cleanup(func() {                                                     // after all subtests
		if err := report.save(); err != nil {
			t.Errorf("conformance: %v", err)
		}
	})
	for _, c := range Checks() {
		if !report.Has(c) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if !b.Virtual {
				t.Parallel()
			}
			r := judge(Try(t, b, want, c), b.Waivers, c.Name)
			if r.Outcome == Failed {
				t.Errorf("%s\n%s", c.Doc, strings.Join(r.Failures, "\n"))
			} else if r.Reason != "" {
				t.Logf("%s: %s\n%s", r.Outcome, r.Reason, strings.Join(r.Failures, "\n"))
			}
			mu.Lock()
			defer mu.Unlock()
			report.Results[c.Name] = r
		})
	}
}

// Missing stands for a profile that cannot run here, for example because no
// server is configured. It skips the test, or fails it when the profile is in
// the environment variable CONFORMANCE_REQUIRE, a list separated by commas.
func Missing(t *testing.T, profile, why string) {
	t.Helper()
	if slices.Contains(Required(), profile) {
		t.Fatalf("conformance: profile %q is required and absent: %s", profile, why)
	}
	report := Report{Profile: profile, Missing: why}
	if err := report.save(); err != nil {
		t.Errorf("conformance: %v", err)
	}
	t.Skipf("conformance: profile %q is absent: %s", profile, why)
}

// Required are the profiles in CONFORMANCE_REQUIRE.
func Required() []string {
	var all []string
	for name := range strings.SplitSeq(os.Getenv("CONFORMANCE_REQUIRE"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// hangs is after how long, in real time, a check in a bubble is given up.
const hangs = time.Minute

// Try runs one check and returns what it found, without failing t and without
// regard to waivers. The proof of the suite by mutants uses it.
func Try(t *testing.T, b Backend, want driver.Capabilities, c Check) Result {
	t.Helper()
	var r Result
	body := func(t *testing.T) { r = attempt(t, b, want, c) }
	if b.Virtual {
		// Time stands still in a bubble while a goroutine waits for a mutex or
		// for the world outside.
		watch := time.AfterFunc(hangs, func() {
			panic(fmt.Sprintf("conformance: %s: check %s hangs: virtual time does not pass; is a lock held while a call waits?", b.Profile, c.Name))
		})
		defer watch.Stop()
		synctest.Test(t, body)
	} else {
		body(t)
	}
	return r
}

// attempt runs a check in a goroutine of its own, which Fatalf may end.
func attempt(test *testing.T, b Backend, want driver.Capabilities, c Check) Result {
	t := &T{test: test, b: &b, caps: want, hold: b.Hold, outcome: Ran}
	t.grace = driver.RoundUp(&want, max(b.Hold/10, b.Margin))
	t.ledger.init()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.end()
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		c.run(t)
	}()
	<-done
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.failures) > 0 {
		return Result{Outcome: Failed, Failures: t.failures}
	}
	return Result{Outcome: t.outcome, Reason: t.reason}
}

// judge applies the waiver for a check, if there is one.
func judge(r Result, waivers []Waiver, check string) Result {
	i := slices.IndexFunc(waivers, func(w Waiver) bool { return w.Check == check })
	if i < 0 {
		return r
	}
	w := waivers[i]
	if r.Outcome != Failed {
		r.Failures = append(r.Failures, fmt.Sprintf("the check is waived (%s) and passes; remove the waiver", w.Reason))
		r.Outcome = Failed
		return r
	}
	r.Outcome, r.Reason = Waived, fmt.Sprintf("%s; %s; until %s", w.Reason, w.Link, w.Expiry)
	return r
}
