// Package guide_test holds the examples of the guide and checks its pages.
package guide_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/driver"
)

func TestTheGuideExplainsEveryReason(t *testing.T) {
	text := pages(t)["delivery.md"]
	for _, reason := range []string{
		driver.ReasonBrokerLimit, driver.ReasonExhausted, driver.ReasonPermanent, driver.ReasonUndecodable, driver.ReasonUnknownKind,
		driver.ReasonExpired, driver.ReasonCrashed, driver.ReasonSnoozed, driver.ReasonMissingObject,
	} {
		if !strings.Contains(text, "\n| `"+reason+"` | ") {
			t.Errorf("the table of reasons has no %s", reason)
		}
	}
}

// The diagram is text that GitHub draws: each line is one that its grammar knows,
// and every state can be reached and left.
func TestTheDiagramIsOne(t *testing.T) {
	diagrams := blocks(pages(t)["delivery.md"], "mermaid")
	if len(diagrams) != 1 {
		t.Fatalf("%d diagrams, want 1", len(diagrams))
	}
	first, rest, _ := strings.Cut(diagrams[0], "\n")
	if first != "stateDiagram-v2" {
		t.Errorf("the diagram begins with %q", first)
	}
	arrow := regexp.MustCompile(`^    (\[\*\]|[A-Z][a-z]+) --> (\[\*\]|[A-Z][a-z]+)(: [A-Za-z, ]+)?$`)
	entered, left := make(map[string]bool), make(map[string]bool)
	for line := range strings.Lines(rest) {
		m := arrow.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			t.Errorf("not an arrow: %q", line)
			continue
		}
		left[m[1]], entered[m[2]] = true, true
	}
	for state := range left {
		if !entered[state] {
			t.Errorf("nothing leads to %s", state)
		}
	}
	for state := range entered {
		if !left[state] {
			t.Errorf("nothing leads from %s", state)
		}
	}
}
