package mutants_test

import (
	"flag"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/conformance/mutants"
	"github.com/longshore-dev/longshore/conformance/mutants/limited"
	"github.com/longshore-dev/longshore/driver"
)

var every = flag.Bool("every", false, "try every mutant on every check, and log all that catch it")

// of is the broken queue of a mutant.
func of(t *testing.T, m mutants.Mutant) profile {
	p, ok := profiles()[m.On]
	if !ok {
		t.Fatalf("no profile %q", m.On)
	}
	switch m.Flaw {
	case "":
	case "bury":
		p = limitedProfile(limited.Flaws{BuryDeletesFirst: true})
	case "redrive":
		p = limitedProfile(limited.Flaws{RedriveDeletesFirst: true})
	default:
		t.Fatalf("no flaw %q", m.Flaw)
	}
	if m.Layer() == conformance.LayerWorker {
		p.backend.Engine = m.Engine()
	}
	if m.Declares != nil {
		m.Declares(&p.want)
	}
	sound := p.backend.Open
	p.backend.Open = func(t *testing.T, o conformance.Options) (driver.Queue, error) {
		if m.Options != nil {
			m.Options(&o)
		}
		q, err := sound(t, o)
		if err == nil && m.Break != nil {
			q = m.Break(q)
		}
		if err == nil && m.Declares != nil {
			q = mutants.Declaring(q, m.Declares)
		}
		return q, err
	}
	return p
}

// Each mutant is caught by the checks that it names.
func TestEachMutantIsCaught(t *testing.T) {
	checks := conformance.Checks()
	for _, m := range mutants.All() {
		t.Run(m.Name, func(t *testing.T) {
			if len(m.CaughtBy) == 0 {
				t.Fatal("the mutant names no check")
			}
			p := of(t, m)
			var also []string
			for _, c := range checks {
				must := slices.Contains(m.CaughtBy, c.Name)
				if !must && (!*every || c.Layer != m.Layer()) {
					continue
				}
				r := conformance.Try(t, p.backend, p.want, c)
				switch caught := r.Outcome == conformance.Failed; {
				case must && !caught:
					t.Errorf("check %s does not catch it: %s", c.Name, r.Outcome)
				case must:
					t.Logf("caught by %s: %s", c.Name, r.Failures[0])
				case caught:
					also = append(also, c.Name)
				}
			}
			if len(also) > 0 {
				t.Logf("caught as well by %s", strings.Join(also, ", "))
			}
		})
	}
}

// Each check catches a mutant, and each name stands for one thing.
func TestEachCheckCatchesAMutant(t *testing.T) {
	catches := make(map[string]int)
	names := make(map[string]bool)
	for _, m := range mutants.All() {
		name := fmt.Sprint(m.Layer(), m.On, m.Name)
		if names[name] {
			t.Errorf("two mutants are called %q", m.Name)
		}
		names[name] = true
		for _, c := range m.CaughtBy {
			catches[c]++
		}
	}
	seen := make(map[string]bool)
	for _, c := range conformance.Checks() {
		if seen[c.Name] {
			t.Errorf("two checks are called %q", c.Name)
		}
		seen[c.Name] = true
		if c.Doc == "" || c.Theme == "" || c.Layer == "" {
			t.Errorf("check %s lacks a sentence, a theme or a layer", c.Name)
		}
		if catches[c.Name] == 0 {
			t.Errorf("check %s catches no mutant", c.Name)
		}
		delete(catches, c.Name)
	}
	for name := range catches {
		t.Errorf("a mutant names the check %q, which does not exist", name)
	}
	t.Logf("%d mutants, %d checks", len(names), len(seen))
}

// Each capability is declared wrongly by a mutant, so that none is without a
// check.
func TestEachCapabilityIsChecked(t *testing.T) {
	fields := reflect.VisibleFields(reflect.TypeFor[driver.Capabilities]())
	checked := make(map[string]bool)
	for _, m := range mutants.All() {
		if m.Declares == nil {
			continue
		}
		said := profiles()[m.On].want
		m.Declares(&said)
		for i, f := range fields {
			if reflect.ValueOf(said).Field(i).Interface() != reflect.ValueOf(profiles()[m.On].want).Field(i).Interface() {
				checked[f.Name] = true
			}
		}
	}
	for _, f := range fields {
		if !checked[f.Name] {
			t.Errorf("no mutant declares %s wrongly", f.Name)
		}
	}
}
