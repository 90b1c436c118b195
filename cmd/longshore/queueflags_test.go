package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeConfig writes a configuration file and answers its path.
func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "longshore.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fileOf writes a file with two queues in memory, and the rest. Settings are added to
// each.
func fileOf(t *testing.T, settings, rest string) (path string, orders, mails *memQueue) {
	t.Helper()
	orders, mails = newNamedMemQueue(t, "-orders", ""), newNamedMemQueue(t, "-mails", "")
	return writeConfig(t, fmt.Sprintf("queues:\n  orders: {url: '%s'%s}\n  mails: {url: '%s'%s}\n%s", orders.url, settings, mails.url, settings, rest)), orders, mails
}

// A command on one queue takes the one that is named, else that of the kind, else
// the default.
func TestSendTakesAQueueOfTheFile(t *testing.T) {
	t.Parallel()
	const routes = "routes: {mail: mails}\n"
	for name, c := range map[string]struct {
		rest          string
		args          []string
		orders, mails int64
	}{
		"the one that is named":      {routes, []string{"--kind=mail", "--queue=orders"}, 1, 0},
		"that of the kind":           {routes + "default_queue: orders\n", []string{"--kind=mail"}, 0, 1},
		"the default":                {routes + "default_queue: orders\n", []string{"--kind=pay"}, 1, 0},
		"the default without routes": {"default_queue: mails\n", []string{"--kind=pay"}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			path, orders, mails := fileOf(t, "", c.rest)
			if e := here(t, "", append([]string{"send", "{}", "--config", path}, c.args...)...); e.code != 0 {
				t.Fatalf("exit code %d\n%s", e.code, e.err)
			}
			orders.stats(t, c.orders, 0)
			mails.stats(t, c.mails, 0)
		})
	}
}

func TestACommandTakesTheOnlyQueueOfTheFile(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	path := writeConfig(t, "queues: {only: {url: '"+q.url+"'}}")
	for _, args := range [][]string{
		{"send", "--kind=k", "{}"}, {"stats"}, {"doctor"}, {"dlq", "list"}, {"dlq", "redrive"}, {"dlq", "discard", "--yes"},
		{"work", "--exec=cat", "--until-empty=1s"}, {"run", "--exec=cat"},
	} {
		if e := here(t, "", append(args, "--config", path)...); e.code != 0 {
			t.Errorf("%q: exit code %d\n%s", args, e.code, e.err)
		}
	}
	q.stats(t, 0, 0)
}

func TestQueueAndConfigAreRefused(t *testing.T) {
	t.Parallel()
	path, _, _ := fileOf(t, "", "")
	wrong := writeConfig(t, "queues:\n  orders:\n    url: mem://orders\n    weight: 0\n")
	for _, c := range []struct {
		want string
		args []string
	}{
		{`--queue "nobody" is not in `, []string{"stats", "--queue=nobody", "--config", path}},
		{"it has orders, mails; with --config it is a name of the file, and no URL", []string{"work", "--exec=cat", "--queue=mem://x", "--config", path}},
		{"the file has no default_queue\nname one of orders, mails\n", []string{"dlq", "redrive", "--config", path}},
		{"the file has no default_queue", []string{"send", "--kind=k", "{}", "--config", path}},
		{"the file has no default_queue", []string{"run", "--exec=cat", "--config", path}},
		{"none.yaml: there is no such file", []string{"stats", "--config", path + "none.yaml"}},
		{"--config is empty", []string{"doctor", "--config="}},
		{"--queue is missing", []string{"doctor", "--config", path, "--queue="}},
		{"--queue is given 2 times, and this command takes one", []string{"send", "--kind=k", "{}", "--queue=a", "--queue=b"}},
		{"--queue is given 2 times", []string{"run", "--exec=cat", "--queue=a", "--queue=b"}},
		{"--queue is given 2 times", []string{"dlq", "list", "--queue=a", "--queue=b"}},
		{`there is one of this name already`, []string{"work", "--exec=cat", "--config", path, "--queue=orders", "--queue=orders"}},
		{":4:13: queues.orders.weight: it is not within 1 to 1000\nmend the file", []string{"work", "--exec=cat", "--config", wrong}},
	} {
		if e := here(t, "", c.args...); e.code != 2 || e.out != "" || !strings.Contains(e.err, c.want) || strings.Count(e.err, "\n") != 2 {
			t.Errorf("%q: exit code %d, want %q\n%s", c.args, e.code, c.want, e.err)
		}
	}
}

func TestTheShellCompletesNamesOfTheFile(t *testing.T) {
	t.Parallel()
	path, _, _ := fileOf(t, "", "")
	for _, command := range []string{"send", "stats", "work", "run", "doctor", "dlq list"} {
		e := here(t, "", append(append([]string{"__complete"}, strings.Fields(command)...), "--config", path, "--queue", "")...)
		if !strings.HasPrefix(e.out, "orders\nmails\n:4") {
			t.Errorf("%s: %q", command, e.out)
		}
	}
	if e := here(t, "", "__complete", "stats", "--config", path+"none", "--queue", ""); !strings.HasPrefix(e.out, ":4") {
		t.Errorf("without a file: %q", e.out)
	}
}
