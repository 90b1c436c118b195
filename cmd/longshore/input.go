package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
)

// keptOfLong is how much of a line over the limit is kept, to tell which it was.
const keptOfLong = 1 << 10

// line is one line of the input.
type line struct {
	number int    // from 1, empty lines counted
	data   []byte // without its newline; of a line over the limit its first keptOfLong bytes
	size   int    // in bytes, without its newline
}

func (l *line) cut() bool { return len(l.data) < l.size }

// lineReader reads lines of at most limit bytes. It holds no more of a longer
// one than that.
type lineReader struct {
	in     *bufio.Reader
	limit  int
	number int
}

func newLineReader(in io.Reader, limit int) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(in, 64<<10), limit: limit}
}

// next reads the next line that is not empty. The error is io.EOF at the end of
// the input, else what reading it answered; what came of a line before such an
// error is a part of it and dropped.
func (r *lineReader) next() (line, error) {
	keep := min(keptOfLong, r.limit)
	for {
		l := line{number: r.number + 1}
		for {
			part, err := r.in.ReadSlice('\n')
			ended := err == nil
			if ended {
				part = part[:len(part)-1]
			}
			l.size += len(part)
			switch {
			case l.size <= r.limit:
				l.data = append(l.data, part...)
			case len(l.data) > keep:
				l.data = bytes.Clone(l.data[:keep])
			case len(l.data) < keep:
				l.data = append(l.data, part[:min(len(part), keep-len(l.data))]...)
			}
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) && (!errors.Is(err, io.EOF) || l.size == 0) {
				return line{}, err
			}
			if ended || errors.Is(err, io.EOF) {
				break
			}
		}
		r.number++
		if l.size > 0 {
			return l, nil
		}
	}
}

// read reads lines into a channel, which it closes when the input or ctx has
// ended; then the returned function says why. A read that waits for input cannot
// be cancelled: when ctx ends meanwhile, the goroutine stays in it until more
// input, its end or that of the process.
func (r *lineReader) read(ctx context.Context) (<-chan line, func() error) {
	lines := make(chan line)
	var failure error // written before lines is closed
	go func() {
		defer close(lines)
		for {
			l, err := r.next()
			if err != nil {
				failure = err
				return
			}
			select {
			case lines <- l:
			case <-ctx.Done():
				failure = ctx.Err()
				return
			}
		}
	}()
	return lines, func() error { return failure }
}
