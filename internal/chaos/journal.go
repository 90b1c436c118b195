package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// entry is a line that a worker process writes: a run began or ended, or the
// lease of one that is running was extended.
type entry struct {
	Op      string // began, extended or ended
	Task    runtime.TaskID
	Worker  int
	PID     int
	Attempt int       `json:",omitzero"`
	At      time.Time // of the clock that all processes share
	Lease   time.Time `json:",omitzero"` // the end of the lease
}

// journal reads what the workers write, while they do.
type journal struct {
	file    *os.File
	rest    []byte // of a line that is not complete yet
	entries []entry
	done    map[runtime.TaskID]bool // tasks of which a run has come to its end
}

func newJournal(file *os.File) *journal {
	return &journal{file: file, done: make(map[runtime.TaskID]bool)}
}

// last is when a worker wrote last; zero when none has.
func (j *journal) last() (at time.Time) {
	for _, e := range j.entries {
		if e.At.After(at) {
			at = e.At
		}
	}
	return at
}

// read reads what is new.
func (j *journal) read() error {
	b, err := io.ReadAll(j.file)
	if err != nil {
		return err
	}
	b = append(j.rest, b...)
	for {
		line, rest, complete := bytes.Cut(b, []byte("\n"))
		if !complete {
			j.rest = b
			return nil
		}
		b = rest
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("%s: %w", j.file.Name(), err)
		}
		j.entries = append(j.entries, e)
		if e.Op == "ended" {
			j.done[e.Task] = true
		}
	}
}
