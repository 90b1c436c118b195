package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// withPayloads is a configuration file with this queue and a store in a directory, and
// that.
func withPayloads(t *testing.T, q *memQueue, more string) (path, dir string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(t.TempDir(), "longshore.yaml")
	text := "queues: {q: {url: '" + q.url + "'}}\npayloads: {url: 'file://" + filepath.ToSlash(dir) + "'" + more + "}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, dir
}

func objects(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// A task of 2 MB is sent, fails, is shown with its payload, is redriven and done.
func TestALargeTaskOnTheCommandLine(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	config, dir := withPayloads(t, q, "")
	data := `"` + strings.Repeat("payload ", 2<<20/8) + `"`
	if e := here(t, data, "send", "--config", config, "--kind", "large"); e.code != 0 || objects(t, dir) != 1 {
		t.Fatalf("send: exit code %d, %d objects, and it says\n%s", e.code, objects(t, dir), e.err)
	}
	e := here(t, "", "work", "--config", config, "--until-empty", "1s", "--exec", "exit 65")
	if e.code != 1 {
		t.Errorf("work: exit code %d, and it says\n%s", e.code, e.err)
	}
	id := messageIDs(t, q)[0]
	e = here(t, "", "dlq", "show", "--config", config, "--id", id, "--json")
	var shown struct{ Body, DataRef, Payload string }
	if err := json.Unmarshal([]byte(e.out), &shown); err != nil || e.code != 0 || e.err != "" {
		t.Fatalf("show: exit code %d, %v, and it says\n%s", e.code, err, e.err)
	}
	if shown.Payload != data || len(shown.Body) > 2000 || !strings.HasPrefix(shown.DataRef, "file://") {
		t.Errorf("it shows a body of %d bytes, a payload of %d and %q", len(shown.Body), len(shown.Payload), shown.DataRef)
	}
	if e := here(t, "", "dlq", "show", "--queue", q.url, "--id", id); e.code != 0 || strings.Contains(e.out, "\npayload") {
		t.Errorf("without a file: exit code %d, and it shows\n%.2000s", e.code, e.out)
	}
	if e := here(t, "", "dlq", "redrive", "--queue", q.url); e.code != 0 {
		t.Errorf("redrive: exit code %d, and it says\n%s", e.code, e.err)
	}
	counted := filepath.Join(t.TempDir(), "counted")
	e = here(t, "", "work", "--config", config, "--until-empty", "1s", "--exec", "wc -c > "+counted)
	if got, err := os.ReadFile(counted); e.code != 0 || err != nil || strings.TrimSpace(string(got)) != "2097154" {
		t.Errorf("work: exit code %d, %q (%v), and it says\n%s", e.code, got, err, e.err)
	}
	if n := objects(t, dir); n != 1 {
		t.Errorf("%d objects; want 1", n)
	}
}

func TestRunTakesLargeLinesWithAStore(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	config, dir := withPayloads(t, q, ", compression: zstd")
	e := here(t, strings.Repeat("x", 2<<20)+"\nsmall\n", "run", "--config", config, "--exec", "wc -c")
	if e.code != 0 || !strings.Contains(e.out, "2097152") || objects(t, dir) > 1 {
		t.Errorf("exit code %d, %d objects, and it says\n%s\n%s", e.code, objects(t, dir), e.out, e.err)
	}
}

func TestTroubleWithTheStoreIsTold(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	config, dir := withPayloads(t, q, "")
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"send", "--kind", "large", "1"}, {"work", "--exec", "true"}, {"run", "--exec", "true"}, {"dlq", "show", "--id", "x"},
	} {
		e := here(t, "x\n", append(command, "--config", config)...)
		if e.code != 2 || !strings.Contains(e.err, "create_dir") || !strings.Contains(e.err, "correct payloads in") {
			t.Errorf("%s: exit code %d, and it says\n%s", command[0], e.code, e.err)
		}
	}
}
