package broker

import (
	"fmt"
	"slices"
	"testing"

	"github.com/Azure/go-amqp"
)

func TestPeek(t *testing.T) {
	for _, test := range []struct {
		name string
		from int64
		n    int
		of   string // the session; empty for all
		want []string
	}{
		{"all", 0, 10, "", []string{"1", "2", "4", "5", "6"}},
		{"a page", 0, 2, "", []string{"1", "2"}},
		{"the next page", 4, 2, "", []string{"4", "5"}},
		{"from a message that is gone", 3, 2, "", []string{"4", "5"}},
		{"past the end", 7, 2, "", nil},
		{"a session", 0, 10, "s0", []string{"2", "4", "6"}},
		{"a session, from a message of another", 5, 10, "s0", []string{"6"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Sessions: true}, func(t *testing.T, _ *Broker, e *Entity) {
				for i := range 6 {
					m := text(fmt.Sprint(i + 1))
					id := fmt.Sprint("s", (i+1)%2)
					m.Properties.GroupID = &id
					send(t, e, m)
				}
				e.broker.mu.Lock()
				e.remove(e.numbers[3])
				e.broker.mu.Unlock()
				var session *string
				if test.of != "" {
					session = &test.of
				}
				shown, err := e.Peek(test.from, test.n, session)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, encoded := range shown {
					var m amqp.Message
					if err := m.UnmarshalBinary(encoded); err != nil {
						t.Fatal(err)
					}
					got = append(got, string(m.GetData()))
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("peek from %d shows %v, want %v", test.from, got, test.want)
				}
			})
		})
	}
}
