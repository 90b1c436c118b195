package guide_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages are the texts of the guide by file name.
func pages(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("*.md")
	if err != nil || len(names) < 2 {
		t.Fatalf("pages %v (%v)", names, err)
	}
	texts := make(map[string]string)
	for _, name := range names {
		texts[name] = page(t, name)
	}
	return texts
}

// page is the text of one page.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block is one code block of a page.
type block struct {
	language, text string
	// before is the line before the block that has something in it.
	before string
	line   int // of the fence, from 1
}

// fenced are the code blocks of a page, in their order.
func fenced(text string) (found []block) {
	var open *block
	before := ""
	n := 0
	for line := range strings.Lines(text) {
		n++
		bare := strings.TrimSuffix(line, "\n")
		switch fence, isFence := strings.CutPrefix(bare, "```"); {
		case isFence && open == nil:
			open = &block{language: fence, before: before, line: n}
		case isFence:
			found = append(found, *open)
			open, before = nil, ""
		case open != nil:
			open.text += line
		case strings.TrimSpace(bare) != "":
			before = bare
		}
	}
	return found
}

// blocks are the code blocks of a language.
func blocks(text, language string) (found []string) {
	for _, b := range fenced(text) {
		if b.language == language {
			found = append(found, b.text)
		}
	}
	return found
}

// note is what a comment right before a block says of it, such as why no test
// runs it.
func (b *block) note() string {
	m := regexp.MustCompile(`^<!-- (.*) -->$`).FindStringSubmatch(b.before)
	if m == nil {
		return ""
	}
	return m[1]
}
