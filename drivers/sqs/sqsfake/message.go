package sqsfake

import (
	"encoding/hex"
	"math/rand/v2"
	"time"

	"github.com/longshore-dev/longshore/drivers/internal/list"
	"github.com/longshore-dev/longshore/internal/due"
)

// state says where in its queue a message is.
type state uint8

const (
	gone     state = iota // deleted, expired or moved
	visible               // may be received
	delayed               // sent with a delay
	inflight              // received, and hidden by its visibility timeout
	states
)

// content is what a sender gave and what the queue made of it. It is immutable.
type content struct {
	id         string
	body       string
	bodyMD5    string
	attributes map[string]attribute
	attrsMD5   string
	trace      string // AWSTraceHeader
	group      string
	dedup      string
	sequence   string // of a FIFO queue
	source     string // ARN of the queue that a dead letter came from
}

// message is one stored message. Its fields are guarded by the server's mu.
type message struct {
	due.Slot[*message] // when delayed or inflight

	*content
	number   uint64
	state    state
	sent     time.Duration
	received time.Duration // the current or last receive
	first    time.Duration // the first receive
	receives int           // in all queues
	here     int           // receives in this queue
	receipt  uint32        // of the last receive
	age      age
	links    list.Links[message] // in the list of visible messages or in its group
	line     *group              // of a FIFO queue
}

// age places a message in the order of sending, for the end of its retention.
type age struct {
	due.Slot[*age]

	m *message
}

func newID() string {
	var b [16]byte
	for i := range 2 {
		v := rand.Uint64()
		for j := range 8 {
			b[8*i+j] = byte(v >> (8 * j))
		}
	}
	b[6] = b[6]&0x0f | 0x40 // a random UUID
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	out[8] = '-'
	hex.Encode(out[9:13], b[4:6])
	out[13] = '-'
	hex.Encode(out[14:18], b[6:8])
	out[18] = '-'
	hex.Encode(out[19:23], b[8:10])
	out[23] = '-'
	hex.Encode(out[24:], b[10:])
	return string(out[:])
}
