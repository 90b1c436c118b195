package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the Go version and the revision it was built from",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = new(debug.BuildInfo)
			}
			return printVersion(c.OutOrStdout(), info)
		},
	}
}

// printVersion prints what the Go toolchain wrote into the binary. What it did
// not write, such as the revision of a build outside a repository, is "unknown".
func printVersion(w io.Writer, info *debug.BuildInfo) error {
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	known := func(s string) string {
		if s == "" {
			return "unknown"
		}
		return s
	}
	revision := known(settings["vcs.revision"])
	if at := settings["vcs.time"]; at != "" {
		revision += " of " + at
	}
	if settings["vcs.modified"] == "true" {
		revision += ", modified"
	}
	_, err := fmt.Fprintf(w, "longshore %s\ngo        %s %s/%s\nrevision  %s\n",
		known(info.Main.Version), known(info.GoVersion), runtime.GOOS, runtime.GOARCH, revision)
	return err
}
