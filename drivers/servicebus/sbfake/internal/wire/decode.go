package wire

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// maxDepth is how deep values may be nested.
const maxDepth = 16

var errShort = errors.New("wire: the value is cut short")

// Decode decodes one AMQP value and answers what follows it. Binary data is a part of
// b. Lists and arrays are []any, maps are Map with keys that are strings or symbols.
func Decode(b []byte) (v any, rest []byte, err error) {
	r := reader{b: b}
	v, err = r.value(0)
	return v, r.b, err
}

// reader takes values off b.
type reader struct{ b []byte }

func (r *reader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.b) {
		return nil, errShort
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken, nil
}

func (r *reader) uint(bytes int) (uint64, error) {
	b, err := r.take(bytes)
	if err != nil {
		return 0, err
	}
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v, nil
}

func (r *reader) value(depth int) (any, error) {
	code, err := r.uint(1)
	if err != nil {
		return nil, err
	}
	return r.of(byte(code), depth)
}

// of takes a value whose constructor is code.
func (r *reader) of(code byte, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("wire: values are nested deeper than %d", maxDepth)
	}
	switch code {
	case 0x00:
		return r.described(depth)
	case 0x40:
		return nil, nil
	case 0x41:
		return true, nil
	case 0x42:
		return false, nil
	case 0x43:
		return uint32(0), nil
	case 0x44:
		return uint64(0), nil
	case 0x45:
		return []any{}, nil
	case 0xa0, 0xb0, 0xa1, 0xb1, 0xa3, 0xb3:
		return r.variable(code)
	case 0xc0, 0xd0, 0xc1, 0xd1, 0xe0, 0xf0:
		return r.compound(code, depth)
	}
	return r.fixed(code)
}

// fixed takes a value of a fixed width.
func (r *reader) fixed(code byte) (any, error) {
	widths := [16]int{0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}
	width := widths[code>>4]
	if width == 0 {
		return nil, fmt.Errorf("wire: 0x%02x is no type of AMQP", code)
	}
	if width == 16 {
		b, err := r.take(16)
		if err != nil {
			return nil, err
		}
		return [16]byte(b), nil // a uuid, or a decimal of which nothing is asked
	}
	v, err := r.uint(width)
	if err != nil {
		return nil, err
	}
	switch code {
	case 0x50:
		return uint8(v), nil
	case 0x51:
		return int8(v), nil
	case 0x56:
		return v != 0, nil
	case 0x60:
		return uint16(v), nil
	case 0x61:
		return int16(v), nil
	case 0x52, 0x70:
		return uint32(v), nil
	case 0x54:
		return int32(int8(v)), nil
	case 0x71:
		return int32(v), nil
	case 0x53, 0x80:
		return v, nil
	case 0x55:
		return int64(int8(v)), nil
	case 0x81:
		return int64(v), nil
	case 0x72:
		return math.Float32frombits(uint32(v)), nil
	case 0x82:
		return math.Float64frombits(v), nil
	case 0x73:
		return rune(v), nil
	case 0x83:
		return time.UnixMilli(int64(v)).UTC(), nil
	case 0x74, 0x84:
		return v, nil // a decimal, of which nothing is asked
	}
	return nil, fmt.Errorf("wire: 0x%02x is no type of AMQP", code)
}

// length takes the length of a value whose constructor is code: in one byte or four.
func (r *reader) length(code byte) (int, error) {
	width := 1
	if code&0x10 != 0 { // 0xb0, 0xd0, 0xf0
		width = 4
	}
	v, err := r.uint(width)
	return int(v), err
}

func (r *reader) variable(code byte) (any, error) {
	n, err := r.length(code)
	if err != nil {
		return nil, err
	}
	b, err := r.take(n)
	if err != nil {
		return nil, err
	}
	switch code & 0x0f {
	case 0x0:
		return b, nil
	case 0x1:
		return string(b), nil
	}
	return Symbol(b), nil
}

func (r *reader) described(depth int) (any, error) {
	descriptor, err := r.value(depth + 1)
	if err != nil {
		return nil, err
	}
	d := Described{}
	switch v := descriptor.(type) {
	case uint64:
		d.Code = v
	case Symbol:
		d.Code = codes[v]
	default:
		return nil, fmt.Errorf("wire: a %T describes a value", descriptor)
	}
	d.Value, err = r.value(depth + 1)
	return d, err
}

func (r *reader) compound(code byte, depth int) (any, error) {
	size, err := r.length(code)
	if err != nil {
		return nil, err
	}
	body, err := r.take(size)
	if err != nil {
		return nil, err
	}
	inner := reader{body}
	n, err := inner.length(code)
	switch {
	case err != nil:
		return nil, err
	case n > 0 && len(inner.b) == 0, n > maxItems:
		return nil, fmt.Errorf("wire: %d items are more than there is room for", n)
	case code == 0xe0 || code == 0xf0:
		return inner.array(n, depth)
	case code == 0xc1 || code == 0xd1:
		return inner.pairs(n, depth)
	}
	list := make([]any, 0, min(n, len(inner.b)))
	for range n {
		v, err := inner.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// maxItems bounds a list, as items may take no bytes.
const maxItems = 1 << 16

func (r *reader) array(n, depth int) (any, error) {
	code, err := r.uint(1)
	if err != nil {
		return nil, err
	}
	list := make([]any, 0, min(n, len(r.b)))
	for range n {
		v, err := r.of(byte(code), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (r *reader) pairs(n, depth int) (any, error) {
	if n%2 != 0 {
		return nil, errors.New("wire: a map has a key without a value")
	}
	m := make(Map, min(n, len(r.b))/2)
	for range n / 2 {
		k, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		switch k := k.(type) {
		case string:
			m[k] = v
		case Symbol:
			m[string(k)] = v
		}
	}
	return m, nil
}
