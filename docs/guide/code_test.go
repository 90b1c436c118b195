package guide_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Go code of a page stands word for word, but for its indentation, in a test file of
// this folder, and in functions that a test or an example runs. That of the tutorial
// is built and run by its own test.
func TestGoOfTheGuideIsCodeThatRuns(t *testing.T) {
	code := parse(t)
	n := 0
	for name, text := range pages(t) {
		if name == "tutorial.md" {
			continue
		}
		for _, b := range fenced(text) {
			if b.language != "go" {
				continue
			}
			n++
			functions, found := code.find(b.text)
			if !found {
				t.Errorf("%s:%d: this is in no test file of the guide:\n%s", name, b.line, b.text)
			}
			for _, f := range functions {
				if !code.runs[f] {
					t.Errorf("%s:%d: no test or example runs %s", name, b.line, f)
				}
			}
		}
	}
	if n == 0 {
		t.Error("the guide has no code")
	}
}

// source is the code of the test files of this folder.
type source struct {
	files map[string]string // by name
	decls []decl
	runs  map[string]bool // names of functions that tests and examples lead to
}

// decl is where a function is.
type decl struct {
	file, name string
	from, to   int
	uses       []string
}

func parse(t *testing.T) *source {
	t.Helper()
	names, err := filepath.Glob("*_test.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("test files %v (%v)", names, err)
	}
	s := &source{files: make(map[string]string), runs: make(map[string]bool)}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s.files[name] = string(text)
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			one := decl{file: name, name: f.Name.Name, from: files.Position(f.Pos()).Offset, to: files.Position(f.End()).Offset}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					one.uses = append(one.uses, id.Name)
				}
				return true
			})
			if f.Recv != nil {
				s.runs[one.name] = true // a method is called by way of its type
			}
			s.decls = append(s.decls, one)
		}
	}
	for _, d := range s.decls {
		if strings.HasPrefix(d.name, "Test") || strings.HasPrefix(d.name, "Example") {
			s.reach(d.name)
		}
	}
	return s
}

func (s *source) reach(name string) {
	if s.runs[name] {
		return
	}
	for _, d := range s.decls {
		if d.name == name {
			s.runs[name] = true
			for _, used := range d.uses {
				s.reach(used)
			}
		}
	}
}

// find finds code in a file and says which functions it is a part of, or has.
func (s *source) find(code string) (functions []string, found bool) {
	for file, text := range s.files {
		for tabs := range 4 {
			at := strings.Index(text, indented(code, tabs))
			if at < 0 {
				continue
			}
			end := at + len(indented(code, tabs))
			for _, d := range s.decls {
				if d.file == file && d.from < end && at < d.to {
					functions = append(functions, d.name)
				}
			}
			return functions, true
		}
	}
	return nil, false
}

func indented(code string, tabs int) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(strings.Repeat("\t", tabs))
		}
		b.WriteString(line)
	}
	return b.String()
}
