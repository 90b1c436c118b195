// Matrix writes MATRIX.md from the results of conformance runs. It runs the tests
// called TestConformance of packages itself, or takes a directory of results that
// runs with CONFORMANCE_RESULTS (an absolute path) and -count=1 have left:
//
//	matrix -o conformance/MATRIX.md -test ./drivers/...
//	matrix -o conformance/MATRIX.md results
//
// With -kept DIRECTORY, once or more, it adds the results there of profiles that have
// none in this run: those that need more than every machine has, as they were last
// seen and committed. A check that is newer than they are is absent there.
//
// It fails, and writes nothing, when a check failed or did not run, or when a
// profile named in CONFORMANCE_REQUIRE has no results in this run.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/conformance/mutants"
)

func main() {
	out := flag.String("o", "", "write to `FILE` in place of standard output")
	packages := flag.String("test", "", "run the tests of `PACKAGES` first, in place of a directory of results")
	var kept []string
	flag.Func("kept", "add the results in `DIRECTORY` of profiles that have not been run now; may be given again", func(dir string) error {
		kept = append(kept, dir)
		return nil
	})
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: matrix [-o FILE] [-kept DIRECTORY]... -test PACKAGES | DIRECTORY")
		flag.PrintDefaults()
	}
	flag.Parse()
	if (flag.NArg() != 1) == (*packages == "") || flag.NArg() > 1 {
		flag.Usage()
		os.Exit(2)
	}
	var err error
	if *packages != "" {
		err = test(*packages, kept, *out, os.Stdout)
	} else {
		err = run(flag.Arg(0), kept, *out, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

// test runs the suite and makes the page of its results.
func test(packages string, kept []string, out string, stdout io.Writer) error {
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := exec.CommandContext(context.Background(), "go", "test", "-count=1", "-run", "^TestConformance", packages)
	c.Env = append(os.Environ(), "CONFORMANCE_RESULTS="+dir)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("go test %s: %w", packages, err)
	}
	return run(dir, kept, out, stdout)
}

func run(dir string, kept []string, out string, stdout io.Writer) error {
	reports, err := load(dir)
	if err != nil {
		return err
	}
	if err := check(reports, conformance.Required()); err != nil {
		return err
	}
	for _, dir := range kept {
		if reports, err = keep(reports, dir); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	render(&b, reports, mutants.All())
	if out == "" {
		_, err = b.WriteTo(stdout)
		return err
	}
	return os.WriteFile(out, b.Bytes(), 0o666)
}

// load reads all reports, sorted by profile.
func load(dir string) ([]conformance.Report, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no results in %s; run the tests with CONFORMANCE_RESULTS=%s and -count=1", dir, dir)
	}
	var reports []conformance.Report
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var r conformance.Report
		if err := json.Unmarshal(b, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		reports = append(reports, r)
	}
	sortReports(reports)
	return reports, nil
}

// keep adds the reports in the directory of profiles that are not in reports, or
// are missing there.
func keep(reports []conformance.Report, dir string) ([]conformance.Report, error) {
	more, err := load(dir)
	if err != nil {
		return nil, err
	}
	for _, r := range more {
		same := func(o conformance.Report) bool { return o.Profile == r.Profile }
		if slices.ContainsFunc(reports, func(o conformance.Report) bool { return same(o) && o.Missing == "" }) {
			continue
		}
		for _, c := range conformance.Checks() {
			if _, ok := r.Results[c.Name]; !ok && r.Missing == "" && r.Has(c) {
				r.Results[c.Name] = conformance.Result{Outcome: conformance.Absent, Reason: "not run there since the check was written"}
			}
		}
		if err := check([]conformance.Report{r}, nil); err != nil {
			return nil, err
		}
		reports = append(slices.DeleteFunc(reports, same), r)
	}
	sortReports(reports)
	return reports, nil
}

func sortReports(reports []conformance.Report) {
	slices.SortFunc(reports, func(a, b conformance.Report) int { return strings.Compare(a.Profile, b.Profile) })
}

// check refuses reports of runs that failed or were not complete.
func check(reports []conformance.Report, required []string) error {
	var errs []error
	there := make(map[string]bool)
	for _, r := range reports {
		if r.Missing != "" {
			continue
		}
		there[r.Profile] = true
		for _, c := range conformance.Checks() {
			switch result, ok := r.Results[c.Name]; {
			case !r.Has(c):
			case !ok:
				errs = append(errs, fmt.Errorf("%s: check %s has no result; run all checks", r.Profile, c.Name))
			case result.Outcome == conformance.Failed:
				errs = append(errs, fmt.Errorf("%s: check %s failed", r.Profile, c.Name))
			}
		}
	}
	for _, profile := range required {
		if !there[profile] {
			errs = append(errs, fmt.Errorf("profile %q is required and absent", profile))
		}
	}
	return errors.Join(errs...)
}
