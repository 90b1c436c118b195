package main

import (
	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/runtime"
)

// takeConfig gives a command that needs no more of a queue than its URL the flag
// --config, with which --queue is a name of that file. Without --queue it is the
// queue that the file has for the kind of the flag --kind of longshore send.
func takeConfig(c *cobra.Command) *cobra.Command {
	path := c.Flags().String("config", "", "configuration `file`, of which --queue then is a name")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if !c.Flags().Changed("config") {
			return nil
		}
		config, err := runtime.ReadConfig(*path)
		if err != nil {
			return &usageError{err, "mend the file, or give --queue a URL and no --config"}
		}
		name := c.Flags().Lookup("queue").Value.String()
		if name == "" {
			name = config.DefaultQueue
			if kind := c.Flags().Lookup("kind"); kind != nil && config.Routes[kind.Value.String()] != "" {
				name = config.Routes[kind.Value.String()]
			}
		}
		if name == "" {
			return usagef("name one of the file", "--queue is missing, and the file has no default_queue")
		}
		settings, ok := config.Queue(name)
		if !ok {
			return usagef("with --config it is a name of the file, and no URL", "--queue %q is not in %s", name, *path)
		}
		return c.Flags().Set("queue", settings.URL)
	}
	return c
}
