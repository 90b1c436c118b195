package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write docs/cli.md anew")

// reference is the help of a command and of those below it, as Markdown.
func reference(b *strings.Builder, c *cobra.Command) {
	help := c.Long
	if help == "" {
		help = c.Short
	}
	fmt.Fprintf(b, "\n## %s\n\n```text\n%s\n\n%s```\n", c.CommandPath(), strings.TrimSpace(help), c.UsageString())
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			reference(b, child)
		}
	}
}

func TestTheReferenceIsThatOfTheCommands(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Command line\n\nGenerated from the commands by `make cli-docs`; it is what `longshore COMMAND --help` says.\n")
	code := 0
	reference(&b, rootCommand(streams{}, &code))
	const path = "../../docs/cli.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(path); err != nil || string(have) != b.String() {
		t.Errorf("docs/cli.md is not what the commands say (%v); run make cli-docs", err)
	}
}
