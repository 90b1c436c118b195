package guide_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// section is what stands under a heading of a page.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, after, found := strings.Cut(text, "\n## "+heading+"\n")
	if !found {
		t.Fatalf("there is no heading %q", heading)
	}
	under, _, _ := strings.Cut(after, "\n## ")
	return under
}

// rows are the first cells of the tables of a text, without their backquotes.
func rows(text string) []string {
	var names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// same compares the rows of a table with what there is.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	left := make(map[string]bool)
	for _, name := range want {
		left[name] = true
	}
	for _, name := range got {
		if !left[name] {
			t.Errorf("%s: the table has %s twice, or it does not exist", what, name)
		}
		delete(left, name)
	}
	for name := range left {
		t.Errorf("%s: the table has no row of %s", what, name)
	}
}

func TestTheTablesHaveEveryOption(t *testing.T) {
	text := page(t, "options.md")
	for _, options := range []any{
		runtime.ClientOptions{}, runtime.MuxOptions{}, runtime.WorkerOptions{}, runtime.RetryPolicy{},
		runtime.QueueInfo{}, runtime.Rate{}, runtime.RedriveOptions{}, runtime.DiscardOptions{}, runtime.Payloads{}, runtime.TelemetryOptions{},
	} {
		kind := reflect.TypeOf(options)
		var want []string
		for field := range kind.Fields() {
			if field.IsExported() {
				want = append(want, field.Name)
			}
		}
		same(t, kind.Name(), rows(section(t, text, kind.Name())), want)
	}
	enqueue, handle := optionFuncs(t)
	same(t, "Enqueue", rows(section(t, text, "Enqueue")), enqueue)
	same(t, "Handle", rows(section(t, text, "Handle")), handle)
}

// optionFuncs are the functions of package runtime that make options.
func optionFuncs(t *testing.T) (enqueue, handle []string) {
	t.Helper()
	for _, file := range parseDir(t, "../../runtime") {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || f.Type.Results == nil || len(f.Type.Results.List) != 1 {
				continue
			}
			switch id, _ := f.Type.Results.List[0].Type.(*ast.Ident); {
			case id == nil:
			case id.Name == "EnqueueOption":
				enqueue = append(enqueue, f.Name.Name)
			case id.Name == "HandleOption":
				handle = append(handle, f.Name.Name)
			}
		}
	}
	return enqueue, handle
}

// parseDir parses the files of a folder but for its tests.
func parseDir(t *testing.T, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v (%v)", dir, names, err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

func TestTheTableHasEveryMemberOfTheEvent(t *testing.T) {
	var want []string
	for _, file := range parseDir(t, "../../runtime/internal/envelope") {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || spec.Names[0].Name != "memberNames" {
				return true
			}
			for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
				name, err := strconv.Unquote(e.(*ast.KeyValueExpr).Value.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, name)
			}
			return false
		})
	}
	same(t, "event", rows(section(t, page(t, "messages.md"), "Members of the event")), want)
}

func TestTheTablesHaveEveryFieldOfTheReservedAttributes(t *testing.T) {
	fields := make(map[string][]string)
	for _, file := range parseDir(t, "../../driver") {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || !strings.HasSuffix(spec.Name.Name, "Wire") {
				return true
			}
			for _, f := range spec.Type.(*ast.StructType).Fields.List {
				tag, _, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
				fields[spec.Name.Name] = append(fields[spec.Name.Name], tag)
			}
			return false
		})
	}
	carry, death, _ := strings.Cut(section(t, page(t, "messages.md"), "Attributes"), "`longshore-death` is")
	same(t, "longshore", rows(carry), fields["carryWire"])
	same(t, "longshore-death", rows(death), fields["deathWire"])
}

func TestTheTableHasEveryCode(t *testing.T) {
	var want []string
	for _, file := range parseDir(t, "../../driver") {
		for _, d := range file.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			if first, _ := group.Specs[0].(*ast.ValueSpec).Type.(*ast.Ident); first == nil || first.Name != "Code" {
				continue
			}
			for _, s := range group.Specs {
				want = append(want, s.(*ast.ValueSpec).Names[0].Name)
			}
		}
	}
	table := section(t, page(t, "errors.md"), "Codes")
	same(t, "codes", rows(table), want)
	for code := driver.Unknown; code <= driver.DeadlineExceeded; code++ {
		says := "no"
		if driver.Retryable(&driver.Error{Code: code}) {
			says = "yes"
		}
		row := regexp.MustCompile("(?m)^\\| `" + want[code] + "` \\|.*\\| " + says + " \\|$")
		if !row.MatchString(table) {
			t.Errorf("tried again after %s: the table should say %s", want[code], says)
		}
	}
}

// limitsURLs are the queues of the table of limits.
var limitsURLs = []struct{ name, url string }{
	{"in memory", "mem://limits"},
	{"Amazon SQS", "sqs://limits?region=eu-west-1"},
	{"Amazon SQS FIFO", "sqs://limits.fifo?region=eu-west-1"},
	{"Pub/Sub", "pubsub://my-project/limits"},
	{"Pub/Sub, ordering", "pubsub://my-project/limits?ordering=true"},
	{"Service Bus", "servicebus:///limits"},
	{"Service Bus, sessions", "servicebus:///limits?sessions=true"},
}

// The table of limits is what the queues themselves declare, which the conformance
// suite holds against what they do.
func TestTheLimitsAreThoseOfTheQueues(t *testing.T) {
	t.Setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
	t.Setenv("SERVICEBUS_CONNECTION_STRING", "Endpoint=sb://localhost;SharedAccessKeyName=any;SharedAccessKey=any;UseDevelopmentEmulator=true")
	var all []driver.Capabilities
	head, line := "| |", "|---|"
	for _, one := range limitsURLs {
		q, err := driver.Default.Open(t.Context(), one.url)
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close(t.Context())
		all = append(all, q.Capabilities())
		head, line = head+" "+one.name+" |", line+"---|"
	}
	var table, notes strings.Builder
	fmt.Fprintf(&table, "%s\n%s\n", head, line)
	row := func(name string, cell func(c driver.Capabilities) string) {
		fmt.Fprintf(&table, "| %s |", name)
		for _, c := range all {
			fmt.Fprintf(&table, " %s |", cell(c))
		}
		table.WriteString("\n")
	}
	row("body", func(c driver.Capabilities) string { return size(c.MaxBody) })
	row("attributes of yours", func(c driver.Capabilities) string { return strconv.Itoa(c.MaxAttributes) })
	row("value of one", func(c driver.Capabilities) string { return size(c.MaxAttributeValue) })
	row("messages a send, receive, settle", func(c driver.Capabilities) string {
		return fmt.Sprintf("%d, %d, %d", c.MaxSendBatch, c.MaxReceiveBatch, c.MaxSettleBatch)
	})
	row("hold", func(c driver.Capabilities) string {
		return span(c.MinHold) + " to " + span(c.MaxHold) + map[bool]string{true: ", the queue's"}[c.FixedHold]
	})
	row("lease in all", func(c driver.Capabilities) string { return span(c.MaxTotalHold) })
	row("delay of a send", func(c driver.Capabilities) string { return cmp.Or(span(c.MaxSendDelay), "none") })
	row("delay of a release", func(c driver.Capabilities) string { return cmp.Or(span(c.MaxReleaseDelay), "none") })
	row("the queue's limit of deliveries", func(c driver.Capabilities) string { return fmt.Sprintf("%d to %d", c.MinAttempts, c.MaxAttempts) })
	row("text only", func(c driver.Capabilities) string { return yes(c.TextBody) })
	row("`Group`", func(c driver.Capabilities) string { return yes(c.Ordered) })
	for _, s := range []struct {
		name string
		of   func(c driver.Capabilities) driver.Support
	}{
		{"`Dedup`", func(c driver.Capabilities) driver.Support { return c.Dedup }},
		{"`Fairness`", func(c driver.Capabilities) driver.Support { return c.Fairness }},
		{"every delivery counted exactly", func(c driver.Capabilities) driver.Support { return c.ExactAttempts }},
		{"every stale settle noticed", func(c driver.Capabilities) driver.Support { return c.StaleSettleDetected }},
		{"buried in one step", func(c driver.Capabilities) driver.Support { return c.AtomicBury }},
		{"redriven in one step", func(c driver.Capabilities) driver.Support { return c.AtomicRedrive }},
		{"depth told", func(c driver.Capabilities) driver.Support { return c.Depth }},
	} {
		row(s.name, func(c driver.Capabilities) string { return s.of(c).Level.String() })
		said := make(map[string][]string)
		var order []string
		for i, c := range all {
			note := s.of(c).Note
			if note == "" {
				continue
			}
			if said[note] == nil {
				order = append(order, note)
			}
			said[note] = append(said[note], limitsURLs[i].name)
		}
		for _, note := range order {
			fmt.Fprintf(&notes, "- %s, %s: %s\n", s.name, strings.Join(said[note], ", "), strings.TrimSuffix(note, "."))
		}
	}
	const begin, end = "<!-- The table and the notes are written by go test ./docs/guide -update. -->\n\n", "\n<!-- end -->\n"
	text := page(t, "limits.md")
	before, rest, _ := strings.Cut(text, begin)
	got, after, found := strings.Cut(rest, end)
	if !found {
		t.Fatal("limits.md has no place for the table")
	}
	want := table.String() + "\nNotes:\n\n" + notes.String()
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("the table of limits.md is not what the queues declare; run go test ./docs/guide -update. Want\n%s", want)
	}
	if err := os.WriteFile("limits.md", []byte(before+begin+want+end+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

func yes(b bool) string { return map[bool]string{true: "yes", false: "no"}[b] }

// span is a duration in words; empty for 0.
func span(d time.Duration) string {
	switch d {
	case 0:
		return ""
	case driver.Unlimited:
		return "no limit"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func size(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	case n >= 1_000_000 && n%1_000_000 == 0:
		return fmt.Sprintf("%d MB", n/1_000_000)
	}
	return fmt.Sprintf("%d B", n)
}

// Commands of the pages have flags that exist.
func TestCommandsOfTheGuideExist(t *testing.T) {
	help, err := os.ReadFile("../cli.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, text := range pages(t) {
		for _, b := range fenced(text) {
			for line := range strings.Lines(b.text) {
				m := regexp.MustCompile(`(?:^|go tool )longshore ((?:dlq )?[a-z]+) (.*)`).FindStringSubmatch(line)
				if m == nil {
					continue
				}
				n++
				_, own, found := strings.Cut(string(help), "\n## longshore "+m[1]+"\n")
				if !found {
					t.Errorf("%s:%d: there is no command %q", name, b.line, m[1])
					continue
				}
				own, _, _ = strings.Cut(own, "\n## ")
				for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(m[2], -1) {
					if !strings.Contains(own, "      "+flag+" ") {
						t.Errorf("%s:%d: longshore %s has no %s", name, b.line, m[1], flag)
					}
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("%d commands, want more: are they found?", n)
	}
}

// Commands for a shell run in a test, or say why they do not.
func TestShellBlocksRunOrSayWhyNot(t *testing.T) {
	for name, text := range pages(t) {
		for _, b := range fenced(text) {
			if b.language == "sh" && name != "tutorial.md" && !strings.HasPrefix(b.note(), "not run: ") {
				t.Errorf("%s:%d: nothing runs these commands; say why not in a comment before them", name, b.line)
			}
		}
	}
	if _, err := fs.Stat(os.DirFS("."), "tutorial_test.go"); err != nil {
		t.Error(err)
	}
}
