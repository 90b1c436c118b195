// Package layers tests the structure of the repository: what imports what, and
// what every package must have.
package layers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/longshore-dev/longshore/"

// The linter looks at each import; this looks at all that comes with it.
func TestPackagesStayLight(t *testing.T) {
	dependOnSources(t)
	clouds := []string{
		"google.golang.org/grpc", "cloud.google.com/", "github.com/aws/", "github.com/Azure/", "gocloud.dev",
		"go.opentelemetry.io/otel/sdk", "go.opentelemetry.io/otel/exporters", "github.com/spf13/cobra",
	}
	tests := []struct {
		pkg    string
		only   []string // prefixes outside the standard library that are taken; nil: all
		except []string // prefixes that are not
	}{
		{pkg: "driver", only: []string{module + "driver"}},
		{pkg: "drivers/mem", only: []string{module + "driver", module + "drivers/mem", module + "internal/due"}},
		{pkg: "internal/due", only: []string{module + "internal/due"}},
		{pkg: "runtime", except: append(clouds, "github.com/klauspost/", module+"drivers/", module+"conformance", module+"cmd/", module+"claimcheck")},
		{pkg: "runtime/zstd", except: append(clouds, module+"drivers/", module+"conformance", module+"cmd/", module+"claimcheck")},
		{pkg: "claimcheck", except: []string{
			"gocloud.dev/blob/s3blob", "gocloud.dev/blob/gcsblob", "gocloud.dev/blob/azureblob", "github.com/aws/", "github.com/Azure/", "cloud.google.com/",
			module + "drivers/", module + "conformance", module + "cmd/",
		}},
		{pkg: "examples/orders/cmd/lambda", except: []string{"gocloud.dev", "github.com/klauspost/", module + "claimcheck"}},
	}
	for _, tt := range tests {
		t.Run(tt.pkg, func(t *testing.T) {
			for _, dep := range deps(t, module+tt.pkg) {
				if hasPrefix(dep, tt.except) || tt.only != nil && !hasPrefix(dep, tt.only) {
					t.Errorf("%s depends on %s", tt.pkg, dep)
				}
			}
		})
	}
}

// deps are all packages outside the standard library that come with pkg.
func deps(t *testing.T, pkg string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", pkg)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	all := strings.Fields(string(out))
	if len(all) == 0 {
		t.Fatalf("go list shows no package, not even %s", pkg)
	}
	return all
}

// dependOnSources looks at every source file, so that a cached result of this
// test, which go list decides, is not used when one of them has changed.
func dependOnSources(t *testing.T) {
	t.Helper()
	for _, path := range append(sources(t, ".go"), filepath.Join(root, "go.mod")) {
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
	}
}

func hasPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
