package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readFailures reads a failed file.
func readFailures(t *testing.T, path string) []failure {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []failure
	for line := range strings.Lines(string(data)) {
		var f failure
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, f)
	}
	return all
}

func noFallback(t *testing.T) func(string) {
	return func(record string) { t.Errorf("not written to the file: %s", record) }
}

func TestFailedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "failed.jsonl")
	f, err := newFailedFile(path, noFallback(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the file exists before there is anything to write: %v", err)
	}
	text := failure{Line: 3, ID: "x-3", Reason: "permanent", Attempts: 2, Error: "no <way>"}
	text.setPayload([]byte("a<b> \x1b"))
	binary := failure{Line: 4, Reason: reasonRefused, Truncated: true}
	binary.setPayload([]byte{0xff, 0})

	f.write(&text)
	f.write(&binary)

	got, written, err := f.close()
	if got != path || written != 2 || err != nil {
		t.Fatalf("close = %q, %d, %v", got, written, err)
	}
	data, _ := os.ReadFile(path)
	want := `{"line":3,"id":"x-3","payload":"a<b> \u001b","reason":"permanent","attempts":2,"error":"no <way>"}
{"line":4,"payload_base64":"/wA=","truncated":true,"reason":"refused","attempts":0}
`
	if string(data) != want {
		t.Errorf("the file holds\n%swant\n%s", data, want)
	}
}

func TestFailedFileIsNeverOverwritten(t *testing.T) {
	t.Chdir(t.TempDir())
	for n, want := range []string{"longshore-failed.jsonl", "longshore-failed-2.jsonl", "longshore-failed-3.jsonl"} {
		f, err := newFailedFile("", noFallback(t))
		if err != nil {
			t.Fatal(err)
		}
		f.write(&failure{Line: n})
		if path, _, err := f.close(); path != want || err != nil {
			t.Errorf("file %d is %q, want %q (%v)", n, path, want, err)
		}
		if got := readFailures(t, want); len(got) != 1 || got[0].Line != n {
			t.Errorf("%s holds %v", want, got)
		}
	}
}

func TestFailedFileMadeMeanwhileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "failed.jsonl")
	f, err := newFailedFile(path, noFallback(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}

	f.write(&failure{Line: 1})

	got, _, err := f.close()
	if want := strings.TrimSuffix(path, ".jsonl") + "-2.jsonl"; got != want || err != nil {
		t.Errorf("path %q, want %q (%v)", got, want, err)
	}
	if data, _ := os.ReadFile(path); string(data) != "theirs" {
		t.Errorf("their file became %q", data)
	}
}

func TestFailedFileRefusesAtStart(t *testing.T) {
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		there: "exists already", dir: "is a directory", filepath.Join(dir, "no", "file"): "there is no directory",
		filepath.Join(there, "file"): "not a directory", "-": "is no file",
	} {
		if _, err := newFailedFile(path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if _, err := newFailedFile(os.DevNull, nil); err != nil {
		t.Errorf("a device: %v", err)
	}
}

func TestFailedFileFallsBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var records []string
	f, err := newFailedFile(filepath.Join(dir, "failed.jsonl"), func(record string) { records = append(records, record) })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}

	f.write(&failure{Line: 1, Reason: "a"})
	f.write(&failure{Line: 2, Reason: "b"})

	_, written, err := f.close()
	if written != 0 || err == nil {
		t.Errorf("close = %d written, %v; want none and why", written, err)
	}
	if want := `{"line":1,"reason":"a","attempts":0}`; len(records) != 2 || records[0] != want {
		t.Errorf("the fallback got %q, want %q first", records, want)
	}
}
