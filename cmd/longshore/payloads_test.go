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

// What --payloads names takes a file's place, and needs none. What was compressed by a
// program with a file is read without one.
func TestAStoreWithoutAFile(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	config, other := withPayloads(t, q, ", compression: zstd, threshold: 1KiB")
	dir := t.TempDir()
	store := "file://" + filepath.ToSlash(dir) + "?prefix=tasks/"
	data := `"` + noise(2<<20) + `"`
	for _, flags := range [][]string{{"--queue", q.url}, {"--config", config}} {
		args := append([]string{"send", "--kind", "large", "--payloads", store}, flags...)
		if e := here(t, data, args...); e.code != 0 {
			t.Fatalf("send %s: exit code %d, and it says\n%s", flags[0], e.code, e.err)
		}
	}
	if n, others := objects(t, filepath.Join(dir, "tasks")), objects(t, other); n != 2 || others != 0 {
		t.Errorf("%d objects in the store of the flag and %d in that of the file", n, others)
	}
	if e := here(t, "", "work", "--queue", q.url, "--payloads", store, "--until-empty", "1s", "--exec", "exit 65"); e.code != 1 || !strings.Contains(e.err, "2 dead") {
		t.Errorf("work: exit code %d, and it says\n%s", e.code, e.err)
	}
	for _, id := range messageIDs(t, q) {
		e := here(t, "", "dlq", "show", "--queue", q.url, "--payloads", store, "--id", id, "--json")
		var shown struct{ Payload string }
		if err := json.Unmarshal([]byte(e.out), &shown); err != nil || shown.Payload != data {
			t.Errorf("show: exit code %d, %v, %d bytes, and it says\n%s", e.code, err, len(shown.Payload), e.err)
		}
	}
	if e := here(t, noise(2<<20)+"\n", "run", "--queue", q.url, "--payloads", store, "--exec", "wc -c"); e.code != 0 || !strings.Contains(e.out, "2097152") {
		t.Errorf("run: exit code %d, and it says\n%s\n%s", e.code, e.out, e.err)
	}
	if n := objects(t, filepath.Join(dir, "tasks")); n != 3 {
		t.Errorf("%d objects after run; want 3", n)
	}
}

// A worker knows how to decompress without being told.
func TestWorkDecompresses(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	config, _ := withPayloads(t, q, ", compression: zstd")
	if e := here(t, `"`+strings.Repeat("x", 10_000)+`"`, "send", "--config", config, "--kind", "small"); e.code != 0 {
		t.Fatalf("send: exit code %d, and it says\n%s", e.code, e.err)
	}
	if e := here(t, "", "work", "--queue", q.url, "--until-empty", "1s", "--exec", "[ $(wc -c) = 10002 ]"); e.code != 0 || !strings.Contains(e.err, "1 succeeded") {
		t.Errorf("work: exit code %d, and it says\n%s", e.code, e.err)
	}
}

// noise hardly compresses.
func noise(n int) string {
	b := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[x%64]
	}
	return string(b)
}

func TestAWrongStoreIsRefused(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	for store, want := range map[string]string{
		"":                                 "--payloads is empty",
		"bucket":                           "no scheme",
		"ftp://bucket":                     "known are azblob, file, gs, s3",
		"s3://hunter2:hunter2@bucket":      "has a user",
		"s3://bucket?secret=hunter2":       "unknown query parameter",
		"file:///nowhere/at/all":           "create_dir",
		"s3://bucket/path?region=x":        "prefix=path/",
		"azblob://c?storage_account=a&x=1": "unknown query parameter",
	} {
		for _, command := range [][]string{
			{"send", "--kind", "large", "1"}, {"work", "--exec", "true"}, {"run", "--exec", "true"}, {"dlq", "show", "--id", "x"},
		} {
			e := here(t, "x\n", append(command, "--queue", q.url, "--payloads", store)...)
			if e.code != 2 || !strings.Contains(e.err, want) || !strings.Contains(e.err, "--payloads") || strings.Contains(e.err+e.out, "hunter2") {
				t.Errorf("%s %q: exit code %d, and it says\n%s", command[0], store, e.code, e.err)
			}
		}
	}
}
