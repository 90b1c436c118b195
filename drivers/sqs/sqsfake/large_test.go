package sqsfake_test

import (
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// The SDK closes a request's body once it has the head of the answer. What is left of
// an answer that is larger than a client's buffer comes all the same. In real time, as
// it is a matter of what runs first.
func TestLargeAnswersInMemoryAreWhole(t *testing.T) {
	for range 100 {
		s := sqsfake.New(nil)
		e := &env{t, s, newClient(s)}
		q := e.queue("orders")
		for range 10 {
			e.send(q, strings.Repeat("x", 700))
		}
		ms := e.receive(q, 0)
		if len(ms) != 10 {
			t.Errorf("received %d messages, want 10", len(ms))
		}
		for _, m := range ms {
			e.must(e.delete(q, m))
		}
		e.must(s.Close())
	}
}
