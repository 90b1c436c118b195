package runtime

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

type (
	// counted counts how often it was decoded, measured keeps how much it was given.
	counted    int
	measured   int
	prefixed   string
	keyed      struct{ text string }
	streamed   int
	ownNumber  json.Number
	ownBytes   []byte
	tinyNumber uint8
)

func (c *counted) UnmarshalJSON([]byte) error       { *c++; return nil }
func (m *measured) UnmarshalJSON(data []byte) error { *m = measured(len(data)); return nil }
func (p *prefixed) UnmarshalText(text []byte) error {
	*p = prefixed("text " + string(text))
	return nil
}
func (k *keyed) UnmarshalText(text []byte) error                { k.text = string(text); return nil }
func (s *streamed) UnmarshalJSONFrom(d *jsontext.Decoder) error { *s = 7; return d.SkipValue() }

type point struct{ X, Y int }

type (
	pointer = struct{ F, G *string } // so that an embedded one has no name
	Deep    struct{ Far, Both int }
	Left    struct {
		Deep
		Side, Both int
	}
	Right struct {
		*Deep
		Side int
	}
)

// oddTypes are those of which the engines of Go 1.26 and 1.27 may think otherwise,
// or whose tags have what only one of them reads.
var oddTypes = []any{
	"", 0, int8(0), uint(0), tinyNumber(0), 0.0, float32(0), false, json.Number(""), ownNumber(""), ownBytes(nil), []tinyNumber(nil), [3]byte{},
	time.Time{}, time.Duration(0), counted(0), measured(0), prefixed(""), streamed(0), json.RawMessage(nil), []json.RawMessage(nil), []time.Time(nil), []json.Number(nil),
	map[string]int(nil), map[int]int(nil), map[tinyNumber]int(nil), map[float64]int(nil), map[bool]int(nil), map[any]int(nil), map[json.Number]int(nil), map[keyed]int(nil), map[prefixed]int(nil), map[time.Duration]int(nil), map[measured]int(nil),
	map[string]point(nil), map[string]*point(nil), map[string][]int(nil), map[string]any(nil), []any(nil), []string(nil), point{}, []point(nil), [2]point{}, new(int), make(chan int), func() {}, 1i,
	struct {
		A int `json:"Ab"`
		B int `json:"aB"`
		N counted
	}{},
	struct{ A, X counted }{}, struct {
		X counted
		A int `json:",embed"`
	}{},
	struct {
		A map[string]any `json:",embed"`
	}{},
	struct {
		A int `json:",case:strict"`
	}{},
	struct {
		A []byte `json:",format:hex"`
	}{},
	struct {
		A int `json:"→"`
	}{},
	struct {
		A int `json:"'a'"`
	}{},
	struct {
		A int `json:"a b,omitempty,omitzero"`
	}{},
	struct {
		A int `json:"-"`
		X int `json:"-,"` //nolint:staticcheck // what encoding/json makes of it is what is asked
	}{},
	struct{ Left }{}, struct {
		Left
		Right
	}{}, struct{ *Left }{}, struct{ pointer }{}, struct{ Kay int }{},
	struct {
		A json.Number
		X *time.Time
	}{},
}

// jsonValues are values that some type takes, and some that none does.
var jsonValues = []string{
	`null`, `true`, `0`, `-0`, `1`, `-1`, `1.0`, `1e2`, `1e39`, `300`, `9223372036854775808`, `18446744073709551616`, `5.5`, `1e-400`, `1e400`,
	`""`, `"null"`, `"true"`, `"5"`, `"-0"`, `"+5"`, `" 5"`, `"05"`, `"0x5"`, `"5.0"`, `"Inf"`, `"\"5\""`, `"\"\\ud800\""`, `"\u0035"`, `"AAEC"`, `"AA\nEC"`, `"AAE="`, `"AAE"`, `"AA-_"`,
	`"2026-01-02T03:04:05Z"`, `"2026-01-02T03:04:05\u005a"`, `"2026-01-02T3:04:05Z"`, `"2026-01-02T03:04:05,5Z"`, `"2026-01-02T03:04:05+24:00"`, `"2026-01-02T03:04:05-05:00"`, `"2026-01-02t03:04:05z"`, `"0000-01-01T00:00:00Z"`,
	`"\ud800"`, `"\ud800\u0041"`, `"\ud83d\ude00"`, "\"\xff\xfe\"", "\"\xed\xa0\x80\"", "\"\xe2\x82x\"", `"\u2028"`, "\"\x7f\"",
	`[]`, `[1]`, `[1,2,3]`, `[1,2,3,"x"]`, `[null]`, `["x"]`, `[300]`, `[{"X":1,"Y":2}]`, `[{"X":1},{"Y":2},{"Z":3}]`, `[1,]`, `[ 1 , 2 ]`,
	`{}`, `{"a":1}`, `{"X":1,"Y":2}`, `{"x":1,"X":2}`, `{"1":1}`, `{"+1":1}`, `{"01":1}`, `{"1.5":1}`, `{"true":1}`, `{"":1}`, `{"null":1}`, `{"a":1,"a":2}`, `{"a":{"X":1},"a":{"Y":2}}`, `{"a":[1,2],"a":[3]}`, `{"a":null}`,
	"{\"\xff\":1}", `{"\ud800":1,"\ufffd":2}`, `{"a":{"x":1},"a":{"y":2}}`, `{"A":1,"X":1}`, `{"a":"AAEC"}`, `{"→":1,"-":2,"'a'":3,"a b":4}`, `{"N":1,"AB":2}`, `{"X":1,"aB":2,"Ab":3,"ab":4}`,
	`{"Far":1,"Both":2,"Side":3}`, `{"Deep":{"Far":1}}`, `{"\u212aay":1,"S":2,"\u017f":3}`, `{"A":2,"X":"2026-01-02T03:04:05\u005a"}`, `{"X":1,"A":`, `{"X":"x","A":1}`, `{1:1}`,
}

// The JSON codec must take what encoding/json takes and nothing else, to the same
// value, whatever the type; and where that has changed nothing it must not either.
func TestTheJSONCodecKnowsTypesAsEncodingJSONDoes(t *testing.T) {
	check := func(of reflect.Type, in string) {
		t.Helper()
		got, want := reflect.New(of), reflect.New(of)
		err, wantErr := JSON.Unmarshal([]byte(in), got.Interface()), json.Unmarshal([]byte(in), want.Interface())
		if (err == nil) != (wantErr == nil) || !sameJSON(got.Elem(), want.Elem()) {
			t.Errorf("%v of %q: %+v, %v; encoding/json has %+v, %v", of, in, got.Elem(), err, want.Elem(), wantErr)
		}
	}
	for _, odd := range oddTypes {
		of := reflect.TypeOf(odd)
		for _, in := range jsonValues {
			check(of, in)
		}
		for _, tag := range []reflect.StructTag{``, `json:",string"`, `json:"f,omitempty"`} {
			outer := reflect.StructOf([]reflect.StructField{{Name: "F", Type: of, Tag: tag}, {Name: "G", Type: reflect.PointerTo(of)}})
			for _, in := range jsonValues {
				check(outer, `{"F":`+in+`}`)
				check(outer, `{"G":`+in+`}`)
				for _, again := range []string{`null`, `1`, `"5"`, `[9]`, `{"a":7}`, `[{"X":9},{"Y":8},{"X":1}]`} {
					check(outer, `{"F":`+in+`,"f":`+again+`}`)
				}
			}
		}
	}
	for _, depth := range []int{9_999, 10_000, 10_001} {
		check(reflect.TypeFor[any](), strings.Repeat("[", depth)+strings.Repeat("]", depth))
		check(reflect.TypeFor[json.RawMessage](), strings.Repeat("[", depth)+strings.Repeat("]", depth))
	}
}

func sameJSON(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Chan, reflect.Func:
		return a.IsNil() == b.IsNil()
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// What a value has before is merged with what is decoded, as encoding/json does.
func TestTheJSONCodecDecodesIntoWhatIsThere(t *testing.T) {
	for _, in := range []string{`{"C":{"A":"y"},"B":[{}],"E":{"X":1}}`, `{"E":5}`, `{"F":{"b":2}}`, `{"A":"z","B":`, `{"E":{"X":"x"}}`} {
		some := func() *decoded {
			return &decoded{A: "x", B: []int{1, 2}, C: &decoded{B: []int{3}}, E: &struct {
				X int `json:",string"`
			}{2}, F: map[string]float64{"a": 1}}
		}
		got, want := some(), some()
		err, wantErr := JSON.Unmarshal([]byte(in), got), json.Unmarshal([]byte(in), want)
		if (err == nil) != (wantErr == nil) || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; encoding/json has %+v, %v", in, got, err, want, wantErr)
		}
	}
}
