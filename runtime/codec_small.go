package runtime

import (
	"bytes"
	"encoding/json"
	"sync"
)

// maxSmall is the most bytes that unmarshalSmall tries.
const maxSmall = 4 << 10

// smallDecoder decodes one value after the other with the same memory, which
// json.Unmarshal allocates for each.
type smallDecoder struct {
	source  bytes.Reader
	decoder *json.Decoder
	read    int64 // bytes of the values so far
}

var smallDecoders = sync.Pool{New: func() any {
	d := new(smallDecoder)
	d.decoder = json.NewDecoder(&d.source)
	return d
}}

// unmarshalSmall does what json.Unmarshal does, or says that it could not: what
// is wrong is for json.Unmarshal to find out.
func unmarshalSmall(data []byte, v any) bool {
	if len(data) > maxSmall {
		return false
	}
	d := smallDecoders.Get().(*smallDecoder)
	d.source.Reset(data)
	d.read += int64(len(data))
	if err := d.decoder.Decode(v); err != nil || d.decoder.InputOffset() != d.read {
		return false // the decoder may be in any state, so nobody gets it again
	}
	d.source.Reset(nil)
	smallDecoders.Put(d)
	return true
}
