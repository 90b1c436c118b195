package layers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// Two backends can be read side by side when their documentation has the same
// parts in the same order.
func TestDriversHaveTheSameHeadings(t *testing.T) {
	want := []string{"URLs", "Delivery", "Leases", "Retries", "Dead letters", "Redrive", "Limits", "As"}
	docs, err := filepath.Glob(filepath.Join(root, "drivers", "*"))
	if err != nil || len(docs) == 0 {
		t.Fatalf("no drivers found: %v", err)
	}
	for _, dir := range docs {
		if filepath.Base(dir) == "internal" {
			continue // what drivers share
		}
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var got []string
			for line := range strings.Lines(packageDoc(t, dir)) {
				if heading, ok := strings.CutPrefix(line, "# "); ok {
					got = append(got, strings.TrimSpace(heading))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("headings %q, want %q", got, want)
			}
		})
	}
}

// packageDoc is the comment of the package in dir.
func packageDoc(t *testing.T, dir string) string {
	t.Helper()
	var doc strings.Builder
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") {
			doc.WriteString(f.Doc.Text())
		}
	}
	return doc.String()
}

// A test that sleeps by the wall clock is slow where the machine is fast and
// fails where it is slow. In a testing/synctest bubble time is virtual.
func TestTestsSleepInBubblesOnly(t *testing.T) {
	files := sources(t, "_test.go")
	if len(files) == 0 {
		t.Fatal("no test files found")
	}
	parsed := make(map[string]*ast.File)
	bubbles := make(map[string]bool) // helpers that make one, as directory and name
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed[name] = f
	}
	for more := true; more; { // a helper may make it by another
		more = false
		for name, f := range parsed {
			dir := filepath.Dir(name)
			for _, d := range f.Decls {
				d, ok := d.(*ast.FuncDecl)
				if !ok || bubbles[filepath.Join(dir, d.Name.Name)] {
					continue
				}
				if selects(d, "synctest", "Test") || callsAny(d, dir, bubbles) {
					bubbles[filepath.Join(dir, d.Name.Name)], more = true, true
				}
			}
		}
	}
	for name, f := range parsed {
		if selects(f, "time", "Sleep") && !imports(f, "testing/synctest") && !callsAny(f, filepath.Dir(name), bubbles) {
			t.Errorf("%s sleeps and does not use testing/synctest; wait for a condition", name)
		}
	}
}

// selects says whether pkg.name stands somewhere below n.
func selects(n ast.Node, pkg, name string) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			x, ok := s.X.(*ast.Ident)
			found = found || ok && x.Name == pkg
		}
		return !found
	})
	return found
}

// callsAny says whether somewhere below n one of the functions of its package in dir is
// called.
func callsAny(n ast.Node, dir string, functions map[string]bool) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			x, ok := c.Fun.(*ast.Ident)
			found = found || ok && functions[filepath.Join(dir, x.Name)]
		}
		return !found
	})
	return found
}

// sources are the paths of all files of the repository that end with suffix.
func sources(t *testing.T, suffix string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, suffix):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func imports(f *ast.File, path string) bool {
	return slices.ContainsFunc(f.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == strconv.Quote(path) })
}
