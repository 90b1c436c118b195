package observability

import (
	"testing"
)

// A stranger imports the file and chooses a data source; nothing in it is of one
// installation.
func TestTheDashboardIsForEveryGrafana(t *testing.T) {
	d := readDashboard(t)
	if d.ID != nil || d.UID != nil || d.Title == "" || d.SchemaVersion < 36 {
		t.Errorf("id %v, uid %v, title %q, schema %d", d.ID, d.UID, d.Title, d.SchemaVersion)
	}
	variables := make(map[string]string)
	for _, v := range d.Templating.List {
		variables[v.Name] = v.Type
		if v.Type == "query" && v.Datasource.UID != "${datasource}" {
			t.Errorf("variable %s asks %q", v.Name, v.Datasource.UID)
		}
	}
	if variables["datasource"] != "datasource" || variables["queue"] != "query" || variables["kind"] != "query" || variables["job"] != "query" {
		t.Errorf("variables %v", variables)
	}
	ids, titles := make(map[int]bool), make(map[string]bool)
	taken := make(map[[2]int]string)
	for i := range d.Panels {
		p := &d.Panels[i]
		if ids[p.ID] || p.ID == 0 || titles[p.Title] || p.Title == "" {
			t.Errorf("panel %d %q is there twice, or has no name", p.ID, p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x > 23 {
					t.Fatalf("panel %q lies on %q, or beside the page", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		switch {
		case p.Type == "row":
			continue
		case p.Type != "stat" && p.Type != "timeseries":
			t.Errorf("panel %q has type %s", p.Title, p.Type)
		case p.Datasource.UID != "${datasource}" || p.Description == "" || len(p.Targets) == 0:
			t.Errorf("panel %q: data source %q, description %q, %d queries", p.Title, p.Datasource.UID, p.Description, len(p.Targets))
		}
		refs := make(map[string]bool)
		for _, target := range p.Targets {
			if target.Datasource.UID != "${datasource}" || target.LegendFormat == "" || refs[target.RefID] {
				t.Errorf("panel %q: query %s asks %q, legend %q", p.Title, target.RefID, target.Datasource.UID, target.LegendFormat)
			}
			refs[target.RefID] = true
		}
	}
}
