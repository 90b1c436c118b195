package runtime_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

func TestCheckFindsWhatRunRefuses(t *testing.T) {
	sound := driver.Policy{
		Hold: time.Minute, MaxAttempts: 15, DeadLetterTarget: "dead", DeadLetterReadable: true,
		Retention: 4 * 24 * time.Hour, DeadLetterRetention: 14 * 24 * time.Hour,
	}
	for name, c := range map[string]struct {
		change  func(p *driver.Policy)
		hold    time.Duration
		timeout time.Duration
		want    []runtime.Setting
		says    string
	}{
		"sound":                     {change: func(*driver.Policy) {}},
		"no dead letter":            {change: func(p *driver.Policy) { p.DeadLetterTarget = "" }, want: []runtime.Setting{runtime.SettingDeadLetter}, says: "would be lost"},
		"nobody reads it":           {change: func(p *driver.Policy) { p.DeadLetterReadable = false }, want: []runtime.Setting{runtime.SettingDeadLetter}, says: "give that a reader"},
		"attempt limit":             {change: func(p *driver.Policy) { p.MaxAttempts = 3 }, want: []runtime.Setting{runtime.SettingAttemptLimit}, says: "attempt limit 3 is below 15, so it would bury"},
		"attempt limit unknown":     {change: func(p *driver.Policy) { p.MaxAttempts = 0 }, want: []runtime.Setting{runtime.SettingAttemptLimit}, says: "at least 15"},
		"hold unknown":              {change: func(p *driver.Policy) { p.Hold = 0 }, want: []runtime.Setting{runtime.SettingHold}},
		"hold unknown, but chosen":  {change: func(p *driver.Policy) { p.Hold = 0 }, hold: time.Minute},
		"hold over the limit":       {change: func(*driver.Policy) {}, hold: 13 * time.Hour, want: []runtime.Setting{runtime.SettingHold}, says: "hold 13h0m0s is not within"},
		"timeout over the limit":    {change: func(*driver.Policy) {}, timeout: 12 * time.Hour, want: []runtime.Setting{runtime.SettingTimeout}, says: "would lose its lease"},
		"retry delay":               {change: func(p *driver.Policy) { p.RetryDelay = time.Second }, want: []runtime.Setting{runtime.SettingRetryDelay}},
		"dead letters vanish first": {change: func(p *driver.Policy) { p.DeadLetterRetention = p.Retention }, want: []runtime.Setting{runtime.SettingDeadLetterRetention}, says: "for 96h0m0s, not longer than"},
		"several": {
			change: func(p *driver.Policy) { p.MaxAttempts, p.DeadLetterRetention = 1, time.Hour },
			want:   []runtime.Setting{runtime.SettingAttemptLimit, runtime.SettingDeadLetterRetention},
		},
	} {
		t.Run(name, func(t *testing.T) {
			policy := sound
			c.change(&policy)
			b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue { return reading{q, policy, nil} })
			b.mux.HandleAny(nothing, timeouts(c.timeout)...)
			w, err := runtime.NewWorker(b.queues, b.mux, &runtime.WorkerOptions{Hold: c.hold})
			if err != nil {
				t.Fatal(err)
			}

			found, err := w.Check(t.Context())

			var settings []runtime.Setting
			var text strings.Builder
			for _, f := range found {
				settings = append(settings, f.Setting)
				text.WriteString(f.Error())
				if f.Queue != "jobs" || f.Problem == "" || f.Why == "" || f.Fix == "" {
					t.Errorf("incomplete: %+v", f)
				}
			}
			if err != nil || !slices.Equal(settings, c.want) || !strings.Contains(text.String(), c.says) {
				t.Errorf("found %v, want %v and %q: %s (%v)", settings, c.want, c.says, &text, err)
			}
			if len(found) == 0 {
				return
			}
			refusal := w.Run(t.Context())
			for _, f := range found {
				if !driver.Is(refusal, driver.InvalidArgument) || !strings.Contains(refusal.Error(), f.Error()) {
					t.Errorf("run answers %v, without %v", refusal, f)
				}
			}
			if one, ok := errors.AsType[runtime.Finding](refusal); !ok || one != found[0] {
				t.Errorf("run's error has no finding: %v", refusal)
			}
		})
	}
}

func timeouts(d time.Duration) []runtime.HandleOption {
	if d == 0 {
		return nil
	}
	return []runtime.HandleOption{runtime.Timeout(d)}
}

func TestCheckGoesOnAfterAQueueThatCannotBeRead(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, func(q driver.Queue) driver.Queue {
		return reading{q, driver.Policy{}, driver.Errorf(driver.NotFound, "test", "gone")}
	})
	more, err := mem.New("more", &mem.Options{MaxReceives: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.queues.Add(runtime.QueueInfo{Name: "more", Driver: more}); err != nil {
		t.Fatal(err)
	}
	b.mux.HandleAny(nothing)
	w, err := runtime.NewWorker(b.queues, b.mux, nil)
	if err != nil {
		t.Fatal(err)
	}

	found, err := w.Check(t.Context())

	if !driver.Is(err, driver.NotFound) || !strings.Contains(err.Error(), `queue "jobs": its configuration cannot be read`) {
		t.Errorf("check: %v", err)
	}
	if len(found) != 1 || found[0].Queue != "more" || found[0].Setting != runtime.SettingAttemptLimit {
		t.Errorf("found %+v", found)
	}
}
