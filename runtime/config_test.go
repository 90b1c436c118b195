package runtime_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
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

func TestOpenConfig(t *testing.T) {
	t.Setenv("ORDERS_HOLD", "45s")
	c, err := runtime.OpenConfig(t.Context(), writeConfig(t, `
queues:
  orders:
    url: mem://config-orders?hold=${ORDERS_HOLD}
    weight: 6
    concurrency: 20
    rate: 30/m
    burst: 7
    hold: 1m
    retry: {max_attempts: 8, max_deliveries: 30, backoff: 2s, max_backoff: 5s}
    declared: {max_attempts: 40, dead_letter: orders-dead, retention: 4d, retry_delay: 10s}
  mails:
    url: mem://config-mails
routes: {mail: mails}
default_queue: orders
strict: true
`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Queues.Close(context.WithoutCancel(t.Context())) })

	all := c.Queues.All()
	if len(all) != 2 || all[0].Name != "orders" || all[1].Name != "mails" {
		t.Fatalf("the queues are %+v", all)
	}
	if p, err := all[0].Driver.Policy(t.Context()); err != nil || p.Hold != 45*time.Second {
		t.Errorf("the queue's hold is %v (%v), not that of the environment", p.Hold, err)
	}
	want := driver.Policy{MaxAttempts: 40, DeadLetterTarget: "orders-dead", DeadLetterReadable: true, Retention: 96 * time.Hour, RetryDelay: 10 * time.Second}
	if d := all[0].Declared; d == nil || *d != want {
		t.Errorf("declared is %+v, want %+v", d, want)
	}
	r := all[0].Retry
	if r.MaxAttempts != 8 || r.MaxDeliveries != 30 || r.Backoff(1) != 2*time.Second || r.Backoff(2) != 4*time.Second || r.Backoff(3) != 5*time.Second {
		t.Errorf("the retry policy is %+v", r)
	}
	if q := all[0]; q.Weight != 6 || q.Concurrency != 20 || q.Hold != time.Minute || q.Rate != (runtime.Rate{PerSecond: 0.5, Burst: 7}) {
		t.Errorf("the queue has %+v", q)
	}
	if q := all[1]; q.Weight != 1 || q.Concurrency != 0 || q.Hold != 0 || q.Rate != (runtime.Rate{}) {
		t.Errorf("the queue without settings has %+v", q)
	}
	if all[1].Declared != nil || all[1].Retry.MaxAttempts != 0 || all[1].Retry.Backoff != nil {
		t.Errorf("the queue without settings has %+v", all[1])
	}
	s, ok := c.Queue("orders")
	if !ok || s.Concurrency != 20 || s.Hold != time.Minute || s.URL != "mem://config-orders?hold=45s" {
		t.Errorf("the settings are %+v", s)
	}
	if _, ok := c.Queue("nobody"); ok {
		t.Error("it has settings of no queue")
	}

	client, err := runtime.NewClient(c.Queues, c.ClientOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"mail", "order.pay"} {
		if _, err := runtime.EnqueueRaw(t.Context(), client, runtime.Raw{Kind: kind, Data: []byte("{}")}); err != nil {
			t.Error(err)
		}
	}
	for _, q := range all {
		if s, err := q.Driver.Stats(t.Context()); err != nil || s.Ready != 1 {
			t.Errorf("%s has %+v (%v), want one task", q.Name, s, err)
		}
	}
}

func TestOpenConfigRefuses(t *testing.T) {
	t.Setenv("CONFIG_SECRET", "hunter2%20!")
	t.Setenv("CONFIG_LONG_SECRET", "hunter"+strings.Repeat("7", 100))
	t.Setenv("CONFIG_QUOTED_SECRET", `hunt"er2`)
	t.Setenv("CONFIG_PLUS_SECRET", "hunt+er2")
	t.Setenv("CONFIG_SHORT_SECRET", "hunt") // with which others begin
	directory := t.TempDir()
	for name, c := range map[string]struct {
		file string
		path string
		code driver.Code
		says string
	}{
		"no file":                 {path: filepath.Join(directory, "none.yaml"), code: driver.NotFound, says: "none.yaml: there is no such file"},
		"a directory":             {path: directory, code: driver.InvalidArgument, says: "is a directory"},
		"an unknown key":          {file: "queues:\n  a:\n    url: mem://a\n    colour: 17\n", code: driver.InvalidArgument, says: "longshore.yaml:4:5: queues.a.colour: this key is unknown"},
		"no YAML":                 {file: "queues: [hunter2", code: driver.InvalidArgument, says: "longshore.yaml:1:9: the file: the file is no YAML"},
		"an unset variable":       {file: "queues: {a: {url: 'mem://${LONGSHORE_TEST_UNSET}'}}", code: driver.InvalidArgument, says: "the environment variable LONGSHORE_TEST_UNSET is not set"},
		"an unknown scheme":       {file: "queues:\n  a:\n    url: nosuch://a\n", code: driver.InvalidArgument, says: "longshore.yaml:3:10: queues.a: open nosuch://a: unknown scheme; want one of "},
		"a password":              {file: "queues: {a: {url: 'mem://ann:hunter2@a'}}", code: driver.InvalidArgument, says: "credentials come from the environment"},
		"an unknown parameter":    {file: "queues: {a: {url: 'mem://a?color=hunter2'}}", code: driver.InvalidArgument, says: `unknown parameter "color"`},
		"a secret in a parameter": {file: "queues: {a: {url: 'mem://a?hold=${CONFIG_SECRET}'}}", code: driver.InvalidArgument, says: "${CONFIG_SECRET}"},
		"a long secret":           {file: "queues: {a: {url: 'mem://a?hold=${CONFIG_LONG_SECRET}'}}", code: driver.InvalidArgument, says: `hold="${CONFIG_LONG_SECRET}…`},
		"a secret in quotes":      {file: "queues: {a: {url: 'mem://a?hold=${CONFIG_QUOTED_SECRET}'}}", code: driver.InvalidArgument, says: `hold="${CONFIG_QUOTED_SECRET}"`},
		"a secret with a space":   {file: "queues: {a: {url: 'mem://a?hold=${CONFIG_PLUS_SECRET}'}}", code: driver.InvalidArgument, says: `hold="${CONFIG_PLUS_SECRET}"`},
		"a secret in a secret":    {file: "queues: {a: {url: 'mem://a?hold=${CONFIG_SHORT_SECRET}er2${CONFIG_SECRET}'}}", code: driver.InvalidArgument, says: `hold="${CONFIG_SHORT_SECRET}er2${CONFIG_SECRET}"`},
		"a secret as a name":      {file: "queues: {a: {url: '${CONFIG_SECRET}'}}", code: driver.InvalidArgument, says: "not a queue URL"},
		"deliveries too few":      {file: "queues: {a: {url: 'mem://config-few', retry: {max_deliveries: 2}}}", code: driver.InvalidArgument, says: "max deliveries 2 is not within max attempts 5"},
		"a second that is wrong":  {file: "queues: {a: {url: 'mem://config-twice'}, b: {url: 'mem://'}}", code: driver.InvalidArgument, says: "queues.b: "},
		"a file of nothing":       {file: "", code: driver.InvalidArgument, says: "longshore.yaml:1:1: the file: there are no queues"},
		"a file of much":          {file: strings.Repeat("#\n", 1<<20), code: driver.InvalidArgument, says: "more than 262144 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			path := c.path
			if path == "" {
				path = writeConfig(t, c.file)
			}
			config, err := runtime.OpenConfig(t.Context(), path)
			if config != nil || !driver.Is(err, c.code) || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "runtime: config "+path) {
				t.Errorf("it says %v; want code %v and %q", err, c.code, c.says)
			}
			if strings.Contains(err.Error(), "hunt") || strings.Contains(err.Error(), "\n") {
				t.Errorf("it tells a value, or more than a line: %v", err)
			}
		})
	}
}

var closings atomic.Int64

// A broken queue leaves none open that came before it.
func TestOpenConfigClosesWhatItOpened(t *testing.T) {
	closed := make(map[string]int)
	scheme := fmt.Sprint("tells", closings.Add(1)) // a scheme is registered once, and a test may run again
	driver.Default.Register(driver.Scheme{Name: scheme, Open: func(ctx context.Context, u *driver.URL) (driver.Queue, error) {
		q, err := driver.Default.Open(ctx, "mem://closing-"+u.Host)
		return &closing{q, func() { closed[u.Host]++ }}, err
	}})
	for name, last := range map[string]string{
		"a URL":    "url: mem://",
		"settings": "url: " + scheme + "://c, retry: {max_deliveries: 2}", // below the attempts
	} {
		clear(closed)
		c, err := runtime.OpenConfig(t.Context(), writeConfig(t, "queues: {a: {url: "+scheme+"://a}, b: {url: "+scheme+"://b}, c: {"+last+"}}"))
		if c != nil || err == nil || closed["a"] != 1 || closed["b"] != 1 || closed["c"] != strings.Count(last, "://c") {
			t.Errorf("%s: closed %v after %v", name, closed, err)
		}
	}
}

// closing is a queue that tells when it is closed.
type closing struct {
	driver.Queue
	closed func()
}

func (q *closing) Close(ctx context.Context) error {
	q.closed()
	return q.Queue.Close(ctx)
}

func TestWorkerOptionsOfAConfig(t *testing.T) {
	for name, c := range map[string]struct {
		file   string
		queues []string
		want   int
	}{
		"nothing said":        {"queues: {a: {url: 'mem://a'}, b: {url: 'mem://b'}}", nil, 10},
		"the total":           {"{concurrency: 7, queues: {a: {url: 'mem://a', concurrency: 20}}}", nil, 7},
		"a sum":               {"queues: {a: {url: 'mem://a', concurrency: 2}, b: {url: 'mem://b', concurrency: 3}}", nil, 5},
		"a small sum, and":    {"queues: {a: {url: 'mem://a', concurrency: 2}, b: {url: 'mem://b'}}", nil, 10},
		"a large sum, and":    {"queues: {a: {url: 'mem://a', concurrency: 20}, b: {url: 'mem://b'}}", nil, 20},
		"some queues":         {"queues: {a: {url: 'mem://a', concurrency: 2}, b: {url: 'mem://b'}}", []string{"a"}, 2},
		"more than there may": {"queues: {a: {url: 'mem://a', concurrency: 100000}, b: {url: 'mem://b', concurrency: 1}}", nil, 100_000},
	} {
		config, err := runtime.ReadConfig(writeConfig(t, c.file))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if o := config.WorkerOptions(c.queues...); o.Concurrency != c.want || o.Strict || !slices.Equal(o.Queues, c.queues) {
			t.Errorf("%s: %+v, want a concurrency of %d", name, o, c.want)
		}
	}
	config, err := runtime.ReadConfig(writeConfig(t, "{strict: true, queues: {only: {url: 'mem://a'}}}"))
	if err != nil || !config.WorkerOptions().Strict || config.DefaultQueue != "only" {
		t.Errorf("%+v, %v", config, err)
	}
}
