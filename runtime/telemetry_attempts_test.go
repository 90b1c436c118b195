package runtime

import "testing"

func TestEachAttemptIsCountedOnce(t *testing.T) {
	var e endings
	for attempt := range 15 { // from 0, which is none
		e.count(attempt)
	}
	for i := range e {
		want := map[string]int64{"1": 2, laterAttempts: 4}[attemptName(i)]
		if got := e[i].Load(); got != max(1, want) {
			t.Errorf("attempt %s: %d, want %d", attemptName(i), got, max(1, want))
		}
	}
}
