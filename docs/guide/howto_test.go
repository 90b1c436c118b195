package guide_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	_ "github.com/longshore-dev/longshore/drivers/pubsub"
	_ "github.com/longshore-dev/longshore/drivers/servicebus"
	_ "github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

// go test ./docs/guide -update, after a change of code that a page shows.
var update = flag.Bool("update", false, "write into the pages what their code prints")

// The tasks of the pages.

// FetchPage gets a page of the web.
type FetchPage struct {
	URL string `json:"url"`
}

func (FetchPage) Kind() string { return "page.fetch" }

// SendMail sends a mail.
type SendMail struct {
	To string `json:"to"`
}

func (SendMail) Kind() string { return "mail.send" }

// SendText sends a text message.
type SendText struct {
	Number int `json:"number"`
}

func (SendText) Kind() string { return "text.send" }

// Resize makes a picture smaller.
type Resize struct {
	Image string `json:"image"`
}

func (Resize) Kind() string { return "image.resize" }

// BuildReport builds the report of a day.
type BuildReport struct {
	Day string `json:"day"`
}

func (BuildReport) Kind() string { return "report.build" }

// ImportRows imports so many rows.
type ImportRows struct {
	Rows int `json:"rows"`
}

func (ImportRows) Kind() string { return "rows.import" }

// began is when the code of a page began to run. Tests of pages run one by one.
var began time.Time

// clock is how long the code of a page has run.
func clock() time.Duration { return time.Since(began).Round(time.Second) }

// prints runs the code of a page, each piece in a bubble, where hours pass at once.
// What it prints is the page's block of text of the same number.
func prints(t *testing.T, name string, code ...func(t *testing.T)) {
	t.Helper()
	for i, run := range code {
		compare(t, name, i, len(code), func() {
			synctest.Test(t, func(t *testing.T) {
				began = time.Now()
				run(t)
			})
		})
	}
}

// printsHere is prints without a bubble, for code that needs a network.
func printsHere(t *testing.T, name string, code func(t *testing.T)) {
	t.Helper()
	compare(t, name, 0, 1, func() { code(t) })
}

// compare compares what run prints with block i of the n of a page.
func compare(t *testing.T, name string, i, n int, run func()) {
	t.Helper()
	text := page(t, name)
	want := blocks(text, "text")
	if len(want) != n {
		t.Fatalf("%s has %d blocks of text, and %d pieces of code print", name, len(want), n)
	}
	if got := printed(t, run); got != want[i] && !*update {
		t.Errorf("%s: the code prints\n%s\nthe page has\n%s", name, got, want[i])
	} else if got != want[i] {
		before, after := text, ""
		for range n - i {
			var last string
			at := strings.LastIndex(before, "```text\n")
			before, last = before[:at], before[at:]
			after = last + after
		}
		after = strings.Replace(after, "```text\n"+want[i], "```text\n"+got, 1)
		if err := os.WriteFile(name, []byte(before+after), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// printed is what run writes to the standard output.
func printed(t *testing.T, run func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	os.Stdout = file
	run()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// enqueue enqueues tasks.
func enqueue[T runtime.Args](t *testing.T, kit *runtimetest.Kit, tasks ...T) {
	t.Helper()
	for _, task := range tasks {
		if _, err := runtime.Enqueue(t.Context(), kit.Client(), task); err != nil {
			t.Fatal(err)
		}
	}
}

// workUntil runs a worker until n tasks are done or dead.
func workUntil(t *testing.T, queues *runtime.Queues, mux *runtime.Mux, options *runtime.WorkerOptions, n int64) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Hour)
	defer stop()
	var left atomic.Int64 // hooks run side by side
	left.Store(n)
	options.Logger = quiet
	options.OnSettled = func(s runtime.Settled) {
		if s.Decision.Settlement.Verdict != driver.Release && left.Add(-1) == 0 {
			stop()
		}
	}
	worker, err := runtime.NewWorker(queues, mux, options)
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Run(ctx); err != nil || left.Load() > 0 {
		t.Fatalf("%d tasks are left: %v", left.Load(), err)
	}
}
