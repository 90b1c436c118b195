package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the Go version and the revision it was built from",
		Long:  versionLong,
		Args:  noArgument("version", ""),
		RunE: func(c *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = new(debug.BuildInfo)
			}
			v := newVersion(info)
			if asJSON {
				return writeJSON(c.OutOrStdout(), v)
			}
			return v.print(c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return c
}

const versionLong = `Print the version, the Go version and the revision it was built from.

With --json standard output has one JSON object: version, go, os, arch, revision,
revision_time (RFC 3339) and modified, which is true when there were changes beside
that revision. What the build did not know is "unknown", and the time empty.`

// version is what --json prints. Its fields are stable.
type version struct {
	Version      string `json:"version"`
	Go           string `json:"go"`
	OS           string `json:"os"`
	Arch         string `json:"arch"`
	Revision     string `json:"revision"`
	RevisionTime string `json:"revision_time"`
	Modified     bool   `json:"modified"`
}

// newVersion is what the Go toolchain wrote into the binary. What it did not write,
// such as the revision of a build outside a repository, is "unknown".
func newVersion(info *debug.BuildInfo) *version {
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	known := func(s string) string { return cmp.Or(s, "unknown") }
	return &version{
		Version: known(info.Main.Version), Go: known(info.GoVersion), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Revision: known(settings["vcs.revision"]), RevisionTime: settings["vcs.time"], Modified: settings["vcs.modified"] == "true",
	}
}

func (v *version) print(w io.Writer) error {
	revision := v.Revision
	if v.RevisionTime != "" {
		revision += " of " + v.RevisionTime
	}
	if v.Modified {
		revision += ", modified"
	}
	_, err := fmt.Fprintf(w, "longshore %s\ngo        %s %s/%s\nrevision  %s\n", v.Version, v.Go, v.OS, v.Arch, revision)
	return err
}
