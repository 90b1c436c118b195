package observability

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/storage"
)

// The rule of settles that fail has two halves, one for a series that has just
// appeared and one for a series that goes on, and is about a share of what was
// received, which is 610 a minute. Each of these days is of one half alone, with a
// share just above or below the threshold.
func TestSettlesFailFromItsThresholdOn(t *testing.T) {
	series := `longshore_settle_failures_total{` + queue + `,longshore_verdict="ack"}`
	other := `longshore_settle_failures_total{` + queue + `,longshore_verdict="bury"}`
	days := []struct {
		name    string
		changes map[string]history
		times   int
	}{
		{"one appears, 6 %", map[string]history{series: absent(366)}, 1},
		{"one appears, 4 %", map[string]history{series: absent(244)}, 0},
		{"one goes on, 6 %", map[string]history{series: rising(1, 37, 30)}, 1},
		{"one goes on, 4 %", map[string]history{series: rising(1, 24, 30)}, 0},
		{"two go on, 3 % each", map[string]history{series: rising(1, 18.5, 30), other: rising(1, 18.5, 30)}, 1},
		{"two go on, 3 % and 1 %", map[string]history{series: rising(1, 18.5, 30), other: rising(1, 6, 30)}, 0},
		{"many, long ago", map[string]history{series: flat(100_000)}, 0},
		{"for less than five minutes", map[string]history{series: rising(0, 43, 8)}, 0},
	}
	stores := make([]storage.Queryable, len(days))
	for i, d := range days {
		day := quiet()
		maps.Copy(day, d.changes)
		stores[i] = stored(t, day)
	}
	// wrongAbout is a day that a rule is wrong about, if there is one.
	wrongAbout := func(t *testing.T, r rulefmt.Rule) string {
		for i, d := range days {
			if times, still := fires(t, newEngine(), stores[i], &r); times != d.times || still {
				return d.name
			}
		}
		return ""
	}
	rules := readAlerts(t)
	rule := rules[slices.IndexFunc(rules, func(r rulefmt.Rule) bool { return r.Alert == "LongshoreSettlesFail" })]
	if day := wrongAbout(t, rule); day != "" {
		t.Fatalf("the rule is wrong about %q", day)
	}
	for _, wrong := range []struct{ name, old, with string }{
		{"without what goes on", "or increase(longshore_settle_failures_total[10m])", ""},
		{"without what appears", "(longshore_settle_failures_total unless longshore_settle_failures_total offset 10m) or ", ""},
		{"with the counter as it is", "increase(longshore_settle_failures_total[10m])", "longshore_settle_failures_total"},
		{"the worst verdict alone", "sum by (job, messaging_destination_name) (\n  (longshore", "max by (job, messaging_destination_name) (\n  (longshore"},
		{"twice the threshold", "0.05", "0.1"},
		{"half the threshold", "0.05", "0.025"},
		{"of an hour", "consumed_messages_total[10m]", "consumed_messages_total[1h]"},
		{"below", ">", "<"},
	} {
		r := rule
		r.Expr = strings.ReplaceAll(rule.Expr, wrong.old, wrong.with)
		if r.Expr == rule.Expr {
			t.Fatalf("%s: the rule has no %q:\n%s", wrong.name, wrong.old, rule.Expr)
		}
		t.Run(wrong.name, func(t *testing.T) {
			if wrongAbout(t, r) == "" {
				t.Errorf("no day tells that this rule is wrong:\n%s", r.Expr)
			}
		})
	}
	hasty := rule
	hasty.For = 0
	if wrongAbout(t, hasty) == "" {
		t.Error("no day tells that a rule is hasty")
	}
}
