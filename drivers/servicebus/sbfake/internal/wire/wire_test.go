package wire

import (
	"bytes"
	"encoding/hex"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestValuesRoundTrip(t *testing.T) {
	day := time.Date(2026, 11, 26, 10, 0, 0, 5e6, time.UTC)
	id := [16]byte{1, 2, 3, 15: 255}
	tests := []struct{ give, want any }{
		{nil, nil},
		{true, true},
		{false, false},
		{uint8(7), uint8(7)},
		{uint16(777), uint16(777)},
		{uint32(0), uint32(0)},
		{uint32(255), uint32(255)},
		{uint32(256), uint32(256)},
		{uint64(0), uint64(0)},
		{uint64(255), uint64(255)},
		{uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{int32(-1), int32(-1)},
		{int32(math.MinInt32), int32(math.MinInt32)},
		{int64(-128), int64(-128)},
		{int64(math.MaxInt64), int64(math.MaxInt64)},
		{day, day},
		{id, id},
		{[]byte("abc"), []byte("abc")},
		{strings.Repeat("x", 255), strings.Repeat("x", 255)},
		{strings.Repeat("x", 256), strings.Repeat("x", 256)},
		{Symbol("amqp:not-found"), Symbol("amqp:not-found")},
		{[]any{}, []any{}},
		{[]any{"a", nil, int64(4)}, []any{"a", nil, int64(4)}},
		{Map{"a": "b", "c": nil}, Map{"a": "b", "c": nil}},
		{[][16]byte{id, {}}, []any{id, [16]byte{}}},
		{[]int64{1, -2}, []any{int64(1), int64(-2)}},
		{[]time.Time{day}, []any{day}},
		{[]Symbol{"A", "B"}, []any{Symbol("A"), Symbol("B")}},
		{Described{0x28, []any{"q"}}, Described{0x28, []any{"q"}}},
	}
	for _, tt := range tests {
		encoded := Append(nil, tt.give)
		got, rest, err := Decode(append(encoded, 0xff))
		if err != nil || !reflect.DeepEqual(got, tt.want) || !bytes.Equal(rest, []byte{0xff}) {
			t.Errorf("%v came as %v with %x behind it, %v", tt.give, got, rest, err)
		}
		for n := range encoded {
			if v, _, err := Decode(encoded[:n]); err == nil {
				t.Errorf("the first %d bytes of %v are %v", n, tt.give, v)
			}
		}
	}
}

// TestDecodesOtherForms decodes what other clients write.
func TestDecodesOtherForms(t *testing.T) {
	tests := []struct {
		hex  string
		want any
	}{
		{"5601", true},
		{"5600", false},
		{"7000000001", uint32(1)},
		{"800000000000000001", uint64(1)},
		{"51ff", int8(-1)},
		{"61ffff", int16(-1)},
		{"7100000001", int32(1)},
		{"810000000000000001", int64(1)},
		{"723f800000", float32(1)},
		{"823ff0000000000000", float64(1)},
		{"7300000041", 'A'},
		{"b000000001ff", []byte{0xff}},
		{"b10000000161", "a"},
		{"b30000000161", Symbol("a")},
		{"c0020141", []any{true}},
		{"c10702a10161a10162", Map{"a": "b"}},
		{"e00602a301610162", []any{Symbol("a"), Symbol("b")}},
		{"0080000000000000002445", Described{0x24, []any{}}},
		{"00a312616d71703a61636365707465643a6c69737445", Described{0x24, []any{}}},
	}
	for _, tt := range tests {
		b, err := hex.DecodeString(tt.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got, rest, err := Decode(b); err != nil || !reflect.DeepEqual(got, tt.want) || len(rest) != 0 {
			t.Errorf("%s is %v, %v; want %v", tt.hex, got, err, tt.want)
		}
	}
}

func TestRefusesWrongValues(t *testing.T) {
	deep := bytes.Repeat([]byte{0xc0, 0x00, 0x01}, 40)
	for i := range 40 {
		deep[3*i+1] = byte(len(deep) - 3*i - 2)
	}
	tests := []struct {
		name, text string
		b          []byte
	}{
		{"no type", "no type", []byte{0x30}},
		{"an unknown width", "no type", []byte{0x5f, 0}},
		{"a map with an odd number", "without a value", []byte{0xc1, 2, 1, 0x41}},
		{"more items than there are", "more than there is room for", []byte{0xd0, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff}},
		{"nested too deep", "deeper than", deep},
		{"described by a list", "describes", []byte{0x00, 0x45, 0x45}},
	}
	for _, tt := range tests {
		if v, _, err := Decode(tt.b); err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, %v; want an error with %q", tt.name, v, err, tt.text)
		}
	}
}

func TestFramesRoundTrip(t *testing.T) {
	one, channel := uint32(1), uint16(3)
	failed := &Error{Condition: "amqp:not-found", Description: "gone", Info: Map{"a": "b"}}
	performatives := []any{
		&Open{ContainerID: "c", Hostname: "h", MaxFrameSize: 65536, ChannelMax: 9, IdleTimeout: 1000, Properties: Map{"product": "p"}},
		&Begin{RemoteChannel: &channel, NextOutgoingID: 1, IncomingWindow: 2, OutgoingWindow: 3, HandleMax: 4},
		&Begin{NextOutgoingID: 1, IncomingWindow: 2, OutgoingWindow: 3, HandleMax: 4},
		&Attach{
			Name: "l", Handle: 1, Role: Receiver, SenderSettleMode: 2, ReceiverSettleMode: 1,
			Source: &Terminus{Address: "q", Filter: Map{"f": Described{CodeSessionFilter, "s"}}}, Target: &Terminus{Address: "t"},
			InitialDeliveryCount: &one, MaxMessageSize: 1 << 20, Properties: Map{"p": int64(1)},
		},
		&Attach{Name: "refused", Role: Sender},
		&Flow{NextIncomingID: &one, IncomingWindow: 1, NextOutgoingID: 2, OutgoingWindow: 3, Handle: &one, DeliveryCount: &one, LinkCredit: &one, Available: &one, Drain: true, Echo: true},
		&Flow{IncomingWindow: 1},
		&Transfer{Handle: 1, DeliveryID: &one, DeliveryTag: []byte("tag"), MessageFormat: &one, Settled: true, More: true, State: &State{Kind: Accepted}, Aborted: true},
		&Transfer{Handle: 1},
		&Disposition{Role: Receiver, First: 1, Last: &one, Settled: true, State: &State{Kind: Rejected, Error: failed}},
		&Disposition{State: &State{Kind: Modified, DeliveryFailed: true, UndeliverableHere: true, Annotations: Map{"a": "b"}}},
		&Disposition{State: &State{Kind: Released}},
		&Disposition{State: &State{Kind: Rejected}},
		&Detach{Handle: 1, Closed: true, Error: failed},
		&End{failed},
		&Close{failed},
		&Close{},
		&Init{"ANONYMOUS"},
		&Outcome{0},
	}
	for _, p := range performatives {
		give := &Frame{Channel: 7, Performative: p, Payload: []byte("payload")}
		encoded := AppendFrame(nil, give)
		got, err := Read(bytes.NewReader(encoded), len(encoded))
		if err != nil || !reflect.DeepEqual(got, give) {
			t.Errorf("%T came as %+v, %v; want %+v", p, got, err, p)
		}
		if _, err := Read(bytes.NewReader(encoded), len(encoded)-1); err == nil {
			t.Errorf("%T is read although it is over the limit", p)
		}
		if _, err := Read(bytes.NewReader(encoded[:len(encoded)-1]), len(encoded)); err != io.ErrUnexpectedEOF {
			t.Errorf("%T that is cut short: %v", p, err)
		}
	}
	empty := AppendFrame(nil, &Frame{})
	if got, err := Read(bytes.NewReader(empty), MinFrameSize); err != nil || got.Performative != nil || len(empty) != 8 {
		t.Errorf("an empty frame of %d bytes is %+v, %v", len(empty), got, err)
	}
}

func TestRefusesWrongFrames(t *testing.T) {
	frame := func(body ...byte) []byte { return append([]byte{0, 0, 0, byte(8 + len(body)), 2, 0, 0, 0}, body...) }
	tests := []struct {
		name, text string
		b          []byte
	}{
		{"too short", "a frame of 7 bytes", []byte{0, 0, 0, 7, 2, 0, 0, 0}},
		{"data before the end of the header", "begins at byte 4", []byte{0, 0, 0, 8, 1, 0, 0, 0}},
		{"another type", "of type 5", []byte{0, 0, 0, 8, 2, 5, 0, 0}},
		{"no performative", "not a performative", frame(0x45)},
		{"an unknown performative", "no performative", frame(0x00, 0x53, 0x99, 0x45)},
		{"not a list", "not a list", frame(0x00, 0x53, 0x10, 0x41)},
		{"a field of another type", "field 0 is a bool", frame(0x00, 0x53, 0x10, 0xc0, 2, 1, 0x41)},
		{"another state", "not the state", frame(0x00, 0x53, 0x15, 0xc0, 8, 5, 0x41, 0x43, 0x40, 0x40, 0x00, 0x44, 0x45)},
	}
	for _, tt := range tests {
		if f, err := Read(bytes.NewReader(tt.b), MinFrameSize); err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %+v, %v; want an error with %q", tt.name, f, err, tt.text)
		}
	}
}

// FuzzRead reads frames of anybody: it must not panic, and what it reads is read the
// same when written again.
func FuzzRead(f *testing.F) {
	one := uint32(1)
	for _, p := range []any{
		&Open{ContainerID: "c", Hostname: "h"}, &Attach{Name: "l", Source: &Terminus{Address: "q", Filter: Map{"f": Described{CodeSessionFilter, nil}}}},
		&Transfer{DeliveryID: &one, DeliveryTag: []byte("t"), State: &State{Kind: Accepted}},
		&Disposition{State: &State{Kind: Rejected, Error: &Error{Condition: "c"}}}, &Mechanisms{[]Symbol{"ANONYMOUS"}},
	} {
		f.Add(AppendFrame(nil, &Frame{Performative: p, Payload: []byte("p")}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := Read(bytes.NewReader(b), 4096)
		if err != nil {
			return
		}
		if frame.Performative == nil {
			return
		}
		defer func() {
			if p := recover(); p != nil && !strings.Contains(p.(string), "has no AMQP type") {
				t.Fatal(p)
			}
		}()
		again, err := Read(bytes.NewReader(AppendFrame(nil, frame)), math.MaxInt32)
		if err != nil {
			t.Fatalf("%+v: %v", frame.Performative, err)
		}
		if !bytes.Equal(again.Payload, frame.Payload) {
			t.Fatalf("the payload %x came as %x", frame.Payload, again.Payload)
		}
	})
}
