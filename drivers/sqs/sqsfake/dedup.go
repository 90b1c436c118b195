package sqsfake

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// dedupInterval: Amazon SQS Developer Guide, "Exactly-once processing in Amazon
// SQS".
const dedupInterval = 5 * time.Minute

// dedupWindow remembers what was sent to a FIFO queue, also after it was
// deleted. The zero value is ready.
type dedupWindow struct {
	byID  map[dedupKey]*content
	order []dedupEntry // the oldest first
}

type dedupKey struct{ group, id string } // group only if that is the queue's scope

type dedupEntry struct {
	key dedupKey
	at  time.Duration
}

// find gives the message that was sent with this key in the interval before now.
func (d *dedupWindow) find(key dedupKey, now time.Duration) *content {
	n := 0
	for n < len(d.order) && d.order[n].at+dedupInterval <= now {
		delete(d.byID, d.order[n].key)
		n++
	}
	d.order = d.order[n:]
	return d.byID[key]
}

func (d *dedupWindow) add(key dedupKey, c *content, now time.Duration) {
	if d.byID == nil {
		d.byID = map[dedupKey]*content{}
	}
	d.byID[key] = c
	d.order = append(d.order, dedupEntry{key, now})
}

func contentDedupID(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
