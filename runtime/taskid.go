package runtime

import (
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// NewTaskID makes a fresh id: a UUID of version 7 (RFC 9562), so ids sort by
// the millisecond in which they were made.
func NewTaskID() TaskID { return newTaskID(time.Now()) }

func newTaskID(now time.Time) TaskID {
	var b [16]byte
	ms, low, high := uint64(now.UnixMilli()), rand.Uint64(), rand.Uint64()
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	for i := range 8 {
		b[8+i] = byte(low >> (8 * i))
	}
	b[6], b[7] = 0x70|byte(high)&0x0f, byte(high>>8)
	b[8] = 0x80 | b[8]&0x3f

	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:36], b[10:16])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return TaskID(s[:])
}
