package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/longshore-dev/longshore/driver"
)

// reasons are those that the runtime buries for; an application may have others.
var reasons = []string{
	driver.ReasonExhausted, driver.ReasonPermanent, driver.ReasonUndecodable, driver.ReasonUnknownKind, driver.ReasonExpired,
	driver.ReasonCrashed, driver.ReasonSnoozed, driver.ReasonMissingObject, driver.ReasonBrokerLimit,
}

// addCompletion adds the command completion, and tells shells where to offer names
// of files: after flags that take one, and nowhere else.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			// Else an unknown shell is no error, and its help is what a shell sources.
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
	completeFlags(root)
}

func completeFlags(c *cobra.Command) {
	for _, child := range c.Commands() {
		completeFlags(child)
	}
	if c.HasSubCommands() {
		return
	}
	c.ValidArgsFunction = cobra.NoFileCompletions
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if _, has := c.GetFlagCompletionFunc(f.Name); has {
			return
		}
		complete := cobra.NoFileCompletions
		switch value, _ := pflag.UnquoteUsage(f); {
		case value == "file" || value == "command" || value == "": // "" takes no value
			return
		case f.Name == "reason":
			complete = cobra.FixedCompletions(reasons, cobra.ShellCompDirectiveNoFileComp)
		}
		if err := c.RegisterFlagCompletionFunc(f.Name, complete); err != nil {
			panic(err) // it has none yet
		}
	})
}
