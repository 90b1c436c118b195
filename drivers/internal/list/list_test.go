package list_test

import (
	"slices"
	"testing"

	"github.com/longshore-dev/longshore/drivers/internal/list"
)

type element struct {
	name  string
	links list.Links[element]
}

func names(l *list.List[element]) []string {
	var names []string
	for e := l.First(); e != nil; e = e.links.Next() {
		names = append(names, e.name)
	}
	return names
}

func TestListKeepsItsOrder(t *testing.T) {
	l := list.New(func(e *element) *list.Links[element] { return &e.links })
	a, b, c := &element{name: "a"}, &element{name: "b"}, &element{name: "c"}
	steps := []struct {
		name string
		do   func()
		want []string
	}{
		{"append three", func() { l.PushBack(a); l.PushBack(b); l.PushBack(c) }, []string{"a", "b", "c"}},
		{"append one again", func() { l.PushBack(a) }, []string{"a", "b", "c"}},
		{"take the middle", func() { l.Remove(b) }, []string{"a", "c"}},
		{"take it again", func() { l.Remove(b) }, []string{"a", "c"}},
		{"put it back", func() { l.PushBack(b) }, []string{"a", "c", "b"}},
		{"take the first", func() { l.Remove(a) }, []string{"c", "b"}},
		{"take the last", func() { l.Remove(b) }, []string{"c"}},
		{"take all", func() { l.Remove(c) }, nil},
		{"begin anew", func() { l.PushBack(b) }, []string{"b"}},
	}
	for _, s := range steps {
		s.do()
		if got := names(&l); !slices.Equal(got, s.want) {
			t.Fatalf("%s: the list is %v, want %v", s.name, got, s.want)
		}
		for _, e := range []*element{a, b, c} {
			if got, want := e.links.In(), slices.Contains(s.want, e.name); got != want {
				t.Fatalf("%s: In of %s is %v, want %v", s.name, e.name, got, want)
			}
		}
	}
}
