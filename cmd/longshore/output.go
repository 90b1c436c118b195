package main

import (
	"bytes"
	"io"
	"sync"
)

// maxHeldLine is how much of a line is kept until it ends. A longer one gets the
// output for itself until then.
const maxHeldLine = 1 << 20

// lineOutput passes the output of commands on in whole lines. It is safe for
// concurrent use through its writers.
type lineOutput struct {
	to     io.Writer
	broken func(error) // told of a write that failed

	mu sync.Mutex // held while writing to to
}

// writer is for one command. Its Close ends the last line.
func (o *lineOutput) writer() *lineWriter { return &lineWriter{out: o} }

func (o *lineOutput) write(p []byte) {
	if _, err := o.to.Write(p); err != nil {
		o.broken(err)
	}
}

// lineWriter is one command's part of a lineOutput. It never fails, as what
// becomes of the output is no fault of the command's. It is not safe for
// concurrent use.
type lineWriter struct {
	out   *lineOutput
	part  []byte // of a line that has not ended
	alone bool   // out.mu is held, for a line over maxHeldLine
}

func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	if w.alone {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			w.out.write(p)
			return n, nil
		}
		w.out.write(p[:end+1])
		w.release()
		p = p[end+1:]
	}
	if end := bytes.LastIndexByte(p, '\n'); end >= 0 {
		w.part = append(w.part, p[:end+1]...)
		w.out.mu.Lock()
		w.out.write(w.part)
		w.out.mu.Unlock()
		w.part, p = w.part[:0], p[end+1:]
	}
	w.part = append(w.part, p...)
	if len(w.part) > maxHeldLine {
		w.out.mu.Lock()
		w.alone = true
		w.out.write(w.part)
		w.part = nil
	}
	return n, nil
}

func (w *lineWriter) release() {
	w.alone = false
	w.out.mu.Unlock()
}

// Close writes what is left of a line without end, and ends it.
func (w *lineWriter) Close() error {
	switch {
	case w.alone:
		w.out.write([]byte{'\n'})
		w.release()
	case len(w.part) > 0:
		_, _ = w.Write([]byte{'\n'})
	}
	return nil
}

// escaped escapes what could control a terminal.
type escaped struct{ to io.Writer }

func (e escaped) Write(p []byte) (int, error) {
	if _, err := io.WriteString(e.to, escapeLines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// tail keeps the last limit bytes that were written to it.
type tail struct {
	limit int
	last  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) > t.limit {
		p = p[len(p)-t.limit:]
	}
	if over := len(t.last) + len(p) - t.limit; over > 0 {
		t.last = t.last[:copy(t.last, t.last[over:])]
	}
	t.last = append(t.last, p...)
	return n, nil
}

// String is what was kept, without a part of a character at its start and white
// space at its ends.
func (t *tail) String() string {
	last := t.last
	for i := 0; i < len(last) && i < 3 && last[0]&0xC0 == 0x80; i++ {
		last = last[1:]
	}
	return string(bytes.TrimSpace(bytes.ToValidUTF8(last, []byte("\uFFFD"))))
}

var (
	_ io.WriteCloser = (*lineWriter)(nil)
	_ io.Writer      = escaped{}
	_ io.Writer      = (*tail)(nil)
)
