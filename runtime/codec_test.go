package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

type decoded struct {
	A string
	B []int
	C *decoded
	D json.RawMessage
	E any
	F map[string]float64
	G [2]int8
	H []byte
	I time.Time
	J json.Number
	K []byte
	L netip.Addr
	M map[string]*bool
	N uint64 `json:"other name,omitempty"`
	O wrapped
	P *json.Number
	Q time.Duration
	embedded
}

type embedded struct{ R, A string }

// wrapped decodes itself.
type wrapped struct{ text string }

func (w *wrapped) UnmarshalJSON(data []byte) error {
	w.text = string(data)
	if len(data) > 30 {
		return errors.New("too long")
	}
	return nil
}

// The JSON codec must decode what encoding/json does, to the same value, however
// often and whatever it decoded before.
func TestTheJSONCodecDecodesWhatEncodingJSONDoes(t *testing.T) {
	if !isPlain(reflect.TypeFor[decoded]()) {
		t.Error("nothing of this is decoded fast")
	}
	inputs := []string{
		`{"A":"x","B":[1,2],"C":{"A":"y"},"D":{"k": [1]},"E":1.5}`, `{}`, ` {"A":"x"} `, `{"A":"x"}x`, `{"A":"x"}{"A":"y"}`,
		`{"A":`, ``, ` `, `null`, `1`, `"x"`, `[1]`, `{"A":1}`, `{"B":["x"]}`, `{"A":"` + strings.Repeat("x", 5000) + `"}`,
		`{"F":{"x":1e3,"y":-0},"F":{"x":2}}`, `{"G":[1,2,3]}`, `{"G":[1]}`, `{"G":[300]}`, `{"H":"AAEC"}`, `{"H":"AAE"}`, `{"H":[1,2]}`,
		`{"I":"2026-01-02T03:04:05.6Z"}`, `{"I":"2026-01-02 03:04"}`, `{"I":null}`, `{"J":12.50}`, `{"J":"12"}`, `{"J":"twelve"}`, `{"J":null}`, `{"J":{}}`, `{"P":7}`, `{"P":"x"}`,
		`{"K":"5"}`, `{"K":5}`, `{"K":"x"}`, `{"K":null}`, `{"L":"::1"}`, `{"L":"x"}`, `{"M":{"1":true,"2":null}}`, `{"M":{"x":true}}`,
		`{"other name":18446744073709551615}`, `{"other name":18446744073709551616}`, `{"OTHER NAME":1}`, `{"N":1}`,
		`{"O":{"any": [1]}}`, `{"O":"` + strings.Repeat("x", 40) + `"}`, `{"O":null}`, `{"Q":5}`, `{"Q":"5s"}`, `{"R":"r"}`,
		`{"A":"x","A":"y"}`, `{"A":"\ud800"}`, `{"A":"\u0000\n"}`, `{"C":null,"B":null,"E":null}`, `{"B":[]}`, `{"B":[1,]}`, "{\"A\":\"\t\"}", `{"B":[1.0]}`, `{"B":[1e2]}`,
		`{"a":"lower"}`, "{\"A\":\"\xff\"}", `{"E":{"deep":[[[]]]}}`, `{"D":}`, `{"A":"x"}` + "\n",
	}
	for round := range 3 {
		for _, in := range inputs {
			var got, want decoded
			err, wantErr := JSON.Unmarshal([]byte(in), &got), json.Unmarshal([]byte(in), &want)
			if (err == nil) != (wantErr == nil) {
				t.Errorf("round %d: %.40q: %v, encoding/json says %v", round, in, err, wantErr)
			}
			if err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("round %d: %.40q: %+v, want %+v", round, in, got, want)
			}
		}
	}
}

func TestAJSONErrorDoesNotRepeatTheData(t *testing.T) {
	for _, in := range []string{`{"A":"secret`, `{"A":secret}`, `{"B":"secret"}`, `{"B":[98765.5]}`, `"secret"`, `{"A":"x"}secret`} {
		err := JSON.Unmarshal([]byte(in), new(decoded))
		if err == nil || strings.Contains(fmt.Sprint(err), "secret") || strings.Contains(fmt.Sprint(err), "98765") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func FuzzJSONCodec(f *testing.F) {
	f.Add(`{"A":"x","B":[1,2]}`, `{"A":"y"} `)
	f.Add(`1`, `{"A":"y"}x`)
	f.Add(`{"F":{"x":1e3},"G":[1,2,3],"H":"AAEC","I":"2026-01-02T03:04:05.6Z"}`, `{"J":12.50,"P":"x","K":"5","L":"::1","M":{"1":true}}`)
	f.Add(`{"other name":18446744073709551615,"O":{"any":[1]},"Q":5}`, `{"a":"\ud800","A":"y","C":null}`)
	f.Fuzz(func(t *testing.T, first, second string) {
		for _, in := range []string{first, second, first} {
			var got, want decoded
			err, wantErr := JSON.Unmarshal([]byte(in), &got), json.Unmarshal([]byte(in), &want)
			if (err == nil) != (wantErr == nil) || err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%q: %+v, %v; want %+v, %v", in, got, err, want, wantErr)
			}
		}
	})
}
