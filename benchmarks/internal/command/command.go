// Package command is what the figures' commands have in common: a word that says
// which figure, then its flags.
package command

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

// Usage is a command line that makes no sense; the flag package may have said why.
type Usage string

func (u Usage) Error() string { return "usage: " + string(u) }

// Exit prints err, if any, and answers the exit code.
func Exit(err error) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	if _, ok := errors.AsType[Usage](err); ok {
		return 2
	}
	return 1
}

// Parse parses the flags of a figure, which takes no other arguments.
func Parse(flags *flag.FlagSet, args []string, usage Usage) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usage
	}
	return nil
}
