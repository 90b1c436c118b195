package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Codec turns arguments into bytes and back. It must be safe for concurrent
// use. It must never execute what it decodes.
type Codec interface {
	// ContentType is the media type of the bytes, such as application/json. It
	// travels with the task and chooses the codec that decodes it.
	ContentType() string
	// Marshal encodes v. The result may be empty.
	Marshal(v any) ([]byte, error)
	// Unmarshal decodes data into v, a pointer. It must not keep data. Its
	// error must not repeat the data: it ends in logs and dead letters.
	Unmarshal(data []byte, v any) error
}

// JSON is the default codec. It does what encoding/json does.
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

func (jsonCodec) ContentType() string           { return "application/json" }
func (jsonCodec) Marshal(v any) ([]byte, error) { return json.Marshal(v) }

func (jsonCodec) Unmarshal(data []byte, v any) error {
	if unmarshalFast(data, v) {
		return nil
	}
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	// The text of a JSON error may quote the data.
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		found, _, _ := strings.Cut(mismatch.Value, " ") // "number 1234" in some cases
		return fmt.Errorf("field %q: a JSON %s does not fit %v", mismatch.Field, found, mismatch.Type)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("invalid JSON at byte %d", syntax.Offset)
	}
	return fmt.Errorf("the JSON does not fit %T", v)
}
