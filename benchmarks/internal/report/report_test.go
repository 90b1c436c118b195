package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/report"
)

var update = flag.Bool("update", false, "write the golden page anew")

func TestThePage(t *testing.T) {
	machine := report.Machine{
		CPU: "A processor", Cores: 2, Memory: "8.0 GiB", System: "linux/amd64", Go: "go1.26.0",
		Date: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
	}
	sections := []report.Section{
		{
			Order: 2, Title: "Second", Method: "How.", Columns: []string{"", "p50"}, Rows: [][]string{{"wait", "12µs"}},
			Libraries: []report.Library{{"example.com/peer", "v1.2.3"}, {"A store", "7.0"}},
		},
		{
			Order: 1, Title: "First", Method: "A number\nof lines.", Columns: []string{"", "tasks/s", "does"},
			Rows: [][]string{{"ours", "100", "this | that"}, {"theirs", "50", "this"}}, Results: []string{"ours has 2.00 times the rate"},
			Absent: []string{"another: absent: there is none"}, Libraries: []report.Library{{"example.com/peer", "v1.2.3"}},
		},
	}
	directory := t.TempDir()
	for i, s := range sections {
		if err := s.Save(filepath.Join(directory, "new", string(rune('a'+i))+".json")); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := report.Load(filepath.Join(directory, "new"))
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if err := report.Render(&page, machine, loaded); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "page.md")
	if *update {
		if err := os.WriteFile(golden, page.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(page.Bytes(), want) {
		t.Errorf("the page differs from %s (%v); run the test with -update if that is right\n%s", golden, err, page.Bytes())
	}
}

func TestNothingRecordedIsAnError(t *testing.T) {
	if _, err := report.Load(t.TempDir()); err == nil {
		t.Error("there is no error")
	}
}
