package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
)

// written keeps each write.
type written struct{ writes []string }

func (w *written) Write(p []byte) (int, error) {
	w.writes = append(w.writes, string(p))
	return len(p), nil
}

func TestLineWriterWritesWholeLines(t *testing.T) {
	huge := strings.Repeat("h", maxHeldLine+1)
	tests := []struct {
		name      string
		in, wants []string
	}{
		{"nothing", nil, nil},
		{"a line", []string{"a\n"}, []string{"a\n"}},
		{"a line in parts", []string{"a", "b", "c\n"}, []string{"abc\n"}},
		{"lines at once", []string{"a\nb\nc"}, []string{"a\nb\n", "c\n"}},
		{"no newline at the end", []string{"a"}, []string{"a\n"}},
		{"a huge line", []string{huge, "i", "j\nk\n"}, []string{huge, "i", "j\n", "k\n"}},
		{"a huge line without end", []string{huge, "i"}, []string{huge, "i", "\n"}},
		{"an empty line", []string{"\n", "\n"}, []string{"\n", "\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var to written
			w := (&lineOutput{to: &to}).writer()

			for _, s := range tt.in {
				if n, err := w.Write([]byte(s)); n != len(s) || err != nil {
					t.Fatalf("Write = %d, %v", n, err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}

			if !slices.Equal(to.writes, tt.wants) {
				t.Errorf("wrote %.80q, want %.80q", to.writes, tt.wants)
			}
			if !w.out.mu.TryLock() {
				t.Error("the output is still taken")
			}
		})
	}
}

func TestLineOutputNeverMixesLines(t *testing.T) {
	const writers, lines = 8, 200
	var to bytes.Buffer
	out := &lineOutput{to: &to}
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			w := out.writer()
			for range lines {
				size := 10
				if i == 0 {
					size = maxHeldLine / 4 // in 5 parts it is over the limit
				}
				for range 5 {
					_, _ = w.Write(bytes.Repeat([]byte{byte('a' + i)}, size))
				}
				_, _ = w.Write([]byte("\n"))
				if i == 0 {
					break
				}
			}
			_ = w.Close()
		})
	}
	all.Wait()
	n := 0
	for line := range strings.Lines(to.String()) {
		n++
		if strings.Count(line, line[:1]) != len(line)-1 {
			t.Fatalf("a line of several writers: %.80q", line)
		}
	}
	if want := (writers-1)*lines + 1; n != want {
		t.Errorf("%d lines, want %d", n, want)
	}
}

func TestLineOutputTellsOfAFailure(t *testing.T) {
	broken := errors.New("broken")
	var told error
	out := &lineOutput{to: failing{broken}, broken: func(err error) { told = err }}

	n, err := out.writer().Write([]byte("a\n"))

	if n != 2 || err != nil {
		t.Errorf("Write = %d, %v; want no failure for the command", n, err)
	}
	if told != broken {
		t.Errorf("told %v", told)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestTail(t *testing.T) {
	tests := []struct {
		name string
		in   []string
		want string
	}{
		{"nothing", nil, ""},
		{"short", []string{"a", "b"}, "ab"},
		{"the last", []string{"12345", "67890", "abc"}, "67890abc"},
		{"the last of a long one", []string{"xx", "1234567890"}, "34567890"},
		{"a cut character", []string{"é1234567"}, "1234567"},
		{"white space", []string{" a \n"}, "a"},
		{"not UTF-8", []string{"a\xffb"}, "a\uFFFDb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kept := &tail{limit: 8}
			for _, s := range tt.in {
				_, _ = kept.Write([]byte(s))
			}
			if got := kept.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
