// Package report keeps what was measured, and writes docs/benchmarks.md from it.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

// Section is a table of the report.
type Section struct {
	Order     int      // sections stand in this order
	Title     string   // one line
	Method    string   // what is measured, and how; Markdown
	Columns   []string // the first names the contender
	Rows      [][]string
	Results   []string // what follows from the table, a line each
	Absent    []string // contenders that did not run, with the reason
	Libraries []Library
}

// Library is a library, or a program, and its version.
type Library struct{ Name, Version string }

// Save writes s to a file, whose directory it makes.
func (s Section) Save(file string) error {
	s.Libraries = append(s.Libraries, linked()...)
	text, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o600)
}

// Load reads the sections in a directory.
func Load(directory string) ([]Section, error) {
	files, err := filepath.Glob(filepath.Join(directory, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("report: there is no section in %s; measure something first", directory)
	}
	sections := make([]Section, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &sections[i]); err != nil {
			return nil, fmt.Errorf("report: %s: %w", file, err)
		}
	}
	slices.SortFunc(sections, func(a, b Section) int { return a.Order - b.Order })
	return sections, nil
}

// peers are the modules whose version a reader wants to know.
var peers = []string{
	"github.com/ThreeDotsLabs/watermill", "gocloud.dev", "github.com/hibiken/asynq",
	"github.com/riverqueue/river", "github.com/jackc/pgx/v5", "github.com/redis/go-redis/v9",
	"github.com/aws/aws-sdk-go-v2", "github.com/aws/aws-sdk-go-v2/service/sqs", "gocloud.dev/pubsub/awssnssqs",
	"cloud.google.com/go/pubsub/v2", "github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus", "github.com/Azure/go-amqp",
}

// linked are the peers in this program.
func linked() []Library {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	var all []Library
	for _, m := range info.Deps {
		if slices.Contains(peers, m.Path) {
			all = append(all, Library{m.Path, m.Version})
		}
	}
	return all
}

// libraries are those of all sections, each once, by name.
func libraries(sections []Section) []Library {
	var all []Library
	for _, s := range sections {
		all = append(all, s.Libraries...)
	}
	slices.SortFunc(all, func(a, b Library) int { return strings.Compare(a.Name+a.Version, b.Name+b.Version) })
	return slices.Compact(all)
}
