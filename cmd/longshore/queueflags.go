package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longshore-dev/longshore/runtime"
)

// queueFlags are --queue and --config, which say what queues a command is about.
type queueFlags struct {
	names  []string // URLs, or with --config names of the file
	config string   // path of the file, or empty

	payloads string // URL of a store, or empty

	file     *runtime.Config         // nil without --config; set by resolve
	settings []runtime.QueueSettings // at least one; set by resolve
}

const (
	exampleURL = "sqs://orders?region=eu-west-1"
	// defaultOfFile is the queue of a command that takes one and has no kind.
	defaultOfFile = "its default_queue, or its only one"
)

// add adds the flags to a command. What says what --queue is, with its type in
// backquotes, and otherwise which queue of the file it is without --queue.
func (o *queueFlags) add(c *cobra.Command, what, otherwise string) {
	f := c.Flags()
	f.StringArrayVar(&o.names, "queue", nil, what+"; with --config a name in that file, by default "+otherwise)
	f.StringVar(&o.config, "config", "", "configuration `file` that names the queues")
	_ = c.MarkFlagFilename("config", "yaml", "yml")
	_ = c.RegisterFlagCompletionFunc("queue", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return o.known(), cobra.ShellCompDirectiveNoFileComp
	})
}

// known are the names in the file, for the completion of a shell.
func (o *queueFlags) known() (names []string) {
	if o.config == "" {
		return nil
	}
	file, err := runtime.ReadConfig(o.config)
	if err != nil {
		return nil
	}
	for _, s := range file.Settings {
		names = append(names, s.Name)
	}
	return names
}

// check refuses flags that are missing or empty.
func (o *queueFlags) check(example string, given func(flag string) bool) error {
	switch {
	case given("config") && o.config == "":
		return usagef("for example --config longshore.yaml", "--config is empty")
	case given("payloads") && o.payloads == "":
		return usagef("for example --payloads '"+examplePayloads+"'", "--payloads is empty")
	case len(o.names) == 0 && o.config == "", slices.Contains(o.names, ""):
		return usagef("for example --queue '"+example+"', or --config longshore.yaml", "--queue is missing")
	}
	return nil
}

// checkOne is check for a command that takes one queue.
func (o *queueFlags) checkOne(given func(flag string) bool) error {
	if len(o.names) > 1 {
		return usagef("run the command once for each", "--queue is given %d times, and this command takes one", len(o.names))
	}
	return o.check(exampleURL, given)
}

// resolve reads the file, if there is one, and finds the settings of the queues
// that are named: by default all of the file.
func (o *queueFlags) resolve() error {
	o.settings = nil
	if o.config == "" {
		for _, url := range o.names {
			o.settings = append(o.settings, runtime.QueueSettings{Name: runtime.QueueName(url), URL: url})
		}
		return nil
	}
	var err error
	if o.file, err = runtime.ReadConfig(o.config); err != nil {
		return &usageError{err, "mend the file, or give --queue a URL and no --config"}
	}
	if len(o.names) == 0 {
		o.settings = slices.Clone(o.file.Settings)
	}
	for _, name := range o.names {
		s, ok := o.file.Queue(name)
		if !ok {
			return usagef("it has "+strings.Join(o.known(), ", ")+"; with --config it is a name of the file, and no URL", "--queue %q is not in %s", name, o.config)
		}
		o.settings = append(o.settings, s)
	}
	return nil
}

// resolveOne is resolve for a command on one queue. Without --queue that is the
// queue of the kind, which may be empty, else the default one of the file.
func (o *queueFlags) resolveOne(kind string) error {
	if err := o.resolve(); err != nil || len(o.names) > 0 {
		return err
	}
	name, routed := o.file.Routes[kind]
	if !routed {
		name = o.file.DefaultQueue
	}
	s, ok := o.file.Queue(name)
	if !ok {
		return usagef("name one of "+strings.Join(o.known(), ", "), "--queue is missing, and the file has no default_queue")
	}
	o.settings = []runtime.QueueSettings{s}
	return nil
}

// openOne opens the queue of a command that takes one; see resolveOne. The command
// is named in its hint.
func (o *queueFlags) openOne(ctx context.Context, open opener, kind, command string) (*runtime.Queues, error) {
	if err := o.resolveOne(kind); err != nil {
		return nil, err
	}
	return openQueues(ctx, open, o.settings, command)
}
