// Package guide_test holds the examples of the guide and checks its pages.
package guide_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/driver"
)

func TestGoOfTheGuideIsCodeThatRuns(t *testing.T) {
	code, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, text := range pages(t) {
		for _, block := range blocks(text, "go") {
			if n++; !strings.Contains(string(code), block) {
				t.Errorf("%s: this is not part of example_test.go:\n%s", name, block)
			}
		}
	}
	if n == 0 {
		t.Error("the guide has no code")
	}
}

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	kept := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(kept, " ", "-")
}

func TestLinksOfTheGuideLeadSomewhere(t *testing.T) {
	texts := pages(t)
	for name, text := range texts {
		for _, m := range regexp.MustCompile(`\]\(([^)]*)\)`).FindAllStringSubmatch(text, -1) {
			path, part, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := text
			if path != "" {
				if _, err := os.Stat(path); err != nil {
					t.Errorf("%s links to %s: %v", name, path, err)
				}
				target = texts[path]
			}
			if part == "" {
				continue
			}
			found := false
			for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(target, -1) {
				found = found || anchor(heading[1]) == part
			}
			if !found {
				t.Errorf("%s links to %s, but there is no such heading", name, m[1])
			}
		}
	}
}

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
