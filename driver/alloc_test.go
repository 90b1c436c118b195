//go:build !race

package driver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// A check stands before every send, so it must not allocate on a message that
// passes.
func TestAllocCheckMessage(t *testing.T) {
	caps := ordinary()
	caps.MaxBody = 1 << 20
	text := caps
	text.TextBody = true
	plain := driver.Message{Body: []byte(strings.Repeat("x", 64))}
	full := driver.Message{
		Body: []byte(strings.Repeat("é", 4000)), GroupKey: "group", FairnessKey: "tenant", DedupKey: "key", SendID: "id",
		Attributes: map[string]string{"content-type": "text/plain", "tenant": "a"}, Delay: time.Minute,
	}
	tests := []struct {
		name string
		caps *driver.Capabilities
		m    *driver.Message
	}{
		{"plain", &caps, &plain}, {"plain on a text queue", &text, &plain},
		{"full", &caps, &full}, {"full on a text queue", &text, &full},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			allocs := testing.AllocsPerRun(100, func() {
				if err := driver.CheckMessage("mem: send", tt.caps, tt.m); err != nil {
					t.Fatal(err)
				}
			})
			if allocs != 0 {
				t.Errorf("%v allocations a message, want 0", allocs)
			}
		})
	}
}

// An ack, a receive and a round-up are as frequent as a send.
func TestAllocCheckSettlement(t *testing.T) {
	caps := ordinary()
	l := driver.Lease(lease{received: time.Now()})
	s := driver.Settlement{Lease: l, Verdict: driver.Ack}
	now := time.Now()
	allocs := testing.AllocsPerRun(100, func() {
		hold := driver.RoundUp(&caps, time.Minute+1)
		for _, err := range [...]error{
			driver.CheckSettlement("mem: settle", &caps, &s, false),
			driver.CheckReceive("mem: receive", &caps, driver.ReceiveOptions{Max: 1, Hold: hold}),
			driver.CheckTotal("mem: extend", &caps, l, hold, now),
			driver.CheckBatch("mem: settle", 1, 10),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a lease, want 0", allocs)
	}
}
