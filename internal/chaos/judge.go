package chaos

import (
	"fmt"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

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

// judge looks for tasks that were lost and for runs that nothing explains. A
// second run is explained when by its start the process of every earlier one had
// been killed, or its lease had ended.
func judge(sent []runtime.TaskID, runs map[runtime.TaskID][]run, killed map[int]time.Time) verdict {
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
