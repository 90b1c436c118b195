package guide_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every relative link of the documentation leads to a file, and to a heading where it
// names one.
func TestLinksLeadSomewhere(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files := []string{filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")}
	for _, dir := range []string{"docs", "examples"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if strings.HasSuffix(path, ".md") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for _, file := range files {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(prose(t, file), -1) {
			path, part, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, ":") {
				continue // another site
			}
			n++
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			} else if part != "" && !anchors(prose(t, target))[part] {
				t.Errorf("%s links to %s, but there is no such heading", file, m[1])
			}
		}
	}
	if n < 100 {
		t.Errorf("%d links, want more: are they found?", n)
	}
}

// prose is a page without its code.
func prose(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(string(text), "")
}

// anchors are what GitHub makes of the headings of a page.
func anchors(text string) map[string]bool {
	found := make(map[string]bool)
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		kept := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		name := strings.ReplaceAll(kept, " ", "-")
		for i := 1; found[name]; i++ {
			name = strings.ReplaceAll(kept, " ", "-") + "-" + strconv.Itoa(i)
		}
		found[name] = true
	}
	return found
}

// Every page of the guide can be found from its index.
func TestTheIndexHasEveryPage(t *testing.T) {
	index := page(t, "README.md")
	for name := range pages(t) {
		if name != "README.md" && !strings.Contains(index, "]("+name+")") {
			t.Errorf("the index has no link to %s", name)
		}
	}
}
