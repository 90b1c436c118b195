package command_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"testing"

	"github.com/longshore-dev/longshore/benchmarks/internal/command"
)

const synopsis = command.Usage("worker idle [flags]")

func TestExitCodes(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, 0},
		{flag.ErrHelp, 0},
		{errors.New("missed"), 1},
		{synopsis, 2},
		{fmt.Errorf("wrapped: %w", synopsis), 2},
	}
	for _, tt := range tests {
		if got := command.Exit(tt.err); got != tt.want {
			t.Errorf("%v: exit code %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		args []string
		want int // the exit code
	}{
		{nil, 0},
		{[]string{"-for", "1m"}, 0},
		{[]string{"now"}, 2},
		{[]string{"-other"}, 1},
	}
	for _, tt := range tests {
		flags := flag.NewFlagSet("idle", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		flags.Duration("for", 0, "")
		if err := command.Parse(flags, tt.args, synopsis); command.Exit(err) != tt.want {
			t.Errorf("%v: %v, want the exit code %d", tt.args, err, tt.want)
		}
	}
}
