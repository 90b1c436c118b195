package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Report is what one run found on one profile. Package conformance/cmd/matrix
// makes MATRIX.md of them.
type Report struct {
	Profile string
	Layer   Layer             `json:",omitempty"` // that the profile has alone; empty for all
	Missing string            `json:",omitempty"` // why the profile did not run
	Results map[string]Result `json:",omitempty"` // by check
}

// Has says whether a check is one of the profile's.
func (r *Report) Has(c Check) bool { return r.Layer == "" || r.Layer == c.Layer }

// lasting is the report without what differs from run to run: how exactly a
// waived check failed.
func (r *Report) lasting() Report {
	l := *r
	l.Results = make(map[string]Result, len(r.Results))
	for name, result := range r.Results {
		if result.Outcome == Waived {
			result.Failures = nil
		}
		l.Results[name] = result
	}
	return l
}

// save writes the report to the directory in CONFORMANCE_RESULTS, if it is set.
func (r *Report) save() error {
	dir := os.Getenv("CONFORMANCE_RESULTS")
	if dir == "" {
		return nil
	}
	b, err := json.MarshalIndent(r.lasting(), "", "\t")
	if err != nil {
		return fmt.Errorf("encode results of %q: %w", r.Profile, err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("save results of %q: %w", r.Profile, err)
	}
	name := strings.ReplaceAll(r.Profile, " ", "-") + ".json"
	if err := os.WriteFile(filepath.Join(dir, name), append(b, '\n'), 0o666); err != nil {
		return fmt.Errorf("save results of %q: %w", r.Profile, err)
	}
	return nil
}
