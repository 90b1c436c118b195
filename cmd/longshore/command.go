package main

import (
	"context"

	"github.com/spf13/cobra"
)

// noArgument refuses arguments to the named command; the hint may be empty.
func noArgument(name, hint string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usagef(hint, "%s takes no argument, but got %q", name, args[0])
		}
		return nil
	}
}

// interruptible runs a command whose context ends with the first signal, and which
// is left behind at the second.
func interruptible(c *cobra.Command, code *int, run func(context.Context) (int, error)) (err error) {
	ctx, again, stop := watchSignals(c.Context())
	defer stop()
	*code, err = untilAgain(again, func() (int, error) { return run(ctx) }, func() {})
	return err
}

// untilAgain runs a command until it has ended or again, which leaves it behind.
func untilAgain(again <-chan struct{}, run func() (int, error), sayAborted func()) (int, error) {
	type end struct {
		code int
		err  error
	}
	ended := make(chan end, 1) // one result, never closed
	go func() {                // left behind only by an abort
		code, err := run()
		ended <- end{code, err}
	}()
	select {
	case e := <-ended:
		return e.code, e.err
	case <-again:
		sayAborted()
		return exitAborted, nil
	}
}
