//go:build !lambda.norpc

package runtime

import (
	"encoding"
	stdjson "encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// likeStd has json do as encoding/json does, but for errors, which nobody sees: so
// it need not read all before it stores something. It would take a stdjson.Number
// for any other string, and a time with escapes in it.
var likeStd = json.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv1.ReportErrorsWithLegacySemantics(false), json.WithUnmarshalers(json.JoinUnmarshalers(
	json.UnmarshalFromFunc(byStd[*stdjson.Number]), json.UnmarshalFromFunc(byStd[*time.Time]))))

func byStd[T any](d *jsontext.Decoder, to T) error {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	return stdjson.Unmarshal(v, to)
}

// unmarshalFast does what encoding/json does, in a third to two thirds of the time;
// or it says that it could not, and leaves v as it was: what is wrong is for
// encoding/json to find out, and what it does with a type that is seldom seen.
func unmarshalFast(data []byte, v any) bool {
	to := reflect.ValueOf(v)
	if to.Kind() != reflect.Pointer || to.IsNil() || !to.Elem().IsZero() || !isPlain(to.Type().Elem()) {
		return false
	}
	if json.Unmarshal(data, v, likeStd) != nil {
		to.Elem().SetZero()
		return false
	}
	return true
}

var plainTypes sync.Map // from reflect.Type to bool

// isPlain says whether unmarshalFast knows how encoding/json decodes a type.
func isPlain(t reflect.Type) bool {
	if plain, ok := plainTypes.Load(t); ok {
		return plain.(bool)
	}
	plain := plainIn(t, make(map[reflect.Type]bool))
	plainTypes.Store(t, plain)
	return plain
}

// plainIn is isPlain with the types in which t was found, which are looked at
// already.
func plainIn(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return true
	}
	seen[t] = true
	switch {
	case decodesBy[json.UnmarshalerFrom](t):
		return false // of which encoding/json knows nothing before Go 1.27
	case decodesBy[stdjson.Unmarshaler](t), decodesBy[encoding.TextUnmarshaler](t):
		return true
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return plainIn(t.Elem(), seen)
	case reflect.Map:
		// A number for a key may be null, and what is no string may be one.
		key := t.Key()
		return key.Kind() == reflect.String && !decodesBy[json.UnmarshalerFrom](key) && !decodesBy[encoding.TextUnmarshaler](key) && plainIn(t.Elem(), seen)
	case reflect.Struct:
		for f := range t.Fields() {
			tag := f.Tag.Get("json")
			if (f.IsExported() || f.Anonymous) && tag != "-" && (!isPlainTag(tag) || !plainIn(f.Type, seen)) {
				return false
			}
		}
		return true
	case reflect.Interface:
		return t.NumMethod() == 0
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.Uintptr, reflect.UnsafePointer:
		return false
	default:
		return true
	}
}

func decodesBy[I any](t reflect.Type) bool {
	i := reflect.TypeFor[I]()
	return t.Implements(i) || reflect.PointerTo(t).Implements(i)
}

// isPlainTag says whether a field's tag has a name that encoding/json takes and
// only options that mean the same to both. One that does not is option string.
func isPlainTag(tag string) bool {
	name, options, _ := strings.Cut(tag, ",")
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) {
			return false
		}
	}
	return options == "" || options == "omitempty" || options == "omitzero" || options == "omitempty,omitzero" || options == "omitzero,omitempty"
}
