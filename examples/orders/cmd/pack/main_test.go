package main

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPackIsTheSameEachTime(t *testing.T) {
	write := func(at time.Time) []byte {
		dir := t.TempDir()
		bootstrap, config := filepath.Join(dir, "bootstrap"), filepath.Join(dir, "sqs.yaml")
		for _, path := range []string{bootstrap, config} {
			if err := os.WriteFile(path, bytes.Repeat([]byte("some text "), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(dir, "out.zip")
		if err := pack(out, []string{bootstrap, config}); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}

	first, second := write(time.Now()), write(time.Now().Add(-time.Hour))

	if !bytes.Equal(first, second) {
		t.Error("the same files make another zip")
	}
	r, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]fs.FileMode{"bootstrap": 0o755, "sqs.yaml": 0o644}
	for _, f := range r.File {
		if f.Mode() != modes[f.Name] || f.UncompressedSize64 != 10_000 || !f.Modified.Equal(epoch) {
			t.Errorf("%s: %v, %d bytes, %v", f.Name, f.Mode(), f.UncompressedSize64, f.Modified)
		}
	}
	if len(r.File) != 2 {
		t.Errorf("%d files, want 2", len(r.File))
	}
}

func TestPackRefuses(t *testing.T) {
	dir := t.TempDir()
	bootstrap := filepath.Join(dir, "bootstrap")
	if err := os.WriteFile(bootstrap, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "sqs.yaml")
	if err := os.WriteFile(other, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][]string{
		"nothing": nil, "a missing file": {bootstrap, filepath.Join(dir, "none")}, "one twice": {bootstrap, bootstrap}, "no bootstrap": {other},
	} {
		out := filepath.Join(dir, "out.zip")
		if err := pack(out, files); err == nil {
			t.Errorf("%s: it packs", name)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: half of a zip is left", name)
		}
	}
}
