package main

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
)

// attribute is a message's attribute that is a text.
type attribute struct{ DataType, StringValue string }

// md5OfAttributes is the checksum over a message's attributes (Amazon SQS
// Developer Guide, "Calculating the MD5 message digest for message attributes");
// "" when there are none.
func md5OfAttributes(attributes map[string]attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	const text = 1 // not binary
	sum := md5.New()
	put := func(s string) {
		_, _ = sum.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...)) // a hash takes all
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		put(name)
		put(attributes[name].DataType)
		_, _ = sum.Write([]byte{text})
		put(attributes[name].StringValue)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
