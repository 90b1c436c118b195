package envelope

import (
	"strings"
	"testing"
)

// TestWhatAppendWritesIsReadAtOnce: no event of ours takes the way of foreign ones,
// which is slower.
func TestWhatAppendWritesIsReadAtOnce(t *testing.T) {
	traced := benchEvent()
	traced.TraceParent = []byte("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	empty := benchEvent()
	empty.Data = nil
	for name, e := range map[string]*Event{"a task": benchEvent(), "a traced task": traced, "no arguments": empty} {
		body, err := Append(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		d := decoder{scanner: scanner{text: body}}
		if !d.own(new(Event)) || d.pos != len(body)-1 {
			t.Errorf("%s: read up to byte %d of %d", name, d.pos, len(body))
		}
	}
}

// TestNothingIsReadAtOnceThatIsWrong: the members that are known by their place are
// held to the same rules.
func TestNothingIsReadAtOnceThatIsWrong(t *testing.T) {
	const ours = `{"specversion":"1.0","id":"1","source":"s","type":"t"`
	for name, body := range map[string]string{
		"a member twice":       ours + `,"id":"2"}`,
		"data twice":           ours + `,"data":1,"data":2}`,
		"a version twice":      ours + `,"specversion":"1.0"}`,
		"no end":               ours + `,"data":{"a":1}`,
		"more after the end":   ours + `,"data":{"a":1}}}`,
		"data that is no JSON": ours + `,"data":{"a":1]}`,
		"an empty id":          strings.Replace(ours, `"id":"1"`, `"id":""`, 1) + `}`,
		"a long id":            strings.Replace(ours, `"id":"1"`, `"id":"`+strings.Repeat("1", maxName+1)+`"`, 1) + `}`,
		"a time that is none":  ours + `,"time":"yesterday"}`,
	} {
		if err := Decode([]byte(body), new(Event)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
