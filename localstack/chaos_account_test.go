package localstack_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
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

// run is one run of a handler.
type run struct {
	worker, attempt int
	began, ended    time.Time // ended is zero for one that was cut short
	lease           time.Time // its end, with its extensions
}

// runs are the runs of each task, in the order in which they began.
func runsOf(entries []entry) map[runtime.TaskID][]run {
	all := make(map[runtime.TaskID][]run)
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b entry) int { return a.At.Compare(b.At) })
	for _, e := range entries {
		if e.Op == "began" {
			all[e.Task] = append(all[e.Task], run{worker: e.Worker, attempt: e.Attempt, began: e.At, lease: e.Lease})
			continue
		}
		for i := range slices.Backward(all[e.Task]) {
			r := &all[e.Task][i]
			if r.worker != e.Worker {
				continue
			}
			if e.Op == "ended" {
				r.ended = e.At
			} else {
				r.lease = e.Lease
			}
			break
		}
	}
	return all
}

// verdict is what became of the tasks.
type verdict struct {
	lost        []runtime.TaskID // no run came to its end
	duplicates  int              // runs beyond the first
	killed      int              // duplicates after the kill of the earlier run's process
	lapsed      int              // duplicates after the end of the earlier run's lease
	unexplained []string
}

// judgeRuns looks for tasks that were lost and for runs that nothing explains. A
// second run is explained when by its start the process of every earlier one had
// been killed, or its lease had ended.
func judgeRuns(sent []runtime.TaskID, runs map[runtime.TaskID][]run, killed map[int]time.Time) verdict {
	var v verdict
	for _, id := range sent {
		if !slices.ContainsFunc(runs[id], func(r run) bool { return !r.ended.IsZero() }) {
			v.lost = append(v.lost, id)
		}
		for i, later := range runs[id] {
			if i == 0 {
				continue
			}
			v.duplicates++
			byKill := false
			for _, earlier := range runs[id][:i] {
				at, dead := killed[earlier.worker]
				switch {
				case dead && !at.After(later.began):
					byKill = true
				case !earlier.lease.After(later.began):
				default:
					v.unexplained = append(v.unexplained, fmt.Sprintf("task %s ran on worker %d from %s with a lease to %s, and on worker %d from %s, attempt %d",
						id, earlier.worker, clock(earlier.began), clock(earlier.lease), later.worker, clock(later.began), later.attempt))
				}
			}
			if byKill {
				v.killed++
			} else {
				v.lapsed++
			}
		}
	}
	v.lapsed -= min(v.lapsed, len(v.unexplained))
	return v
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }

// journal reads what the workers write, while they do.
type journal struct {
	file    *os.File
	rest    []byte // of a line that is not complete yet
	entries []entry
	done    map[runtime.TaskID]bool // tasks of which a run has come to its end
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

func TestADuplicateIsExplainedByAKillOrALapsedLeaseOnly(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	began := func(worker, s, lease int) entry {
		return entry{Op: "began", Task: "a", Worker: worker, At: at(s), Lease: at(lease)}
	}
	ended := func(worker, s int) entry { return entry{Op: "ended", Task: "a", Worker: worker, At: at(s)} }
	extended := func(worker, s, lease int) entry {
		return entry{Op: "extended", Task: "a", Worker: worker, At: at(s), Lease: at(lease)}
	}
	for name, test := range map[string]struct {
		entries []entry
		kills   map[int]time.Time
		want    verdict
	}{
		"one run":                {[]entry{began(1, 0, 10), ended(1, 5)}, nil, verdict{}},
		"never run":              {nil, nil, verdict{lost: []runtime.TaskID{"a"}}},
		"cut short":              {[]entry{began(1, 0, 10)}, map[int]time.Time{1: at(1)}, verdict{lost: []runtime.TaskID{"a"}}},
		"after a kill":           {[]entry{began(1, 0, 10), began(2, 5, 15), ended(2, 6)}, map[int]time.Time{1: at(4)}, verdict{duplicates: 1, killed: 1}},
		"before the kill":        {[]entry{began(1, 0, 10), began(2, 5, 15), ended(2, 6)}, map[int]time.Time{1: at(6)}, verdict{duplicates: 1}},
		"after the lease":        {[]entry{began(1, 0, 10), began(2, 10, 20), ended(2, 11)}, nil, verdict{duplicates: 1, lapsed: 1}},
		"within the lease":       {[]entry{began(1, 0, 10), began(2, 9, 20), ended(2, 11)}, nil, verdict{duplicates: 1}},
		"within the extension":   {[]entry{began(1, 0, 10), extended(1, 5, 15), began(2, 12, 20), ended(2, 13)}, nil, verdict{duplicates: 1}},
		"after what was acked":   {[]entry{began(1, 0, 10), ended(1, 1), began(2, 3, 13), ended(2, 4)}, nil, verdict{duplicates: 1}},
		"by the second, not all": {[]entry{began(1, 0, 30), began(2, 3, 5), began(3, 6, 9), ended(3, 7)}, map[int]time.Time{1: at(5)}, verdict{duplicates: 2, killed: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			got := judgeRuns([]runtime.TaskID{"a"}, runsOf(test.entries), test.kills)
			unexplained := test.want.duplicates - test.want.killed - test.want.lapsed
			if len(got.lost) != len(test.want.lost) || got.duplicates != test.want.duplicates || got.killed != test.want.killed ||
				got.lapsed != test.want.lapsed || len(got.unexplained) != unexplained {
				t.Errorf("got %+v; want %+v, %d unexplained", got, test.want, unexplained)
			}
		})
	}
}

// highest is the highest attempt of all runs.
func highest(runs map[runtime.TaskID][]run) int {
	attempt := 0
	for _, rs := range runs {
		for _, r := range rs {
			attempt = max(attempt, r.attempt)
		}
	}
	return attempt
}
