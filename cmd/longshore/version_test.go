package main

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestPrintVersion(t *testing.T) {
	platform := " " + runtime.GOOS + "/" + runtime.GOARCH
	setting := func(key, value string) debug.BuildSetting { return debug.BuildSetting{Key: key, Value: value} }
	tests := []struct {
		name string
		info debug.BuildInfo
		want string
	}{
		{"nothing known", debug.BuildInfo{}, "longshore unknown\ngo        unknown" + platform + "\nrevision  unknown\n"},
		{"a release", debug.BuildInfo{GoVersion: "go1.26.1", Main: debug.Module{Version: "v1.2.3"}},
			"longshore v1.2.3\ngo        go1.26.1" + platform + "\nrevision  unknown\n"},
		{"a work tree", debug.BuildInfo{GoVersion: "go1.26.1", Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
			setting("vcs.revision", "abc"), setting("vcs.time", "2026-01-02T03:04:05Z"), setting("vcs.modified", "true"),
		}}, "longshore (devel)\ngo        go1.26.1" + platform + "\nrevision  abc of 2026-01-02T03:04:05Z, modified\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := printVersion(&b, &tt.info); err != nil || b.String() != tt.want {
				t.Errorf("got\n%swant\n%s(%v)", &b, tt.want, err)
			}
		})
	}
}
