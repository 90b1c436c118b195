package main

import (
	"errors"
	"fmt"
	"io"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll reads all lines as "number:data", with the size where it differs.
func readAll(r *lineReader) (lines []string, err error) {
	for {
		l, err := r.next()
		if err != nil {
			return lines, err
		}
		s := fmt.Sprintf("%d:%s", l.number, l.data)
		if l.cut() {
			s += fmt.Sprintf(":%d", l.size)
		}
		lines = append(lines, s)
	}
}

func TestLineReader(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	tests := []struct {
		name, in string
		limit    int
		want     []string
	}{
		{"empty", "", 10, nil},
		{"only newlines", "\n\n", 10, nil},
		{"lines", "a\nb\n", 10, []string{"1:a", "2:b"}},
		{"no newline at the end", "a\nb", 10, []string{"1:a", "2:b"}},
		{"empty lines count in numbers", "\na\n\n\nb\n\n", 10, []string{"2:a", "5:b"}},
		{"a carriage return stays", "a\r\n", 10, []string{"1:a\r"}},
		{"bytes stay", "\x00\xff\n", 10, []string{"1:\x00\xff"}},
		{"at the limit", "1234567890\na\n", 10, []string{"1:1234567890", "2:a"}},
		{"over the limit", "12345678901\na\n", 10, []string{"1:1234567890:11", "2:a"}},
		{"longer than a buffer", long + "\na", 1 << 20, []string{"1:" + long, "2:a"}},
		{"much over the limit", long + "\na", 70 << 10, []string{"1:" + long[:keptOfLong] + ":204800", "2:a"}},
		{"over the limit at the end", "a\n" + long, 70 << 10, []string{"1:a", "2:" + long[:keptOfLong] + ":204800"}},
	}
	for _, tt := range tests {
		for name, in := range map[string]io.Reader{
			"at once": strings.NewReader(tt.in), "in halves": iotest.HalfReader(strings.NewReader(tt.in)),
		} {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				got, err := readAll(newLineReader(in, tt.limit))
				if !errors.Is(err, io.EOF) || !slices.Equal(got, tt.want) {
					t.Errorf("got %.100q, %v; want %.100q", got, err, tt.want)
				}
			})
		}
	}
}

func TestLineReaderReportsAFailure(t *testing.T) {
	broken := errors.New("broken")
	got, err := readAll(newLineReader(io.MultiReader(strings.NewReader("a\npart"), iotest.ErrReader(broken)), 10))
	if !errors.Is(err, broken) || !slices.Equal(got, []string{"1:a"}) {
		t.Errorf("got %q, %v; want the whole lines and the failure", got, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestLineReaderHoldsNoLongLine(t *testing.T) {
	const limit, size = 256 << 10, 64 << 20
	r := newLineReader(io.LimitReader(endless{}, size), limit)
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)

	l, err := r.next()

	goruntime.ReadMemStats(&after)
	if err != nil || l.size != size || len(l.data) != keptOfLong || cap(l.data) > 2*keptOfLong {
		t.Fatalf("got a line of %d bytes that holds %d (%v)", l.size, cap(l.data), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 8*limit {
		t.Errorf("reading it allocated %d bytes in all, for a limit of %d", took, limit)
	}
}
