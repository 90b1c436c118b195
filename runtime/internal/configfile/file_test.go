package configfile_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/runtime/internal/configfile"
)

// environment is what the tests' files may name.
func environment(name string) (string, bool) {
	value, ok := map[string]string{"REGION": "eu-west-1", "EMPTY": "", "SECRET": "hunter2"}[name]
	return value, ok
}

const full = `# what a file may say
queues:
  orders:
    url: sqs://orders-${REGION}?region=${REGION}
    weight: 3
    concurrency: 20
    rate: 30/m
    burst: 5
    hold: 30s
    retry:
      max_attempts: 5
      max_deliveries: 12
      backoff: 2s
      max_backoff: 1d
    declared:
      hold: 1m
      max_attempts: 20
      dead_letter: orders-dead
      retention: 4d
      dead_letter_retention: unlimited
      retry_delay: 10s
  mails: {url: 'mem://mails'}
routes:
  mail.send: mails
  "order/pay": orders
default_queue: orders
concurrency: 50
strict: true
payloads:
  url: s3://bucket-${REGION}?region=${REGION}
  threshold: 64KiB
  max: 1048576
  timeout: 30s
  compression: zstd
`

func TestParse(t *testing.T) {
	got, err := configfile.Parse([]byte(full), environment)
	if err != nil {
		t.Fatal(err)
	}
	want := &configfile.File{
		Queues: []configfile.Queue{
			{
				Name: "orders", URL: "sqs://orders-eu-west-1?region=eu-west-1", Line: 4, Column: 10,
				Variables: []configfile.Variable{{Name: "REGION", Value: "eu-west-1"}, {Name: "REGION", Value: "eu-west-1"}},
				Weight:    3, Concurrency: 20, Hold: 30 * time.Second, Rate: 0.5, Burst: 5, MaxAttempts: 5, MaxDeliveries: 12, Backoff: 2 * time.Second, MaxBackoff: 24 * time.Hour,
				Declared: &configfile.Policy{
					Hold: time.Minute, MaxAttempts: 20, DeadLetter: "orders-dead", Retention: 96 * time.Hour, DeadLetterRetention: math.MaxInt64,
					RetryDelay: 10 * time.Second,
				},
			},
			{Name: "mails", URL: "mem://mails", Line: 22, Column: 16},
		},
		Routes:       map[string]string{"mail.send": "mails", "order/pay": "orders"},
		DefaultQueue: "orders",
		Concurrency:  50,
		Strict:       true,
		Payloads: &configfile.Payloads{
			URL: "s3://bucket-eu-west-1?region=eu-west-1", Threshold: 64 << 10, Max: 1 << 20, Timeout: 30 * time.Second, Compression: "zstd",
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it says\n%+v\nwant\n%+v", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	const q = "queues:\n  a:\n    url: mem://a\n"
	for name, c := range map[string]struct{ file, want string }{
		"nothing":                {"", "1:1: there are no queues"},
		"a comment":              {"# hunter2\n", "1:1: there are no queues"},
		"a text":                 {"hunter2\n", "1:1: it is a text; want a mapping"},
		"a list":                 {"- hunter2\n", "1:1: it is a list; want a mapping"},
		"no YAML":                {"queues: [hunter2\n", "1:9: the file is no YAML: sequence end token ']' not found"},
		"no YAML either":         {"queues:\n  a: hunter2: hunter2\n", "2:6: the file is no YAML"},
		"a tab":                  {"queues:\n\ta: hunter2\n", "2:1: the file is no YAML"},
		"two documents":          {q + "---\n" + q, "5:1: a second document begins"},
		"no queues":              {"routes: {}\n", "1:1: there are no queues"},
		"empty queues":           {"queues: {}\n", "1:9: queues: there are no queues"},
		"no queues at all":       {"queues:\n", "queues: it is empty; want a mapping"},
		"a list of queues":       {"queues:\n  - hunter2\n", "2:3: queues: it is a list; want a mapping"},
		"an unknown key":         {q + "colour: hunter2\n", "4:1: colour: this key is unknown; known are queues, routes, default_queue, concurrency, strict"},
		"an unknown queue key":   {q + "    colour: hunter2\n", "4:5: queues.a.colour: this key is unknown; known are url, weight, concurrency, rate, burst, hold, retry, declared"},
		"an unknown retry key":   {q + "    retry: {tries: 7}\n", "4:13: queues.a.retry.tries: this key is unknown; known are max_attempts, max_deliveries, backoff, max_backoff"},
		"an unknown declared":    {q + "    declared: {lives: 7}\n", "4:16: queues.a.declared.lives: this key is unknown; known are hold, max_attempts, dead_letter, retention, dead_letter_retention, retry_delay"},
		"a secret as a key":      {q + "    hunter2 hunter2: 1\n", "4:5: queues.a.a key: this key is unknown"},
		"a token as a key":       {q + "    hunter2AKIA12345678: 1\n", "4:5: queues.a.a key: this key is unknown"},
		"a number as a key":      {q + "    17: hunter2\n", "4:5: queues.a: a key is no text"},
		"a queue twice":          {q + "  a:\n    url: mem://hunter2\n", "4:3: queues.a: it is here twice"},
		"a URL twice":            {q + "  b:\n    weight: 2\n    url: mem://a\n", "6:10: queues.b.url: it is that of queue a too"},
		"a key twice":            {q + "    url: hunter2\n", "4:5: queues.a.url: it is here twice"},
		"a kind twice":           {q + "routes:\n  k: a\n  k: a\n", "6:3: routes.k: it is here twice"},
		"a bad queue name":       {"queues:\n  a b:\n    url: mem://a\n", "2:3: queues.a key: the name of a queue is not"},
		"a queue without a URL":  {"queues:\n  a:\n    hold: 1s\n", "3:5: queues.a: it has no url"},
		"an empty URL":           {"queues:\n  a:\n    url: ''\n", "3:10: queues.a.url: it is empty"},
		"no URL":                 {"queues:\n  a:\n    url: 17\n", "3:10: queues.a.url: it is a number; want a text"},
		"a URL of lines":         {"queues:\n  a:\n    url: |\n      mem://a\n", "queues.a.url: it has a line end"},
		"a queue that is none":   {"queues:\n  a: mem://hunter2\n", "2:6: queues.a: it is a text; want a mapping"},
		"no weight":              {q + "    weight: 0\n", "4:13: queues.a.weight: it is not within 1 to 1000"},
		"a negative weight":      {q + "    weight: -3\n", "4:13: queues.a.weight: it is not within 1 to 1000"},
		"a huge weight":          {q + "    weight: 1001\n", "4:13: queues.a.weight: it is not within 1 to 1000"},
		"a weight as text":       {q + "    weight: hunter2\n", "4:13: queues.a.weight: it is a text; want a whole number"},
		"half a weight":          {q + "    weight: 0.5\n", "4:13: queues.a.weight: it is a number with a fraction"},
		"a rate without time":    {q + "    rate: 100\n", "4:11: queues.a.rate: it is a number; want a number and its time, such as 100/s"},
		"a rate of text":         {q + "    rate: hunter2\n", "4:11: queues.a.rate: it is not a number and its time"},
		"a rate of other times":  {q + "    rate: 100/hunter2\n", "4:11: queues.a.rate: it is not a number and its time"},
		"a rate of nothing":      {q + "    rate: /s\n", "4:11: queues.a.rate: it is not a number and its time"},
		"a rate of two times":    {q + "    rate: 1/s/s\n", "4:11: queues.a.rate: it is not a number and its time"},
		"no rate":                {q + "    rate: 0/s\n", "4:11: queues.a.rate: it is not above 0 and at most 1000000 a second"},
		"a negative rate":        {q + "    rate: -1/s\n", "4:11: queues.a.rate: it is not a number and its time"},
		"a huge rate":            {q + "    rate: 1000001/s\n", "4:11: queues.a.rate: it is not above 0 and at most"},
		"a rate without end":     {q + "    rate: inf/s\n", "4:11: queues.a.rate: it is not a number and its time"},
		"a rate of exponents":    {q + "    rate: 1e3/s\n", "4:11: queues.a.rate: it is not a number and its time"},
		"a burst without rate":   {q + "    burst: 5\n", "4:12: queues.a.burst: it is that of a rate, and the queue has none"},
		"no burst":               {q + "    rate: 1/s\n    burst: 0\n", "5:12: queues.a.burst: it is not within 1 to 1000000"},
		"strict as text":         {q + "strict: yes\n", "4:9: strict: it is a text; want true or false"},
		"no total":               {q + "concurrency: 0\n", "4:14: concurrency: it is not within 1 to 100000"},
		"no concurrency":         {q + "    concurrency: 0\n", "4:18: queues.a.concurrency: it is not within 1 to 100000"},
		"negative concurrency":   {q + "    concurrency: -1\n", "4:18: queues.a.concurrency: it is not within 1 to 100000"},
		"huge concurrency":       {q + "    concurrency: 18446744073709551615\n", "queues.a.concurrency: it is not within 1 to 100000"},
		"concurrency as text":    {q + "    concurrency: hunter2\n", "4:18: queues.a.concurrency: it is a text; want a whole number"},
		"half a task":            {q + "    concurrency: 0.5\n", "4:18: queues.a.concurrency: it is a number with a fraction"},
		"a hold without unit":    {q + "    hold: 30\n", "4:11: queues.a.hold: it is a number; want a duration with its unit"},
		"no hold":                {q + "    hold: hunter2\n", "4:11: queues.a.hold: it is no duration"},
		"a negative hold":        {q + "    hold: -30s\n", "4:11: queues.a.hold: it is not within 1ms to 168h0m0s"},
		"a huge hold":            {q + "    hold: 99999999999999d\n", "queues.a.hold: it is not within"},
		"no attempts":            {q + "    retry:\n      max_attempts: -5\n", "5:21: queues.a.retry.max_attempts: it is not within 1 to 1000"},
		"few deliveries":         {q + "    retry:\n      max_attempts: 5\n      max_deliveries: 4\n", "6:23: queues.a.retry.max_deliveries: it is below max_attempts"},
		"a small limit":          {q + "    retry: {backoff: 2s, max_backoff: 1s}\n", "queues.a.retry.max_backoff: it is below backoff"},
		"retry as a list":        {q + "    retry: []\n", "4:12: queues.a.retry: it is a list; want a mapping"},
		"a true dead letter":     {q + "    declared: {dead_letter: true}\n", "queues.a.declared.dead_letter: it is true or false; want a text"},
		"a negative retention":   {q + "    declared: {retention: -1d}\n", "queues.a.declared.retention: it is not within"},
		"no retry delay":         {q + "    declared: {retry_delay: 0s}\n", "queues.a.declared.retry_delay: it is not within"},
		"a long retry delay":     {q + "    declared: {retry_delay: 8d}\n", "queues.a.declared.retry_delay: it is not within"},
		"an anchor":              {"queues:\n  a: &x\n    url: mem://a\n", "it is an anchor, alias or tag, which are not taken"},
		"an alias":               {"queues:\n  a: {url: &hunter2 'mem://a'}\n  b: {url: *hunter2}\n", "queues.a.url: it is an anchor, alias or tag"},
		"a tag":                  {q + "    hold: !!str 30s\n", "queues.a.hold: it is an anchor, alias or tag"},
		"a merge":                {q + "    <<: {}\n", "4:5: queues.a: a key is no text"},
		"an unset variable":      {"queues:\n  a:\n    url: mem://${NOWHERE}\n", "3:10: queues.a.url: the environment variable NOWHERE is not set"},
		"an empty variable":      {"queues:\n  a:\n    url: mem://${EMPTY}\n", "3:10: queues.a.url: the environment variable EMPTY is empty"},
		"an open variable":       {"queues:\n  a:\n    url: mem://${hunter2\n", "3:10: queues.a.url: a ${ has no name"},
		"a variable of spaces":   {"queues:\n  a:\n    url: mem://${hunter 2}\n", "3:10: queues.a.url: a ${ has no name"},
		"a variable of nothing":  {"queues:\n  a:\n    url: mem://${}\n", "3:10: queues.a.url: a ${ has no name"},
		"empty payloads":         {q + "payloads: {}\n", "4:11: payloads: it has neither url nor compression"},
		"payloads as text":       {q + "payloads: hunter2\n", "4:11: payloads: it is a text; want a mapping"},
		"an odd compression":     {q + "payloads: {compression: hunter2}\n", "payloads.compression: it is no compression; known is zstd"},
		"no threshold":           {q + "payloads: {compression: zstd, threshold: 0}\n", "payloads.threshold: it is not within 1 to 1073741824 bytes"},
		"a huge threshold":       {q + "payloads: {compression: zstd, threshold: 2GiB}\n", "payloads.threshold: it is not within 1 to 1073741824 bytes"},
		"a threshold in KB":      {q + "payloads: {compression: zstd, threshold: 64KB}\n", "payloads.threshold: it is not a number of bytes"},
		"a threshold of nothing": {q + "payloads: {compression: zstd, threshold: MiB}\n", "payloads.threshold: it is not a number of bytes"},
		"a negative max":         {q + "payloads: {compression: zstd, max: -1}\n", "payloads.max: it is not within 1 to 1073741824 bytes"},
		"a max as a list":        {q + "payloads: {compression: zstd, max: [1]}\n", "payloads.max: it is not a number of bytes"},
		"no timeout":             {q + "payloads: {compression: zstd, timeout: 0s}\n", "payloads.timeout: it is not within 1ms to 24h0m0s"},
		"a store unset":          {q + "payloads: {url: 's3://${NOWHERE}'}\n", "payloads.url: the environment variable NOWHERE is not set"},
		"an unknown key there":   {q + "payloads: {compression: zstd, bucket: hunter2}\n", "payloads.bucket: this key is unknown; known are url, threshold, max, timeout, compression"},
		"a route to no queue":    {q + "routes:\n  mail.send: hunter2\n", "5:14: routes.mail.send: there is no queue of this name"},
		"a route to a list":      {q + "routes:\n  mail.send: [a]\n", "5:14: routes.mail.send: it is a list; want a text"},
		"no kind":                {q + "routes:\n  hunter 2: a\n", "5:3: routes.a key: a kind is not"},
		"no default":             {q + "default_queue: hunter2\n", "4:16: default_queue: there is no queue of this name"},
		"nested brackets":        {"queues: " + strings.Repeat("[", 100_000), "1:107: it is nested more than 100 levels deep"},
		"nested dashes":          {strings.Repeat("- ", 100_000), "1:201: it is nested more than 100 levels deep"},
		"nested keys":            {strings.Repeat("{a: ", 60_000), ": it is nested more than 100 levels deep"},
		"nested lines":           {nested(300), ": it is nested more than 100 levels deep"},
		"brackets in quotes":     {strings.Repeat(`["]",`, 50_000), "1:501: it is nested more than 100 levels deep"},
		"too much":               {"#" + strings.Repeat("x", configfile.MaxSize), "1:1: the file has more than 262144 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := configfile.Parse([]byte(c.file), environment)
			if e := (*configfile.Error)(nil); !errors.As(err, &e) || f != nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("it says %v; want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter") {
				t.Errorf("it tells a value: %v", err)
			}
		})
	}
}

// nested is a mapping in a mapping, and so on, one a line.
func nested(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// Only what is nested counts as such, and not how much there is.
func TestParseTakesALongFile(t *testing.T) {
	const n = 2000
	var list, line strings.Builder
	list.WriteString("# " + strings.Repeat("- ", n) + "\nqueues:\n")
	line.WriteString("queues: {")
	for i := range n {
		fmt.Fprintf(&list, "  - q%d:\n    url: 'mem://[?- %d' # [ ?\n", i, i)
		fmt.Fprintf(&line, "q%d: {url: 'mem://a?[- %d'}, ", i, i)
	}
	for name, file := range map[string]string{
		"lines": strings.ReplaceAll(list.String(), "  - q", "  q"), "a line": line.String() + "}",
	} {
		if f, err := configfile.Parse([]byte(file), environment); err != nil || len(f.Queues) != n {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := configfile.Parse([]byte(list.String()), environment); err == nil || !strings.Contains(err.Error(), "queues: it is a list") {
		t.Errorf("a list: %v", err)
	}
}

func TestParseTakesADollarAsItIs(t *testing.T) {
	f, err := configfile.Parse([]byte("queues: {a: {url: 'mem://$a$$REGION'}}"), environment)
	if err != nil || f.Queues[0].URL != "mem://$a$$REGION" || f.Queues[0].Variables != nil {
		t.Errorf("%+v, %v", f, err)
	}
}

// FuzzParse looks for files that end the program, and for errors that tell what is
// in the file or that say nothing.
func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	for _, s := range []string{
		"queues:\n  a:\n    url: mem://${REGION}\n    hold: 30\n", "queues: [a", "a: &b {c: *b}", "? [x]\n: y\n", "<<: *a", "--- |\n x\n...\n", "%YAML 1.2\n---\n{}",
		"queues: {a: {url: \"\\x00\"}}", "- - - -\n", "!!str a: b", "'", "\"\\u", "a:\n b:\n  - c\n -", "\xff", "queues:\r\n  a: {}\r\n", "#\n---\n---\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := configfile.Parse(data, environment)
		if err == nil {
			if len(file.Queues) == 0 {
				t.Error("it takes a file without queues")
			}
			for _, q := range file.Queues {
				if q.Name == "" || q.URL == "" || q.Concurrency < 0 || q.Hold < 0 || q.Weight < 0 || q.Rate < 0 || q.MaxAttempts < 0 || q.Backoff < 0 {
					t.Errorf("it takes %+v", q)
				}
			}
			for _, name := range file.Routes {
				if name == "" {
					t.Error("it takes a route to no queue")
				}
			}
			return
		}
		e := (*configfile.Error)(nil)
		if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Problem == "" || strings.ContainsAny(err.Error(), "\n\x00\x1b") {
			t.Errorf("the error is %q", err)
		}
		if strings.Contains(string(data), "hunter2") && strings.Contains(e.Problem, "hunter2") {
			t.Errorf("it tells a value: %v", err)
		}
	})
}
