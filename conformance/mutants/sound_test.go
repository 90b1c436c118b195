package mutants_test

import (
	"testing"

	"github.com/longshore-dev/longshore/conformance"
)

// Each sound queue passes all checks, or a mutant of it would prove nothing. The
// limited one refuses almost everything.
func TestSoundQueuesPass(t *testing.T) {
	for name, p := range profiles() {
		refused := 0
		for _, c := range conformance.Checks() {
			if name == "limited" && c.Layer == conformance.LayerWorker {
				continue // the worker asks for a broker that can delay, and counts
			}
			switch r := conformance.Try(t, p.backend, p.want, c); r.Outcome {
			case conformance.Ran:
			case conformance.Refused:
				refused++
			default:
				t.Errorf("%s: check %s %s: %q", name, c.Name, r.Outcome, r.Failures)
			}
		}
		if name == "limited" && refused < 15 {
			t.Errorf("limited: %d checks saw a refusal; want most of what brokers refuse", refused)
		}
	}
}
