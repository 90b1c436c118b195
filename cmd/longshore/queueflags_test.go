package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommandsTakeAConfigurationFile(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	path := filepath.Join(t.TempDir(), "longshore.yaml")
	text := "queues:\n  mails: {url: '" + q.url + "'}\n  other: {url: 'mem://config-other'}\nroutes: {mail: mails}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"send", "--kind=mail", "{}"}, {"stats", "--queue=mails"}, {"dlq", "list", "--queue=mails"}} {
		if e := here(t, "", append(args, "--config", path)...); e.code != 0 {
			t.Errorf("%q: exit code %d\n%s", args, e.code, e.err)
		}
	}
	q.stats(t, 1, 0)
	for want, args := range map[string][]string{
		`--queue "nobody" is not in `:      {"stats", "--queue=nobody", "--config", path},
		"the file has no default_queue":    {"dlq", "redrive", "--config", path},
		"none.yaml: there is no such file": {"stats", "--queue=mails", "--config", path + "none.yaml"},
	} {
		if e := here(t, "", args...); e.code != 2 || !strings.Contains(e.err, want) {
			t.Errorf("%q: exit code %d, want %q\n%s", args, e.code, want, e.err)
		}
	}
}
