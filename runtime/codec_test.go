package runtime

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

type decoded struct {
	A string
	B []int
	C *decoded
	D json.RawMessage
	E any
}

// The JSON codec must decode what encoding/json does, to the same value, however
// often and whatever it decoded before.
func TestTheJSONCodecDecodesWhatEncodingJSONDoes(t *testing.T) {
	inputs := []string{
		`{"A":"x","B":[1,2],"C":{"A":"y"},"D":{"k": [1]},"E":1.5}`, `{}`, ` {"A":"x"} `, `{"A":"x"}x`, `{"A":"x"}{"A":"y"}`,
		`{"A":`, ``, ` `, `null`, `1`, `"x"`, `[1]`, `{"A":1}`, `{"B":["x"]}`, `{"A":"` + strings.Repeat("x", 5000) + `"}`,
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
