package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
)

// Append encodes v as AMQP. Beside Go's own types there are those of this package;
// time.Time is a timestamp of milliseconds, []byte is binary, [][16]byte, []int64,
// []time.Time and []Symbol are arrays, []any is a list and nil is null. It panics for
// other types, as they come from this program only.
func Append(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 0x40)
	case bool:
		if v {
			return append(b, 0x41)
		}
		return append(b, 0x42)
	case uint8:
		return append(b, 0x50, v)
	case uint16:
		return binary.BigEndian.AppendUint16(append(b, 0x60), v)
	case uint32:
		switch {
		case v == 0:
			return append(b, 0x43)
		case v <= math.MaxUint8:
			return append(b, 0x52, byte(v))
		}
		return binary.BigEndian.AppendUint32(append(b, 0x70), v)
	case uint64:
		switch {
		case v == 0:
			return append(b, 0x44)
		case v <= math.MaxUint8:
			return append(b, 0x53, byte(v))
		}
		return binary.BigEndian.AppendUint64(append(b, 0x80), v)
	case int32:
		if v >= math.MinInt8 && v <= math.MaxInt8 {
			return append(b, 0x54, byte(v))
		}
		return binary.BigEndian.AppendUint32(append(b, 0x71), uint32(v))
	case int64:
		if v >= math.MinInt8 && v <= math.MaxInt8 {
			return append(b, 0x55, byte(v))
		}
		return binary.BigEndian.AppendUint64(append(b, 0x81), uint64(v))
	case time.Time:
		return binary.BigEndian.AppendUint64(append(b, 0x83), uint64(v.UnixMilli()))
	case [16]byte:
		return append(append(b, 0x98), v[:]...)
	case []byte:
		return appendVariable(b, 0xa0, 0xb0, string(v))
	case string:
		return appendVariable(b, 0xa1, 0xb1, v)
	case Symbol:
		return appendVariable(b, 0xa3, 0xb3, string(v))
	case []any:
		return appendList(b, v)
	case Map:
		return appendMap(b, v)
	case [][16]byte:
		return appendArray(b, 0x98, v, func(b []byte, v [16]byte) []byte { return append(b, v[:]...) })
	case []int64:
		return appendArray(b, 0x81, v, func(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) })
	case []time.Time:
		return appendArray(b, 0x83, v, func(b []byte, v time.Time) []byte {
			return binary.BigEndian.AppendUint64(b, uint64(v.UnixMilli()))
		})
	case []Symbol:
		return appendArray(b, 0xb3, v, func(b []byte, v Symbol) []byte {
			return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		})
	case Described:
		return Append(appendDescriptor(b, v.Code), v.Value)
	}
	panic(fmt.Sprintf("wire: a %T has no AMQP type", v))
}

// appendDescriptor uses the short form that all clients read.
func appendDescriptor(b []byte, code uint64) []byte {
	return Append(append(b, 0x00), code)
}

func appendVariable(b []byte, short, long byte, v string) []byte {
	if len(v) <= math.MaxUint8 {
		return append(append(b, short, byte(len(v))), v...)
	}
	return append(binary.BigEndian.AppendUint32(append(b, long), uint32(len(v))), v...)
}

func appendList(b []byte, list []any) []byte {
	if len(list) == 0 {
		return append(b, 0x45)
	}
	b, at := beginCompound(b, 0xd0, len(list))
	for _, v := range list {
		b = Append(b, v)
	}
	return endCompound(b, at)
}

// appendMap appends the keys in order, so that what is sent is always the same.
func appendMap(b []byte, m Map) []byte {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b, at := beginCompound(b, 0xd1, 2*len(m))
	for _, k := range keys {
		b = Append(Append(b, Symbol(k)), m[k])
	}
	return endCompound(b, at)
}

func appendArray[T any](b []byte, code byte, items []T, item func([]byte, T) []byte) []byte {
	b, at := beginCompound(b, 0xf0, len(items))
	b = append(b, code)
	for _, v := range items {
		b = item(b, v)
	}
	return endCompound(b, at)
}

// beginCompound appends the head of a list, map or array of n items, whose size
// endCompound puts in.
func beginCompound(b []byte, code byte, n int) (head []byte, at int) {
	b = append(b, code)
	at = len(b)
	b = append(b, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint32(b, uint32(n)), at
}

func endCompound(b []byte, at int) []byte {
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}
