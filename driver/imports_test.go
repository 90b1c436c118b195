package driver_test

import (
	"os/exec"
	"strings"
	"testing"
)

// Every backend and every application depends on this package, so it depends
// on nothing.
func TestImportsTheStandardLibraryOnly(t *testing.T) {
	const self = "github.com/longshore-dev/longshore/driver"
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", self)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if got := strings.Fields(string(out)); len(got) != 1 || got[0] != self {
		t.Errorf("packages outside the standard library: %v, want %s alone", got, self)
	}
}
