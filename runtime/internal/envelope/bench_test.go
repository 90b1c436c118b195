package envelope

import (
	"testing"
	"time"
)

// benchEvent is what a typical task looks like: 64 bytes of JSON.
func benchEvent() *Event {
	return &Event{
		ID: "01JDGZ8Y3M4Q7T1W5X9B2C6D8F", Source: "longshore/orders", Type: "mail.send",
		Time:            time.Date(2025, 11, 25, 1, 44, 12, 345678912, time.UTC),
		DataContentType: "application/json",
		Data:            []byte(`{"to":"ann@example.com","subject":"Your order","order":12345678}`),
	}
}

func BenchmarkAppend(b *testing.B) {
	e := benchEvent()
	if len(e.Data) != 64 {
		b.Fatalf("payload is %d bytes, want 64", len(e.Data))
	}
	b.Run("NewBuffer", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Append(nil, e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("SameBuffer", func(b *testing.B) {
		b.ReportAllocs()
		dst := make([]byte, 0, Size(e))
		for b.Loop() {
			if _, err := Append(dst, e); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body, err := Append(nil, benchEvent())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("NewEvent", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var e Event
			if err := Decode(body, &e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("SameEvent", func(b *testing.B) {
		b.ReportAllocs()
		var e Event
		for b.Loop() {
			if err := Decode(body, &e); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkLooksLikeEvent(b *testing.B) {
	body, err := Append(nil, benchEvent())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !LooksLikeEvent(body) {
			b.Fatal("an event does not look like one")
		}
	}
}
