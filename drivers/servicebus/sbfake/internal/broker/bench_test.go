package broker

import (
	"fmt"
	"testing"

	"github.com/Azure/go-amqp"
)

// BenchmarkSendDeliverComplete sends, delivers and completes a message an operation,
// in front of a backlog that nothing takes.
func BenchmarkSendDeliverComplete(b *testing.B) {
	for _, backlog := range []int{0, 100_000} {
		b.Run(fmt.Sprint("backlog=", backlog), func(b *testing.B) {
			broker := New()
			defer broker.Close()
			if err := broker.Create("q", Config{}); err != nil {
				b.Fatal(err)
			}
			e, _ := broker.Entity("q")
			for i := range backlog {
				if err := e.Send([]*amqp.Message{text(fmt.Sprint(i))}); err != nil {
					b.Fatal(err)
				}
			}
			var got Delivery
			c, err := e.Consume(false, Listener{Deliver: func(d Delivery) bool { got = d; return true }, Lost: func(err error) { b.Error(err) }})
			if err != nil {
				b.Fatal(err)
			}
			m := []*amqp.Message{text("m")}
			b.ReportAllocs()
			for n := uint32(1); b.Loop(); n++ {
				if err := e.Send(m); err != nil {
					b.Fatal(err)
				}
				c.Credit(n)
				if err := e.Settle(got.Token, Settlement{Verdict: Complete}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// BenchmarkPeek shows a page from the end of a long queue.
func BenchmarkPeek(b *testing.B) {
	broker := New()
	defer broker.Close()
	if err := broker.Create("q", Config{}); err != nil {
		b.Fatal(err)
	}
	e, _ := broker.Entity("q")
	const backlog = 100_000
	for i := range backlog {
		if err := e.Send([]*amqp.Message{text(fmt.Sprint(i))}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if shown, err := e.Peek(backlog-9, 100, nil); err != nil || len(shown) != 10 {
			b.Fatal(len(shown), err)
		}
	}
}
