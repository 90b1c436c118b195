package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
)

// sound is a backend that passes.
func sound() Backend {
	return Backend{
		Profile: "sound", Virtual: true, Hold: 30 * time.Second, DedupWindow: 5 * time.Minute, MovesAll: true,
		Open: func(*testing.T, Options) (driver.Queue, error) { return mem.New("sound", nil) },
	}
}

func soundCapabilities(t *testing.T) driver.Capabilities {
	t.Helper()
	q, err := mem.New("sound", nil)
	if err != nil {
		t.Fatal(err)
	}
	return q.Capabilities()
}

func waiver(check string) Waiver {
	return Waiver{Check: check, Reason: "a reason", Link: "https://example.com", Expiry: "2030-05-31"}
}

func TestWaiverNeedsReasonLinkAndExpiry(t *testing.T) {
	lastDay := time.Date(2030, 5, 31, 23, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		change func(*Waiver)
		now    time.Time
		want   string
	}{
		"on its last day": {func(*Waiver) {}, lastDay, ""},
		"a day later":     {func(*Waiver) {}, lastDay.Add(2 * time.Hour), "expired"},
		"no reason":       {func(w *Waiver) { w.Reason = "" }, lastDay, "reason"},
		"no link":         {func(w *Waiver) { w.Link = "" }, lastDay, "link"},
		"no expiry":       {func(w *Waiver) { w.Expiry = "" }, lastDay, "no expiry"},
		"no such check":   {func(w *Waiver) { w.Check = "late" }, lastDay, "does not exist"},
	} {
		w := waiver("late-ack")
		test.change(&w)
		err := w.problem(test.now)
		if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", name, err, test.want)
		}
	}
}

func TestWaivedCheckMustFail(t *testing.T) {
	waivers := []Waiver{waiver("late-ack")}
	failed := Result{Outcome: Failed, Failures: []string{"broken"}}
	if r := judge(failed, waivers, "late-ack"); r.Outcome != Waived || !strings.Contains(r.Reason, "a reason") {
		t.Errorf("a waived check that fails: %+v", r)
	}
	for _, o := range []Outcome{Ran, Refused, Absent} {
		if r := judge(Result{Outcome: o}, waivers, "late-ack"); r.Outcome != Failed || len(r.Failures) == 0 {
			t.Errorf("a waived check that %s: %+v; want a failure", o, r)
		}
	}
	if r := judge(failed, waivers, "late-extend"); r.Outcome != Failed {
		t.Errorf("another check: %+v", r)
	}
}

func TestBackendMustBeComplete(t *testing.T) {
	want := soundCapabilities(t)
	for name, change := range map[string]func(*Backend, *driver.Capabilities){
		"profile":      func(b *Backend, _ *driver.Capabilities) { b.Profile = "" },
		"open":         func(b *Backend, _ *driver.Capabilities) { b.Open = nil },
		"hold":         func(b *Backend, _ *driver.Capabilities) { b.Hold = 0 },
		"grain":        func(b *Backend, _ *driver.Capabilities) { b.Hold = time.Second + time.Microsecond },
		"odd grains":   func(_ *Backend, c *driver.Capabilities) { c.HoldGrain = 6 * time.Second },
		"batches":      func(_ *Backend, c *driver.Capabilities) { c.MaxSettleBatch = 1 },
		"few grains":   func(_ *Backend, c *driver.Capabilities) { c.HoldGrain = 15 * time.Second },
		"least hold":   func(_ *Backend, c *driver.Capabilities) { c.MinHold = 20 * time.Second },
		"most hold":    func(_ *Backend, c *driver.Capabilities) { c.MaxHold = time.Minute },
		"dedup window": func(b *Backend, _ *driver.Capabilities) { b.DedupWindow = 0 },
	} {
		b, c := sound(), want
		if err := b.problem(&c); err != nil {
			t.Fatalf("a complete backend: %v", err)
		}
		change(&b, &c)
		if b.problem(&c) == nil {
			t.Errorf("%s is wrong, and nobody says so", name)
		}
	}
}

// run tries a check on a sound backend.
func run(t *testing.T, b Backend, f func(t *T)) Result {
	t.Helper()
	return Try(t, b, soundCapabilities(t), Check{Name: "test", run: f})
}

func TestResultOfACheck(t *testing.T) {
	for name, test := range map[string]struct {
		f    func(t *T)
		want Outcome
		text string
	}{
		"passes":        {func(*T) {}, Ran, ""},
		"refused":       {func(t *T) { t.refused() }, Refused, ""},
		"absent":        {func(t *T) { t.absent("no hook"); t.Errorf("it went on") }, Absent, "no hook"},
		"cannot open":   {func(t *T) { t.openWith(Options{NoDeadLetter: true}); t.Errorf("it went on") }, Absent, "dead letter"},
		"fails":         {func(t *T) { t.Errorf("it is %d", 7) }, Failed, "run_test.go:"},
		"fails at once": {func(t *T) { defer t.Errorf("and cleans up"); t.Fatalf("it is %d", 7) }, Failed, "it is 7"},
		"panics":        {func(*T) { panic("oh") }, Failed, "panic: oh"},
		"fails beside":  {func(t *T) { t.run(func() { t.Fatalf("beside") }) }, Failed, "beside"},
		"helper fails":  {func(t *T) { t.lease(t.open()) }, Failed, "run_test.go:"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, sound(), test.f)
			all := r.Reason + strings.Join(r.Failures, "\n")
			if r.Outcome != test.want || !strings.Contains(all, test.text) || strings.Contains(all, "it went on") {
				t.Errorf("%+v; want %s with %q", r, test.want, test.text)
			}
		})
	}
}

func TestLedgerFindsWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		f    func(t *T, q driver.Queue)
		want string // "" for balanced
	}{
		"all processed": {func(t *T, q driver.Queue) {
			t.send(q, t.message())
			t.ack(q, t.lease(q))
			t.audit(q, tally{Processed: 1})
		}, ""},
		"lost": {func(t *T, q driver.Queue) {
			t.ledger.sent(t.message())
			t.audit(q, tally{})
		}, "is lost"},
		"nobody's": {func(t *T, q driver.Queue) {
			q.Send(t.test.Context(), []driver.Message{t.message()})
			t.audit(q, tally{Live: 1})
		}, "never taken"},
		"twice": {func(t *T, q driver.Queue) {
			m := t.message()
			t.send(q, m)
			q.Send(t.test.Context(), []driver.Message{m})
			t.ack(q, t.lease(q))
			t.audit(q, tally{Processed: 1, Live: 1})
		}, "is there 2 times"},
		"elsewhere": {func(t *T, q driver.Queue) {
			t.sendDead(q, t.message())
			t.audit(q, tally{Live: 1})
		}, "live 0, dead 1"},
		"a copy that may be": {func(t *T, q driver.Queue) {
			m := t.message()
			t.send(q, m)
			q.Send(t.test.Context(), []driver.Message{m})
			t.audit(q, tally{Copies: true})
		}, ""},
		"lost where copies may be": {func(t *T, q driver.Queue) {
			t.ledger.sent(t.message())
			t.audit(q, tally{Copies: true})
		}, "is lost"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, sound(), func(t *T) { test.f(t, t.open()) })
			all := strings.Join(r.Failures, "\n")
			if (test.want == "") != (all == "") || !strings.Contains(all, test.want) {
				t.Errorf("%q; want %q", all, test.want)
			}
		})
	}
}

// Without a bubble the checks really wait.
func TestChecksRunInRealTime(t *testing.T) {
	b := sound()
	b.Virtual, b.Hold, b.Margin = false, 100*time.Millisecond, 200*time.Millisecond
	b.Open = func(*testing.T, Options) (driver.Queue, error) {
		return mem.New("sound", &mem.Options{Hold: b.Hold})
	}
	start := time.Now()
	r := run(t, b, func(t *T) {
		q := t.open()
		t.send(q, t.message())
		t.ack(q, t.lease(q))
		t.audit(q, tally{Processed: 1})
	})
	if r.Outcome != Ran {
		t.Errorf("%+v", r)
	}
	if d := time.Since(start); d < 2*b.Hold {
		t.Errorf("the audit took %v; want two holds of %v", d, b.Hold)
	}
}

func TestResultsAreWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	t.Setenv("CONFORMANCE_RESULTS", dir)
	report := Report{Profile: "a profile", Results: map[string]Result{
		"late-ack":    {Outcome: Absent, Reason: "why"},
		"late-extend": {Outcome: Waived, Reason: "why not", Failures: []string{"after 1.234s"}},
	}}
	if err := report.save(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "a-profile.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got Report
	if err := json.Unmarshal(b, &got); err != nil || got.Results["late-ack"].Reason != "why" || got.Profile != "a profile" {
		t.Errorf("read %+v, %v", got, err)
	}
	if w := got.Results["late-extend"]; w.Reason != "why not" || w.Failures != nil {
		t.Errorf("read %+v; want the waiver without how the check failed, which is never the same", w)
	}
}

func TestRequiredProfiles(t *testing.T) {
	t.Setenv("CONFORMANCE_REQUIRE", " mem ordered, sqs standard,")
	if got := Required(); len(got) != 2 || got[0] != "mem ordered" || got[1] != "sqs standard" {
		t.Errorf("required %q", got)
	}
	t.Setenv("CONFORMANCE_REQUIRE", "")
	if got := Required(); got != nil {
		t.Errorf("required %q; want none", got)
	}
}
