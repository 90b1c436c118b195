package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Kinds of frames, and the headers by which a connection begins.
const (
	TypeAMQP byte = 0
	TypeSASL byte = 1

	headerSize = 8
	// MinFrameSize is the least that each side must take.
	MinFrameSize = 512
)

// HeaderAMQP and HeaderSASL begin a connection, and what comes after SASL.
var (
	HeaderAMQP = [8]byte{'A', 'M', 'Q', 'P', 0, 1, 0, 0}
	HeaderSASL = [8]byte{'A', 'M', 'Q', 'P', 3, 1, 0, 0}
)

// Frame is a performative on a channel. Without one it only keeps the connection
// alive.
type Frame struct {
	Channel      uint16
	Performative any    // a pointer to one of this package's; nil: an empty frame
	Payload      []byte // of a Transfer
}

// Read reads a frame of at most limit bytes. What the frame has of binary data and its
// payload are its own. The error is io.EOF when there is none.
func Read(r io.Reader, limit int) (*Frame, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	size, offset := int(binary.BigEndian.Uint32(header[:])), 4*int(header[4])
	if size < headerSize || size > limit {
		return nil, fmt.Errorf("wire: a frame of %d bytes, of %d to %d", size, headerSize, limit)
	}
	if offset < headerSize || offset > size {
		return nil, fmt.Errorf("wire: the data of a frame of %d bytes begins at byte %d", size, offset)
	}
	if header[5] != TypeAMQP && header[5] != TypeSASL {
		return nil, fmt.Errorf("wire: a frame of type %d", header[5])
	}
	body := make([]byte, size-headerSize)
	if _, err := io.ReadFull(r, body); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	f := &Frame{Channel: binary.BigEndian.Uint16(header[6:])}
	body = body[offset-headerSize:]
	if len(body) == 0 {
		return f, nil
	}
	v, rest, err := Decode(body)
	if err != nil {
		return nil, err
	}
	d, ok := v.(Described)
	if !ok {
		return nil, fmt.Errorf("wire: a frame has a %T, not a performative", v)
	}
	inner, ok := d.Value.([]any)
	if !ok {
		return nil, fmt.Errorf("wire: performative 0x%x is a %T, not a list", d.Code, d.Value)
	}
	f.Performative, err = parse(d.Code, &fields{list: inner})
	f.Payload = rest
	return f, err
}

// AppendFrame appends a frame.
func AppendFrame(b []byte, f *Frame) []byte {
	kind := TypeAMQP
	switch f.Performative.(type) {
	case *Mechanisms, *Init, *Outcome:
		kind = TypeSASL
	}
	at := len(b)
	b = append(b, 0, 0, 0, 0, headerSize/4, kind)
	b = binary.BigEndian.AppendUint16(b, f.Channel)
	if f.Performative != nil {
		code, fields := list(f.Performative)
		for len(fields) > 0 && fields[len(fields)-1] == nil {
			fields = fields[:len(fields)-1]
		}
		b = appendList(appendDescriptor(b, code), fields)
	}
	b = append(b, f.Payload...)
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at))
	return b
}
