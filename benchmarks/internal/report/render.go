package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

const head = `# Benchmarks

What was measured once, on one machine: ` + "`make bench`" + ` writes this page anew. How each table is made, what it leaves out, and how to measure on yours is in [benchmarks](../benchmarks/README.md). Contenders of a table take turns, round after round, so that what else the machine does falls on all alike; only compare what stands in one table.

`

// Render writes the page.
func Render(w io.Writer, m Machine, sections []Section) error {
	var b strings.Builder
	b.WriteString(head)
	table(&b, []string{"Machine", ""}, [][]string{
		{"Processor", m.CPU}, {"Cores", strconv.Itoa(m.Cores)}, {"Memory", m.Memory},
		{"System", m.System}, {"Go", m.Go}, {"Date", m.Date.Format("2006-01-02")},
	})
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", s.Title, s.Method)
		table(&b, s.Columns, s.Rows)
		list(&b, slices.Concat(s.Results, s.Absent))
	}
	b.WriteString("\n## Versions\n\nLongshore is as in this repository.\n\n")
	var rows [][]string
	for _, l := range libraries(sections) {
		rows = append(rows, []string{l.Name, l.Version})
	}
	table(&b, []string{"Library", "Version"}, rows)
	_, err := io.WriteString(w, b.String())
	return err
}

// list writes lines, if there are any.
func list(b *strings.Builder, lines []string) {
	if len(lines) > 0 {
		b.WriteString("\n")
	}
	for _, line := range lines {
		fmt.Fprintf(b, "- %s\n", line)
	}
}

// table writes a table of Markdown. A column in which each cell starts with a digit
// stands to the right.
func table(b *strings.Builder, columns []string, rows [][]string) {
	line := func(cells []string) {
		for i, c := range cells {
			cells[i] = strings.ReplaceAll(c, "|", `\|`)
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	line(append([]string(nil), columns...))
	rule := make([]string, len(columns))
	for i := range rule {
		rule[i] = "---"
		if i > 0 && len(rows) > 0 && !slices.ContainsFunc(rows, func(r []string) bool { return !isNumber(r[i]) }) {
			rule[i] = "--:"
		}
	}
	line(rule)
	for _, r := range rows {
		line(append([]string(nil), r...))
	}
}

func isNumber(cell string) bool { return cell != "" && cell[0] >= '0' && cell[0] <= '9' }
