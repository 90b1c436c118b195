package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/longshore-dev/longshore/runtime"
)

// defaultFailed is the file that failed lines are written to.
const defaultFailed = "longshore-failed.jsonl"

// failure is one line of the input that was not done, as it is written to the
// failed file.
type failure struct {
	Line int            `json:"line"`
	ID   runtime.TaskID `json:"id,omitempty"`
	// Payload is the line where it is valid UTF-8, else PayloadBase64 is.
	Payload       string `json:"payload,omitempty"`
	PayloadBase64 []byte `json:"payload_base64,omitempty"`
	// Truncated: the line was over the limit, and the payload is its beginning.
	Truncated bool   `json:"truncated,omitempty"`
	Reason    string `json:"reason"`
	Attempts  int    `json:"attempts"`
	Error     string `json:"error,omitempty"`
}

func (f *failure) setPayload(data []byte) {
	if utf8.Valid(data) {
		f.Payload = string(data)
	} else {
		f.PayloadBase64 = data
	}
}

// failedFile is where the lines go that were not done. It is created with the
// first of them, and never in place of a file that is there. It is safe for
// concurrent use.
type failedFile struct {
	path     string
	numbered bool                // a number is added while the file exists
	fallback func(record string) // takes what the file does not

	mu      sync.Mutex
	file    *os.File // guarded by mu; nil until the first write
	written int      // guarded by mu
	err     error    // guarded by mu; the first failure, after which all goes to fallback
}

// newFailedFile checks that the file can be made. With an empty path it is
// defaultFailed, to which a number is added when it exists. A device or pipe is
// written to as it is.
func newFailedFile(path string, fallback func(record string)) (*failedFile, error) {
	f := &failedFile{path: path, fallback: fallback}
	if path == "" {
		f.path, f.numbered = defaultFailed, true
	}
	info, err := os.Stat(f.path)
	switch {
	case f.path == "-":
		return nil, usagef("give --failed /dev/stdout, or ./- for a file of that name", "--failed - is no file")
	case err == nil && info.IsDir():
		return nil, usagef("name a file that does not exist", "--failed %s is a directory", f.path)
	case err == nil && info.Mode().IsRegular() && !f.numbered:
		return nil, usagef("remove it, or name another file: a file that exists is never written to", "--failed %s exists already", f.path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, usagef("name a file in a directory that exists", "--failed: %w", err)
	}
	if dir, err := os.Stat(filepath.Dir(f.path)); err != nil || !dir.IsDir() {
		return nil, usagef("make it, or name a file elsewhere with --failed FILE", "--failed %s: there is no directory %s", f.path, filepath.Dir(f.path))
	}
	return f, nil
}

// write appends a failure.
func (f *failedFile) write(record *failure) {
	line, err := jsonLine(record)
	if err != nil {
		panic(err) // strings, numbers and bytes always encode
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil && f.err == nil {
		f.file, f.err = f.create()
	}
	if f.err == nil {
		_, f.err = f.file.Write(line)
	}
	if f.err != nil {
		f.fallback(strings.TrimSuffix(string(line), "\n"))
		return
	}
	f.written++
}

func (f *failedFile) create() (*os.File, error) {
	path := f.path
	for n := 2; ; n++ {
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			return os.OpenFile(path, os.O_WRONLY, 0)
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil || !errors.Is(err, fs.ErrExist) {
			f.path = path
			return file, err
		}
		extension := filepath.Ext(f.path)
		path = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(f.path, extension), n, extension)
	}
}

// close ends the file and says how many lines are in it, and why there are not
// more.
func (f *failedFile) close() (path string, written int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil {
		f.err = errors.Join(f.err, f.file.Close())
		f.file = nil
	}
	return f.path, f.written, f.err
}
