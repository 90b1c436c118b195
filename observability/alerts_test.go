package observability

import (
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/util/teststorage"
)

func readAlerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	text, err := os.ReadFile("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, language, slog.New(slog.DiscardHandler))
	if len(errs) > 0 || len(groups.Groups) != 1 {
		t.Fatalf("alerts.yml: %v", errs)
	}
	return groups.Groups[0].Rules
}

func TestAlertsFitTheScrape(t *testing.T) {
	have := names(scraped(t))
	for _, r := range readAlerts(t) {
		check(t, "alert "+r.Alert, r.Expr, have)
	}
}

// history is how a series goes on, by the minute.
type history func(minute int) float64

const (
	minutes = 240
	// trouble is when what is bad begins.
	trouble = 120
)

// flat stays as it is.
func flat(value float64) history { return func(int) float64 { return value } }

// growing grows by so much a minute.
func growing(perMinute float64) history {
	return func(minute int) float64 { return perMinute * float64(minute) }
}

// then goes on otherwise for some minutes from trouble on. A counter goes on from
// where it is.
func (h history) then(bad history, lasts int) history {
	return func(minute int) float64 {
		switch {
		case minute < trouble:
			return h(minute)
		case minute < trouble+lasts:
			return bad(minute)
		}
		return h(minute)
	}
}

// rising has grown by more a minute from trouble on, for some minutes.
func rising(before, during float64, lasts int) history {
	return func(minute int) float64 {
		in := min(max(0, minute-trouble), lasts)
		return before*float64(minute) + (during-before)*float64(in)
	}
}

// absent is a series that is not there before trouble, and then counts so many.
func absent(count float64) history {
	return func(minute int) float64 {
		if minute < trouble {
			return -1
		}
		return count
	}
}

const (
	queue  = `messaging_system="aws_sqs",messaging_destination_name="orders"`
	waited = `messaging_destination_name="orders",longshore_task_kind="pay"`
	kind   = queue + `,longshore_task_kind="pay"`
)

// quiet is a day on which all is well.
func quiet() map[string]history {
	day := map[string]history{
		`longshore_task_outcomes_total{` + kind + `,longshore_outcome="success"}`:                         growing(600),
		`longshore_task_outcomes_total{` + kind + `,longshore_outcome="retry"}`:                           growing(6),
		`longshore_task_outcomes_total{` + kind + `,longshore_outcome="dead",longshore_reason="expired"}`: flat(3), // long ago
		`messaging_client_sent_messages_total{` + kind + `,messaging_operation_name="send"}`:              growing(600),
		`messaging_client_consumed_messages_total{` + queue + `,messaging_operation_name="receive"}`:      growing(610),
		`messaging_process_duration_seconds_count{` + kind + `}`:                                          growing(600),
		`messaging_process_duration_seconds_count{` + kind + `,error_type="_OTHER"}`:                      growing(6),
		`longshore_task_running{` + queue + `}`:                                                           flat(8),
		`longshore_lease_held{` + queue + `}`:                                                             flat(10),
		`longshore_lease_extensions_total{` + queue + `}`:                                                 growing(20),
		`longshore_lease_lost_total{` + queue + `}`:                                                       flat(2),
		`longshore_forks_total{` + queue + `}`:                                                            flat(1),
		`longshore_clock_skewed_total{` + queue + `,longshore_clock="producer"}`:                          flat(7),
		`longshore_clock_skewed_total{` + queue + `,longshore_clock="broker"}`:                            flat(0),
		`longshore_queue_depth{` + queue + `,longshore_state="ready"}`:                                    flat(40),
		`longshore_queue_depth{` + queue + `,longshore_state="dead"}`:                                     flat(0),
		`longshore_queue_oldest_age_seconds{` + queue + `}`:                                               flat(2),
	}
	for le, share := range map[string]float64{"1": .9, "60": 1, "300": 1, "900": 1, "+Inf": 1} {
		day[`longshore_task_wait_seconds_bucket{`+waited+`,le="`+le+`"}`] = growing(600 * share)
	}
	return day
}

// TestEachAlertFiresOnWhatIsBad gives each alert its trouble, which ends, and looks
// what fires.
func TestEachAlertFiresOnWhatIsBad(t *testing.T) {
	rules := readAlerts(t)
	bad := map[string]map[string]history{
		"": nil, // all is well
		"LongshoreTasksDead": {
			`longshore_task_outcomes_total{` + kind + `,longshore_outcome="dead",longshore_reason="permanent"}`: absent(1),
		},
		"LongshoreDeadLetterFilled": {
			`longshore_queue_depth{` + queue + `,longshore_state="dead"}`: flat(0).then(flat(3), 90),
		},
		"LongshoreStalled": {
			`messaging_client_consumed_messages_total{` + queue + `,messaging_operation_name="receive"}`: rising(610, 0, 40),
			`longshore_task_running{` + queue + `}`:                                                      flat(8).then(flat(0), 40),
		},
		"LongshoreTasksWait": {
			`longshore_task_wait_seconds_bucket{` + waited + `,le="1"}`:   rising(540, 0, 40),
			`longshore_task_wait_seconds_bucket{` + waited + `,le="60"}`:  rising(600, 0, 40),
			`longshore_task_wait_seconds_bucket{` + waited + `,le="300"}`: rising(600, 0, 40),
		},
		"LongshoreBacklogOld": {
			`longshore_queue_oldest_age_seconds{` + queue + `}`: flat(2).then(flat(1200), 40),
		},
		"LongshoreAttemptsFail": {
			`messaging_process_duration_seconds_count{` + kind + `,error_type="_OTHER"}`: rising(6, 900, 40),
		},
		"LongshoreLeasesLost": {
			`longshore_lease_lost_total{` + queue + `}`: rising(0, 1, 30),
		},
		"LongshoreExtendsFail": {
			`longshore_lease_extensions_total{` + queue + `,error_type="unavailable"}`: rising(0, 20, 30),
		},
		"LongshoreSettlesFail": {
			`longshore_settle_failures_total{` + queue + `,longshore_verdict="ack"}`: absent(400),
		},
		"LongshoreClockSkewed": {
			`longshore_clock_skewed_total{` + queue + `,longshore_clock="broker"}`: rising(0, 1, 20),
		},
		"LongshoreForks": {
			`longshore_forks_total{` + queue + `}`: rising(0, 1, 1),
		},
		"LongshoreSendsFail": {
			`messaging_client_sent_messages_total{` + kind + `,messaging_operation_name="send",error_type="unavailable"}`: rising(0, 100, 30),
		},
	}
	// What is bad in one way can be bad in another.
	also := map[string]string{}
	for _, r := range rules {
		if _, ok := bad[r.Alert]; !ok {
			t.Errorf("alert %s has no trouble here", r.Alert)
		}
	}
	for name, changes := range bad {
		t.Run("trouble "+name, func(t *testing.T) {
			day := quiet()
			maps.Copy(day, changes)
			store := stored(t, day)
			fired := make(map[string]int)
			for i := range rules {
				n, still := fires(t, newEngine(), store, &rules[i])
				if still {
					t.Errorf("%s still fires after its trouble", rules[i].Alert)
				}
				if n > 0 {
					fired[rules[i].Alert] = n
				}
			}
			want := make(map[string]int)
			for _, alert := range []string{name, also[name]} {
				if alert != "" {
					want[alert] = 1
				}
			}
			if !maps.Equal(fired, want) {
				t.Errorf("%v fire, want %v", fired, want)
			}
		})
	}
}

// stored are the samples of a day.
func stored(t *testing.T, day map[string]history) storage.Queryable {
	t.Helper()
	store := teststorage.New(t)
	t.Cleanup(func() { _ = store.Close() })
	fill(t, store, func(minute int) []sample { return lines(t, day, minute) }, minutes)
	return store
}

// lines are the samples of a minute.
func lines(t *testing.T, day map[string]history, minute int) (samples []sample) {
	t.Helper()
	var text strings.Builder
	for _, series := range slices.Sorted(maps.Keys(day)) {
		if v := day[series](minute); v >= 0 {
			fmt.Fprintf(&text, "%s %v\n", series, v)
		}
	}
	samples, err := parse(text.String())
	if err != nil {
		t.Fatal(err)
	}
	for i := range samples {
		samples[i].labels = addTarget(samples[i].labels)
	}
	return samples
}

// fires evaluates an alert each minute, as Prometheus does, and says how often it
// began to fire, and whether it does at the end. It holds its texts against the labels that it fires with.
func fires(t *testing.T, engine *promql.Engine, store storage.Queryable, r *rulefmt.Rule) (times int, still bool) {
	t.Helper()
	since := make(map[string]int) // the minute from which it holds, by labels
	firing := make(map[string]bool)
	for minute := 15; minute <= minutes; minute++ { // the first have no rates
		now := make(map[string]bool)
		for _, s := range evaluate(t, engine, store, r.Expr, minute) {
			key := s.Metric.String()
			now[key] = true
			if _, held := since[key]; !held {
				since[key] = minute
			}
			if !firing[key] && time.Duration(minute-since[key])*time.Minute >= time.Duration(r.For) {
				firing[key] = true
				times++
				expand(t, r, s)
			}
		}
		for key := range since {
			if !now[key] {
				delete(since, key)
				delete(firing, key)
			}
		}
	}
	return times, len(firing) > 0
}

// expand makes the texts of an alert, as Prometheus does.
func expand(t *testing.T, r *rulefmt.Rule, s promql.Sample) {
	t.Helper()
	for name, text := range r.Annotations {
		data := template.AlertTemplateData(s.Metric.Map(), nil, "", s)
		defs := "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
		got, err := template.NewTemplateExpander(t.Context(), defs+text, "alert", data, model.TimeFromUnix(0), nil, &url.URL{}, nil).Expand()
		if err != nil || got == "" || strings.Contains(got, "<no value>") || strings.Contains(got, "  ") {
			t.Errorf("%s: %s reads %q (%v)", r.Alert, name, got, err)
		}
		for label := range labelsOf(text) {
			if !s.Metric.Has(label) {
				t.Errorf("%s: %s has the label %s, which it fires without", r.Alert, name, label)
			}
		}
	}
}

// labelsOf are the labels that a text names.
func labelsOf(text string) map[string]bool {
	found := make(map[string]bool)
	for _, part := range strings.Split(text, "$labels.")[1:] {
		found[strings.FieldsFunc(part, func(c rune) bool { return c != '_' && (c < 'a' || c > 'z') })[0]] = true
	}
	return found
}

// The days of these tests have no metric that workers do not tell.
func TestTheTroublesAreOfRealMetrics(t *testing.T) {
	have := names(scraped(t))
	for _, s := range lines(t, quiet(), trouble) {
		name := s.labels.Get(model.MetricNameLabel)
		s.labels.Range(func(l labels.Label) {
			if !have[name][l.Name] {
				t.Errorf("%s: no worker tells it with a label %s", name, l.Name)
			}
		})
	}
}

// Each alert says what it is about, how bad it is, and where the guide says what to do.
func TestAlertsLeadToTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../docs/guide/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range readAlerts(t) {
		if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s: labels %v, annotations %v", r.Alert, r.Labels, r.Annotations)
		}
		if want := "docs/guide/observability.md#" + strings.ToLower(r.Alert); !strings.HasSuffix(r.Annotations["runbook_url"], want) {
			t.Errorf("%s leads to %s, want %s", r.Alert, r.Annotations["runbook_url"], want)
		}
		if !strings.Contains(string(guide), "\n#### "+r.Alert+"\n") {
			t.Errorf("the guide has no %s", r.Alert)
		}
	}
}
