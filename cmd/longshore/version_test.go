package main

import (
	"encoding/json"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

func TestVersionPrints(t *testing.T) {
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
			if err := newVersion(&tt.info).print(&b); err != nil || b.String() != tt.want {
				t.Errorf("got\n%swant\n%s(%v)", &b, tt.want, err)
			}
		})
	}
}

func TestVersionPrintsExactlyTheseFields(t *testing.T) {
	e := here(t, "", "version", "--json")
	var fields map[string]any
	if err := json.Unmarshal([]byte(e.out), &fields); e.code != 0 || err != nil {
		t.Fatalf("exit code %d, %v, %s", e.code, err, e.out)
	}
	want := []string{"arch", "go", "modified", "os", "revision", "revision_time", "version"}
	if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
	info := debug.BuildInfo{GoVersion: "go1.26.1", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	if v, want := *newVersion(&info), (version{"v1.2.3", "go1.26.1", runtime.GOOS, runtime.GOARCH, "abc", "2026-01-02T03:04:05Z", true}); v != want {
		t.Errorf("%+v, want %+v", v, want)
	}
}
