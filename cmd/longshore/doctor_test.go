package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// posing is a queue that says what a test wants of its configuration.
type posing struct {
	driver.Queue
	policy driver.Policy
	err    error
}

func (p posing) Policy(context.Context) (driver.Policy, error) { return p.policy, p.err }

// diagnose runs a doctor on a queue with this policy.
func diagnose(t *testing.T, o doctorOptions, policy driver.Policy) (int, diagnosis) {
	t.Helper()
	q := newMemQueue(t, "")
	o.names = []string{q.url}
	if o.maxAttempts == 0 {
		o.maxAttempts = 5
	}
	o.json = true
	var out, err bytes.Buffer
	code, failure := doctor(t.Context(), &o, func(_ context.Context, s *runtime.QueueSettings) (runtime.QueueInfo, error) {
		return runtime.QueueInfo{Name: s.Name, Driver: posing{q, policy, nil}, Retry: s.Retry, Hold: s.Hold}, nil
	}, streams{out: &out, err: &err})
	var d diagnosis
	if failure != nil || json.Unmarshal(out.Bytes(), &d) != nil {
		t.Fatalf("doctor: %v\n%s\n%s", failure, &out, &err)
	}
	return code, d
}

var soundPolicy = driver.Policy{
	Hold: 30 * time.Second, MaxAttempts: 15, DeadLetterTarget: "dead", DeadLetterReadable: true,
	Retention: 4 * 24 * time.Hour, DeadLetterRetention: 14 * 24 * time.Hour,
}

func TestDoctorFinds(t *testing.T) {
	for name, c := range map[string]struct {
		options doctorOptions
		change  func(p *driver.Policy)
		code    int
		want    string // severity and setting of each
		says    string
	}{
		"nothing":                    {want: ""},
		"no dead letter":             {change: func(p *driver.Policy) { p.DeadLetterTarget = "" }, code: 1, want: "error dead-letter;", says: "would be lost"},
		"a dead letter that is gone": {change: func(p *driver.Policy) { p.DeadLetterReadable = false }, code: 1, want: "error dead-letter;"},
		"the attempt limit":          {change: func(p *driver.Policy) { p.MaxAttempts = 3 }, code: 1, want: "error attempt-limit;", says: "3 is below 15"},
		"it for more attempts":       {options: doctorOptions{maxAttempts: 6}, code: 1, want: "error attempt-limit;", says: "15 is below 17"},
		"nothing for fewer attempts": {options: doctorOptions{maxAttempts: 3}, change: func(p *driver.Policy) { p.MaxAttempts = 11 }},
		"it for fewer attempts":      {options: doctorOptions{maxAttempts: 3}, change: func(p *driver.Policy) { p.MaxAttempts = 10 }, code: 1, want: "error attempt-limit;", says: "10 is below 11"},
		"retention":                  {change: func(p *driver.Policy) { p.Retention = p.DeadLetterRetention }, code: 1, want: "error dead-letter-retention;"},
		"no retention without end":   {change: func(p *driver.Policy) { p.DeadLetterRetention = driver.Unlimited }},
		"a timeout":                  {options: doctorOptions{timeout: 12 * time.Hour}, code: 1, want: "error timeout;"},
		"another hold":               {options: doctorOptions{hold: time.Minute}, code: 3, want: "warning hold;", says: "the queue's own hold is 30s, not 1m0s"},
		"the same hold":              {options: doctorOptions{hold: 30 * time.Second}},
		"a hold out of range":        {options: doctorOptions{hold: 13 * time.Hour}, code: 1, want: "error hold;warning hold;"},
		"a short hold":               {change: func(p *driver.Policy) { p.Hold = 9 * time.Second }, code: 3, want: "warning hold;", says: "below 10s"},
		"a short hold on purpose":    {options: doctorOptions{hold: time.Second}, change: func(p *driver.Policy) { p.Hold = time.Second }},
		"an unknown retention":       {change: func(p *driver.Policy) { p.Retention = 0 }, code: 3, want: "warning retention;"},
		"another unknown retention":  {change: func(p *driver.Policy) { p.DeadLetterRetention = 0 }, code: 3, want: "warning dead-letter-retention;"},
		"idle expiry":                {change: func(p *driver.Policy) { p.IdleExpiry = time.Hour }, code: 3, want: "warning idle-expiry;"},
		"both": {change: func(p *driver.Policy) { p.MaxAttempts, p.IdleExpiry = 1, time.Hour }, code: 1,
			want: "error attempt-limit;warning idle-expiry;"},
	} {
		t.Run(name, func(t *testing.T) {
			policy := soundPolicy
			if c.change != nil {
				c.change(&policy)
			}
			code, d := diagnose(t, c.options, policy)
			var got, text strings.Builder
			errs := 0
			for _, f := range d.Findings {
				fmt.Fprintf(&got, "%s %s;", f.Severity, f.Setting)
				text.WriteString(f.line())
				if f.Severity == severe {
					errs++
				}
				if f.Problem == "" || f.Why == "" || f.Fix == "" {
					t.Errorf("incomplete: %+v", f)
				}
			}
			if code != c.code || got.String() != c.want || !strings.Contains(text.String(), c.says) {
				t.Errorf("exit code %d, found %q; want %d and %q with %q\n%s", code, &got, c.code, c.want, c.says, &text)
			}
			if d.Errors != errs || d.Warnings != len(d.Findings)-errs {
				t.Errorf("%d errors and %d warnings of %+v", d.Errors, d.Warnings, d.Findings)
			}
		})
	}
}

func TestDoctorPrints(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "?hold=1m")
	q.bury(t, "a", "k", "permanent", "no")
	e := here(t, "", "doctor", "--queue", q.url)
	want := `queue TestDoctorPrints
  hold                   1m0s
  attempt limit          100 deliveries
  dead letter            TestDoctorPrints-dead
  retention              without end
  dead-letter retention  without end
  messages               0 ready, 0 leased, 0 delayed, 1 dead
nothing is wrong with it
`
	if e.code != 0 || e.out != want || e.err != "" {
		t.Errorf("exit code %d, output\n%swant\n%s\n%s", e.code, e.out, want, e.err)
	}

	e = here(t, "", "doctor", "--queue", q.url, "--json")
	want = `{"queue":"TestDoctorPrints","policy":{"hold_ms":60000,"max_attempts":100,"dead_letter":"TestDoctorPrints-dead","retention_ms":-1,"dead_letter_retention_ms":-1},` +
		`"stats":{"ready":0,"leased":0,"delayed":0,"dead":1},"findings":[],"errors":0,"warnings":0}` + "\n"
	if e.code != 0 || e.out != want {
		t.Errorf("exit code %d, output\n%swant\n%s\n%s", e.code, e.out, want, e.err)
	}

	e = here(t, "", "doctor", "--queue", q.url, "--max-attempts", "100", "--hold", "2m")
	for _, want := range []string{
		"\nerror: attempt-limit: the broker's attempt limit 100 is below 205, so it would bury tasks that have attempts left; raise it or lower MaxAttempts\n",
		"\nwarning: hold: the queue's own hold is 1m0s, not 2m0s, so ",
		"\n1 error, 1 warning\n",
	} {
		if e.code != 1 || !strings.Contains(e.out, want) {
			t.Errorf("exit code %d, and it does not say %q but\n%s", e.code, want, e.out)
		}
	}
}

// withDeclared runs a doctor on a queue of which a file declares what is in declared.
func withDeclared(t *testing.T, declared string, policy driver.Policy, policyErr error, options doctorOptions) (int, diagnosis) {
	t.Helper()
	q := newMemQueue(t, "")
	options.config = writeConfig(t, "queues: {q: {url: '"+q.url+"', "+declared+"}}")
	options.maxAttempts, options.json = 5, true
	if options.given == nil {
		options.given = func(string) bool { return false }
	}
	var out, errs bytes.Buffer
	code, failure := doctor(t.Context(), &options, func(ctx context.Context, s *runtime.QueueSettings) (runtime.QueueInfo, error) {
		info, err := s.Open(ctx)
		info.Driver = posing{info.Driver, policy, policyErr}
		return info, err
	}, streams{out: &out, err: &errs})
	var d diagnosis
	if failure != nil || json.Unmarshal(out.Bytes(), &d) != nil || d.Queue != "q" {
		t.Fatalf("doctor: %v\n%s\n%s", failure, &out, &errs)
	}
	return code, d
}

func TestDoctorTakesWhatTheFileSays(t *testing.T) {
	denied := driver.Errorf(driver.PermissionDenied, "policy", "not for you")
	given := func(flags ...string) func(string) bool {
		return func(flag string) bool { return slices.Contains(flags, flag) }
	}
	for name, c := range map[string]struct {
		settings string
		err      error
		options  doctorOptions
		code     int
		want     string // severity and setting of each
		says     string
	}{
		"more attempts":         {settings: "retry: {max_attempts: 6}", code: 1, want: "error attempt-limit;", says: "15 is below 17"},
		"more deliveries":       {settings: "retry: {max_deliveries: 13}", code: 1, want: "error attempt-limit;", says: "15 is below 16"},
		"attempts and the flag": {settings: "retry: {max_attempts: 6}", options: doctorOptions{given: given("max-attempts")}},
		"a hold of the worker":  {settings: "hold: 1m"},
		"another by the flag": {settings: "hold: 1m", options: doctorOptions{hold: 2 * time.Minute, given: given("hold")}, code: 3,
			want: "warning hold;", says: "own hold is 30s, not 2m0s"},
		"a hold out of range": {settings: "hold: 13h", code: 1, want: "error hold;"},
		"what is so":          {settings: "declared: {hold: 30s, max_attempts: 15, dead_letter: dead, retention: 4d, dead_letter_retention: 14d}"},
		"what is not so": {settings: "declared: {hold: 31s, max_attempts: 16, dead_letter: other, retention: 5d, dead_letter_retention: 13d}", code: 3,
			want: "warning dead-letter;warning attempt-limit;warning hold;warning retention;warning dead-letter-retention;",
			says: "the retention is declared as 5 days and is 4 days, so a program that may not read the queue would rely on what is not so; correct declared in the file"},
		"what stands in": {settings: "declared: {hold: 30s, max_attempts: 15, dead_letter: dead, retention: 4d, dead_letter_retention: 14d}", err: denied,
			code: 3, want: "warning access;", says: "the configuration cannot be read (policy: not for you), so what the file declares stands in"},
		"what stands in and is too little": {settings: "declared: {hold: 30s, max_attempts: 3, dead_letter: dead, retention: 4d, dead_letter_retention: 14d}", err: denied,
			code: 1, want: "error attempt-limit;warning access;", says: "3 is below 15"},
	} {
		t.Run(name, func(t *testing.T) {
			policy := soundPolicy
			if c.err != nil {
				policy = driver.Policy{}
			}
			code, d := withDeclared(t, c.settings, policy, c.err, c.options)
			var got, text strings.Builder
			for _, f := range d.Findings {
				fmt.Fprintf(&got, "%s %s;", f.Severity, f.Setting)
				text.WriteString(f.line())
				if f.Problem == "" || f.Why == "" || f.Fix == "" {
					t.Errorf("incomplete: %+v", f)
				}
			}
			if code != c.code || got.String() != c.want || !strings.Contains(text.String(), c.says) || d.Policy == nil || d.Policy.DeadLetter != "dead" {
				t.Errorf("exit code %d, found %q; want %d and %q with %q\n%s\n%+v", code, &got, c.code, c.want, c.says, &text, d.Policy)
			}
		})
	}
}

// Of several queues the worst decides, and one that cannot be read hides no other.
func TestDoctorOnTheQueuesOfAFile(t *testing.T) {
	t.Parallel()
	const sound = "mem://TestDoctorOnTheQueuesOfAFile"
	const doubtful, bad = ", declared: {hold: 1s}", ", retry: {max_attempts: 100}"
	for name, c := range map[string]struct {
		first, second string // their settings
		err           error  // of reading the second
		code          int
		want          string // number of findings and severity of the first, of each queue
	}{
		"nothing":             {"", "", nil, 0, "0;0;"},
		"a warning":           {"", doubtful, nil, 3, "0;1 warning;"},
		"a warning first":     {doubtful, "", nil, 3, "1 warning;0;"},
		"an error":            {"", bad, nil, 1, "0;1 error;"},
		"a warning, an error": {doubtful, bad, nil, 1, "1 warning;1 error;"},
		"an error, a warning": {bad, doubtful, nil, 1, "1 error;1 warning;"},
		"one is gone":         {"", "", driver.Errorf(driver.NotFound, "policy", "there is none"), 1, "0;1 error;"},
	} {
		o := &doctorOptions{maxAttempts: 5, json: true, given: func(string) bool { return false }}
		o.config = writeConfig(t, "queues: {a: {url: '"+sound+"-a'"+c.first+"}, b: {url: '"+sound+"-b'"+c.second+"}}")
		var out, errs bytes.Buffer
		code, err := doctor(t.Context(), o, func(ctx context.Context, s *runtime.QueueSettings) (runtime.QueueInfo, error) {
			info, err := s.Open(ctx)
			if c.err != nil && s.Name == "b" {
				info.Driver = posing{Queue: info.Driver, err: c.err}
			}
			return info, err
		}, streams{out: &out, err: &errs})
		var got strings.Builder
		for line := range strings.Lines(out.String()) {
			var d diagnosis
			if err := json.Unmarshal([]byte(line), &d); err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(&got, len(d.Findings))
			if len(d.Findings) > 0 {
				got.WriteString(" " + d.Findings[0].Severity)
			}
			got.WriteString(";")
		}
		if code != c.code || err != nil || got.String() != c.want {
			t.Errorf("%s: exit code %d (%v), %q; want %d and %q\n%s\n%s", name, code, err, &got, c.code, c.want, &out, &errs)
		}
	}
}

func TestDoctorIsInterrupted(t *testing.T) {
	t.Parallel()
	q := hanging{newMemQueue(t, "").Queue, make(chan struct{})}
	ctx, signal := context.WithCancel(t.Context())
	go func() {
		<-q.asked
		signal()
	}()
	var out, errs bytes.Buffer
	code, err := doctor(ctx, &doctorOptions{queueFlags: queueFlags{names: []string{"mem://q", "mem://r"}}, maxAttempts: 5}, func(_ context.Context, s *runtime.QueueSettings) (runtime.QueueInfo, error) {
		return runtime.QueueInfo{Name: s.Name, Driver: q}, nil
	}, streams{out: &out, err: &errs})
	if code != 1 || err != nil || out.Len() > 0 || errs.String() != "it was interrupted before queue \"q\" answered\n" {
		t.Errorf("exit code %d, %v, output %s\n%s", code, err, &out, &errs)
	}
}

func TestSpans(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "unknown", -time.Millisecond: "without end", time.Minute: "1m0s", 24 * time.Hour: "24h0m0s", 96 * time.Hour: "4 days", 49 * time.Hour: "49h0m0s",
	} {
		if got := span(d.Milliseconds()); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestDeclarationsAreCutOutOfAQueueURL(t *testing.T) {
	for raw, want := range map[string]struct {
		bare string
		said declared
	}{
		"mem://x?hold=1m":             {"mem://x?hold=1m", declared{}},
		"sqs://x":                     {"sqs://x", declared{}},
		"sqs://x?region=r&sns=unwrap": {"sqs://x?region=r&sns=unwrap", declared{}},
		"sqs://x?hold=1m&region=r&max_receives=15&dead_letter=arn%3Aaws": {"sqs://x?region=r", declared{hold: time.Minute, maxReceives: 15, deadLetter: "arn:aws"}},
		"sqs://x?hold=soon": {"sqs://x?hold=soon", declared{}},
	} {
		if bare, said := cutDeclared(raw); bare != want.bare || said != want.said {
			t.Errorf("%s: %q and %+v, want %q and %+v", raw, bare, said, want.bare, want.said)
		}
	}
}

func TestDifferencesFromWhatIsDeclared(t *testing.T) {
	policy := soundPolicy
	policy.RetryDelay = 10 * time.Second
	policy.DeadLetterTarget = "arn:aws:sqs:eu-west-1:123456789012:orders-dead"
	for name, c := range map[string]struct {
		said declared
		want []runtime.Setting
	}{
		"none":            {declared{30 * time.Second, 15, "orders-dead", 96 * time.Hour, 14 * 24 * time.Hour, 10 * time.Second}, nil},
		"none of an ARN":  {declared{deadLetter: policy.DeadLetterTarget}, nil},
		"hold":            {declared{hold: time.Minute}, []runtime.Setting{runtime.SettingHold}},
		"limit":           {declared{maxReceives: 16}, []runtime.Setting{runtime.SettingAttemptLimit}},
		"dead letter":     {declared{deadLetter: "dead"}, []runtime.Setting{runtime.SettingDeadLetter}},
		"all at one time": {declared{1, 1, "x", 1, 1, 1}, []runtime.Setting{runtime.SettingDeadLetter, runtime.SettingAttemptLimit, runtime.SettingHold, settingRetention, runtime.SettingDeadLetterRetention, runtime.SettingRetryDelay}},
	} {
		var got []runtime.Setting
		for _, f := range c.said.differences(&policy, byItsURL) {
			got = append(got, f.Setting)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestDoctorRefuses(t *testing.T) {
	t.Parallel()
	q := newMemQueue(t, "")
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"nothing", []string{"doctor"}, "--queue is missing"},
		{"an argument", []string{"doctor", q.url}, "doctor takes no argument"},
		{"attempts", []string{"doctor", "--queue", q.url, "--max-attempts=0"}, "--max-attempts 0 is not within"},
		{"timeout", []string{"doctor", "--queue", q.url, "--timeout=-1s"}, "--timeout -1s is negative"},
		{"hold", []string{"doctor", "--queue", q.url, "--hold=-1s"}, "--hold -1s is negative"},
		{"a push of something else", []string{"doctor", "--queue", q.url, "--push"}, "does not begin with pubsub://"},
		{"a push with a hold", []string{"doctor", "--queue=pubsub://test/orders", "--push", "--hold=30s"}, "--push and --hold are both given"},
		{"queue URL", []string{"doctor", "--queue=x"}, "not a queue URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := here(t, "", tt.args...)
			if e.code != 2 || e.out != "" || !strings.HasPrefix(e.err, "longshore: ") || !strings.Contains(e.err, tt.want) || strings.Count(e.err, "\n") != 2 {
				t.Errorf("exit code %d, output %q, and it says\n%swant 2 and %q", e.code, e.out, e.err, tt.want)
			}
		})
	}
}

func TestDoctorSaysWhatToDoAboutAQueueThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for code, want := range map[driver.Code]string{
		driver.NotFound:         "it may not have been made yet",
		driver.PermissionDenied: "declare the configuration",
		driver.Unavailable:      "check the network",
		driver.Unknown:          "",
	} {
		failure := driver.Errorf(code, "test", "no")
		_, err := doctor(t.Context(), &doctorOptions{queueFlags: queueFlags{names: []string{"mem://x"}}, maxAttempts: 1}, func(context.Context, *runtime.QueueSettings) (runtime.QueueInfo, error) {
			return runtime.QueueInfo{Name: "x", Driver: posing{Queue: newMemQueue(t, fmt.Sprintf("?max_receives=%d", 10+code)).Queue, err: failure}}, nil
		}, streams{})
		usage, ok := errors.AsType[*usageError](err)
		if !ok || !driver.Is(err, code) || !strings.Contains(usage.hint, want) {
			t.Errorf("%v: %v", code, err)
		}
	}
}
