package main

import (
	"strings"
	"testing"
)

func TestCompletionOffersFilesWhereOneIsTaken(t *testing.T) {
	t.Parallel()
	const files, none = ":0\n", ":4\n" // cobra's directives
	for line, want := range map[string]string{
		"send --file ":               files,
		"send --config ":             "yaml\nyml\n:8\n",
		"run --failed ":              files,
		"run --exec ":                files,
		"send ":                      none,
		"dlq list ":                  none,
		"stats --queue ":             none,
		"send --content-type ":       none,
		"dlq list --reason ":         "permanent\n",
		"dlq discard --older-than ":  none,
		"completion ":                "bash\t",
		"dlq redrive --queue x --na": "--native\t",
	} {
		args := strings.Split(line, " ")
		e := here(t, "", append([]string{"__complete"}, args...)...)
		if e.code != 0 || !strings.Contains(e.out, want) {
			t.Errorf("%s: exit code %d, it offers %q, want %q", line, e.code, e.out, want)
		}
	}
}
