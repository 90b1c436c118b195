package chaos

import (
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

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
			got := judge([]runtime.TaskID{"a"}, runsOf(test.entries), test.kills)
			unexplained := test.want.duplicates - test.want.killed - test.want.lapsed
			if len(got.lost) != len(test.want.lost) || got.duplicates != test.want.duplicates || got.killed != test.want.killed ||
				got.lapsed != test.want.lapsed || len(got.unexplained) != unexplained {
				t.Errorf("got %+v; want %+v, %d unexplained", got, test.want, unexplained)
			}
		})
	}
}
