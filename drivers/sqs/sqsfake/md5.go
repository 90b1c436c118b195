package sqsfake

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strings"
)

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// md5OfAttributes is the digest of message attributes as clients compute it
// (Amazon SQS Developer Guide, "Calculating the MD5 message digest for message
// attributes"); empty when there are none.
func md5OfAttributes(attributes map[string]attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	h := md5.New()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		md5Part(h, name)
		md5Part(h, a.DataType)
		if strings.HasPrefix(a.DataType, "Binary") {
			h.Write([]byte{2})
			md5Part(h, string(a.BinaryValue))
		} else {
			h.Write([]byte{1})
			md5Part(h, value(a.StringValue))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// md5Part adds a part after its length in four bytes.
func md5Part(h hash.Hash, part string) {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(part)))
	h.Write(n[:])
	h.Write([]byte(part))
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
