package runtime_test

import (
	"os"
	"strings"
	"testing"
)

// The README's example is the one that runs.
func TestTheREADMEShowsTheExampleThatRuns(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(readme), "```go\n")
	block, _, ok := strings.Cut(block, "```")
	if !ok || !strings.Contains(string(example), block) {
		t.Error("the Go block of README.md is not part of example_test.go")
	}
	if n := strings.Count(block, "\n"); n > 30 {
		t.Errorf("the README's example has %d lines, more than 30", n)
	}
}
