package armed_test

import (
	"testing"

	"github.com/longshore-dev/longshore/drivers/internal/armed"
)

func TestFaultsStrike(t *testing.T) {
	var faults armed.Faults[string]
	struck := func(op string) string {
		if f := faults.Strike(func(f *string) bool { return (*f)[:1] == op }); f != nil {
			return *f
		}
		return ""
	}
	if got := struck("a"); got != "" {
		t.Errorf("without a fault %q strikes", got)
	}
	faults.Arm("a1", 1, 2)
	disarm := faults.Arm("a2", 0, 0)
	faults.Arm("b1", 0, 1)
	for i, step := range []struct{ op, want string }{
		{"a", "a2"}, // the first passes the first
		{"a", "a1"}, {"a", "a1"}, {"a", "a2"}, {"a", "a2"},
		{"c", ""}, {"b", "b1"}, {"b", ""},
	} {
		if got := struck(step.op); got != step.want {
			t.Errorf("operation %d, %s, is struck by %q, want %q", i, step.op, got, step.want)
		}
	}
	disarm()
	disarm() // does nothing
	if got := struck("a"); got != "" {
		t.Errorf("what is disarmed strikes: %q", got)
	}
}
