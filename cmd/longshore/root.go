package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// Exit codes.
const (
	exitOK      = 0   // all was done; each command's help says what that is
	exitFailed  = 1   // some was not: tasks are dead or unfinished, a queue is misconfigured, output was not written
	exitUsage   = 2   // nothing was done: a flag, the queue or the command is wrong
	exitAborted = 130 // a second signal, as a shell counts SIGINT
)

// streams are the three standard ones.
type streams struct {
	in       io.Reader
	out, err io.Writer
	shared   bool // others in this process have its queues in memory too, as tests do
}

// usageError is what the user has to change before anything can be done.
type usageError struct {
	err  error
	hint string // what to do, one line
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(hint, format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...), hint}
}

// rootCommand is the tree of all commands. They write their exit code to code.
func rootCommand(std streams, code *int) *cobra.Command {
	root := &cobra.Command{
		Use:           "longshore",
		Short:         "Run tasks through a queue",
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.AddCommand(runCommand(std, code), sendCommand(std, code), workCommand(std, code), statsCommand(std, code), dlqCommand(std, code), doctorCommand(std, code), demoCommand(std, code), versionCommand())
	return root
}

// execute runs the command line and answers the exit code.
func execute(args []string, std streams) int {
	code := exitOK
	root := rootCommand(std, &code)
	root.SetArgs(args)
	addCompletion(root)
	command, err := root.ExecuteC()
	if err == nil {
		return code
	}
	hint := command.CommandPath() + " --help lists the flags"
	if usage, ok := errors.AsType[*usageError](err); ok && usage.hint != "" {
		hint = usage.hint
	}
	fmt.Fprintf(std.err, "longshore: %s\n%s\n", escapeLine(err.Error()), escapeLine(hint))
	return exitUsage
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
