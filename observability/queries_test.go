package observability

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/teststorage"
)

// query is one of a panel.
type query struct {
	panel, text, legend string
}

// panel is what is read here of a panel of Grafana.
type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Datasource  struct {
		Type, UID string
	} `json:"datasource"`
	GridPos struct {
		X, Y, W, H int
	} `json:"gridPos"`
	Targets []struct {
		Datasource struct {
			Type, UID string
		} `json:"datasource"`
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
		RefID        string `json:"refId"`
	} `json:"targets"`
}

// dashboard is what is read here of a dashboard of Grafana.
type dashboard struct {
	ID            *int    `json:"id"`
	UID           *string `json:"uid"`
	Title         string  `json:"title"`
	SchemaVersion int     `json:"schemaVersion"`
	Panels        []panel `json:"panels"`
	Templating    struct {
		List []struct {
			Name, Type, Definition string
			Datasource             struct{ UID string }
		} `json:"list"`
	} `json:"templating"`
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// filled is a query as Grafana sends it, with all chosen, over the last hour.
func filled(text string) string {
	return strings.NewReplacer("$__rate_interval", "2m", "$__range", "1h", "$job", ".*", "$queue", ".*", "$kind", ".*").Replace(text)
}

// queries are those of all panels, as Grafana sends them.
func (d *dashboard) queries() (all []query) {
	for i := range d.Panels {
		p := &d.Panels[i]
		for _, target := range p.Targets {
			all = append(all, query{p.Title, filled(target.Expr), target.LegendFormat})
		}
	}
	return all
}

var language = parser.NewParser(parser.Options{})

// check holds each metric and label of an expression against what is scraped.
func check(t *testing.T, what, text string, have map[string]map[string]bool) {
	t.Helper()
	expr, err := language.ParseExpr(text)
	if err != nil {
		t.Errorf("%s: %v\n%s", what, err, text)
		return
	}
	known := make(map[string]bool) // labels of all metrics in the expression
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		name := s.Name
		if have[name] == nil {
			t.Errorf("%s: no worker tells %s", what, name)
			return nil
		}
		for label := range have[name] {
			known[label] = true
		}
		for _, m := range s.LabelMatchers {
			if !have[name][m.Name] {
				t.Errorf("%s: %s has no label %s", what, name, m.Name)
			}
		}
		return nil
	})
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok {
			for _, label := range a.Grouping {
				if !known[label] {
					t.Errorf("%s: it groups by %s, which none of its metrics has", what, label)
				}
			}
		}
		return nil
	})
}

func TestQueriesOfTheDashboardFitTheScrape(t *testing.T) {
	d := readDashboard(t)
	have := names(scraped(t))
	for _, q := range d.queries() {
		check(t, "panel "+q.panel, q.text, have)
		for _, m := range regexp.MustCompile(`{{(\w+)}}`).FindAllStringSubmatch(q.legend, -1) {
			if !strings.Contains(q.text, m[1]) && m[1] != "instance" {
				t.Errorf("panel %s: its legend has %s, which the query drops", q.panel, m[1])
			}
		}
	}
	for _, v := range d.Templating.List {
		if m := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(v.Definition); m != nil {
			check(t, "variable "+v.Name, "sum by ("+m[2]+") ("+filled(m[1])+")", have)
		} else if v.Type == "query" {
			t.Errorf("variable %s: what is %s?", v.Name, v.Definition)
		}
	}
}

// Each query has an answer on a real scrape, from a worker on a day when everything
// went wrong once.
func TestPanelsShowSomething(t *testing.T) {
	samples := scraped(t)
	store := teststorage.New(t)
	t.Cleanup(func() { _ = store.Close() })
	fill(t, store, func(minute int) []sample {
		grown := make([]sample, len(samples))
		for i, s := range samples {
			grown[i] = sample{addTarget(s.labels), s.value}
			if name := s.labels.Get(model.MetricNameLabel); strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_bucket") || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "_sum") {
				grown[i].value *= float64(minute + 1)
			}
		}
		return grown
	}, 60)
	engine := newEngine()
	for _, q := range new(readDashboard(t)).queries() {
		if got := evaluate(t, engine, store, q.text, 60); len(got) == 0 {
			t.Errorf("panel %s shows nothing: %s", q.panel, q.text)
		}
	}
}

// addTarget adds the labels of Prometheus.
func addTarget(l labels.Labels) labels.Labels {
	return labels.NewBuilder(l).Set("job", "orders").Set("instance", "worker-1:9464").Labels()
}

var epoch = time.Unix(0, 0).UTC()

func at(minute int) time.Time { return epoch.Add(time.Duration(minute) * time.Minute) }

// fill puts samples of each minute into a storage.
func fill(t *testing.T, store *teststorage.TestStorage, of func(minute int) []sample, minutes int) {
	t.Helper()
	for minute := range minutes + 1 {
		a := store.Appender(t.Context())
		seen := make(map[string]bool)
		for _, s := range of(minute) {
			if key := s.labels.String(); seen[key] {
				continue // the Go collector's, of several workers
			} else {
				seen[key] = true
			}
			if _, err := a.Append(0, s.labels, at(minute).UnixMilli(), s.value); err != nil {
				t.Fatalf("%s: %v", s.labels, err)
			}
		}
		if err := a.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

func newEngine() *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, Parser: language})
}

// evaluate is an expression at a minute.
func evaluate(t *testing.T, engine *promql.Engine, store storage.Queryable, text string, minute int) promql.Vector {
	t.Helper()
	q, err := engine.NewInstantQuery(t.Context(), store, nil, text, at(minute))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer q.Close()
	v, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return append(promql.Vector(nil), v...)
}
