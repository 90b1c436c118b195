package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/conformance"
)

// write makes a directory with reports.
func write(t *testing.T, reports ...conformance.Report) string {
	t.Helper()
	dir := t.TempDir()
	for _, r := range reports {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, r.Profile+".json"), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// complete is a report in which every check ended the same way.
func complete(profile string, r conformance.Result) conformance.Report {
	report := conformance.Report{Profile: profile, Results: make(map[string]conformance.Result)}
	for _, c := range conformance.Checks() {
		report.Results[c.Name] = r
	}
	return report
}

func TestPageShowsEachOutcomeAndItsReason(t *testing.T) {
	dir := write(t,
		complete("b", conformance.Result{Outcome: conformance.Waived, Reason: "a reason"}),
		complete("a", conformance.Result{Outcome: conformance.Ran}),
		conformance.Report{Profile: "c", Missing: "no server"},
	)
	var first, second strings.Builder
	if err := run(dir, nil, "", &first); err != nil {
		t.Fatal(err)
	}
	if err := run(dir, nil, "", &second); err != nil || first.String() != second.String() {
		t.Errorf("a second run differs: %v", err)
	}
	for _, want := range []string{
		"| check | promise | a | b | c | mutants |", "| ran | waived (1) | absent (2) |", "1. a reason\n2. no server\n", "`receive-waits`", "is caught by",
	} {
		if !strings.Contains(first.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestIncompleteOrFailedRunsAreRefused(t *testing.T) {
	failed := complete("a", conformance.Result{Outcome: conformance.Ran})
	failed.Results["late-ack"] = conformance.Result{Outcome: conformance.Failed}
	partial := complete("a", conformance.Result{Outcome: conformance.Ran})
	delete(partial.Results, "late-ack")
	for name, test := range map[string]struct {
		reports []conformance.Report
		require string
		want    string
	}{
		"failed":           {[]conformance.Report{failed}, "", "check late-ack failed"},
		"partial":          {[]conformance.Report{partial}, "", "check late-ack has no result"},
		"required":         {[]conformance.Report{complete("a", conformance.Result{Outcome: conformance.Ran})}, "a, b", `profile "b" is required`},
		"required missing": {[]conformance.Report{{Profile: "b", Missing: "no server"}}, "b", `profile "b" is required`},
		"nothing":          {nil, "", "no results"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CONFORMANCE_REQUIRE", test.require)
			out := filepath.Join(t.TempDir(), "MATRIX.md")
			err := run(write(t, test.reports...), nil, out, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v; want %q", err, test.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("the page was written")
			}
		})
	}
}

func TestKeptResultsFillInForProfilesThatDidNotRun(t *testing.T) {
	ran, waived := conformance.Result{Outcome: conformance.Ran}, conformance.Result{Outcome: conformance.Waived, Reason: "a reason"}
	older := complete("b", waived)
	delete(older.Results, "late-ack")
	kept := []string{write(t, complete("a", waived), older), write(t, complete("c", waived))}
	dir := write(t, complete("a", ran), conformance.Report{Profile: "b", Missing: "no server"})
	var page strings.Builder
	if err := run(dir, kept, "", &page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| check | promise | a | b | c | mutants |", "| ran | waived (1) | waived (1) |", "| ran | absent (2) | waived (1) |", "2. not run there since",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	t.Setenv("CONFORMANCE_REQUIRE", "c")
	if err := run(dir, kept, "", &page); err == nil || !strings.Contains(err.Error(), `profile "c" is required`) {
		t.Errorf("error %v; want one that a kept result does not satisfy", err)
	}
	t.Setenv("CONFORMANCE_REQUIRE", "")
	if err := run(dir, []string{write(t, complete("c", conformance.Result{Outcome: conformance.Failed}))}, "", &page); err == nil {
		t.Error("a kept failure was taken")
	}
}
