package mutants

import (
	"context"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func dedupMutants() []Mutant {
	ignore := messages(func(m *driver.Message) { m.DedupKey = "" })
	return []Mutant{
		{Name: "ignores the deduplication key", On: onMem, CaughtBy: by("dedup-drops", "dedup-window", "dedup-retried-send"), Break: ignore},
		{Name: "ignores a deduplication key that it cannot keep", On: onLimited, CaughtBy: by("dedup-drops", "dedup-window", "dedup-retried-send", "dedup-swallows-no-copy"), Break: ignore},
		{Name: "looks for duplicates only among earlier batches", On: onMem, CaughtBy: by("dedup-drops"),
			Break: messagesOf(func(batch []driver.Message) {
				for i := range batch {
					if i > 0 && batch[i].DedupKey == batch[i-1].DedupKey {
						batch[i].DedupKey = ""
					}
				}
			})},
		{Name: "answers a duplicate with a new id", On: onMem, CaughtBy: by("dedup-drops"),
			Break: func(q driver.Queue) driver.Queue {
				var seen sync.Map
				return fq.New(q, fq.Rule{Op: fq.Send, Fault: fq.Lie(nil, func(c *fq.Call) {
					for i, r := range c.Sent {
						if _, was := seen.LoadOrStore(r.ID, true); was && r.Err == nil {
							c.Sent[i].ID += "-again"
						}
					}
				})})
			}},
		{Name: "delivers the deduplication key", On: onMem, CaughtBy: by("dedup-drops"),
			Break: views(func(_ *fq.Call, v *fq.View) { v.Message.DedupKey = v.Message.SendID })},
		{Name: "fails a duplicate", On: onMem, CaughtBy: by("dedup-drops"),
			Break: func(q driver.Queue) driver.Queue {
				var seen sync.Map
				return fq.New(q, fq.Rule{Op: fq.Send, Fault: fq.Lie(nil, func(c *fq.Call) {
					for i, r := range c.Sent {
						if _, was := seen.LoadOrStore(r.ID, true); was && r.Err == nil {
							c.Sent[i] = driver.SendResult{Err: driver.Errorf(driver.InvalidArgument, "mutant: send", "a duplicate")}
						}
					}
				})})
			}},
		{Name: "forgets a deduplication key once its message is acked", On: onMem, CaughtBy: by("dedup-drops"), Break: remembers(time.Hour, true)},
		{Name: "remembers a deduplication key for ever", On: onMem, CaughtBy: by("dedup-window"), Break: remembers(1000*time.Hour, false)},
		{Name: "forgets a deduplication key after a minute", On: onMem, CaughtBy: by("dedup-window"), Break: remembers(time.Minute, false)},
		{Name: "makes a fresh send id for a retried send", On: onMem, CaughtBy: by("dedup-retried-send"),
			Break: messages(func(m *driver.Message) {
				if driver.CheckKey(m.SendID) == nil {
					m.SendID = driver.NewSendID()
				}
			})},
		{Name: "redrives under the send id of the original", On: onMem, CaughtBy: by("dedup-swallows-no-copy"), Break: reuseSendID},
		{Name: "moves under the send id of the original", On: onMem, CaughtBy: by("dedup-swallows-no-copy"),
			Break: moves(driver.Settlement{Verdict: driver.Ack}, 1000)},
	}
}

// remembers drops duplicates by itself, for a time.
func remembers(window time.Duration, untilAck bool) breaker {
	type first struct {
		id    string
		until time.Time
	}
	return func(q driver.Queue) driver.Queue {
		var mu sync.Mutex
		seen := make(map[string]first) // guarded by mu; by key
		return fq.New(q,
			fq.Rule{Op: fq.Send, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
				mu.Lock()
				defer mu.Unlock()
				results := make([]driver.SendResult, len(c.Messages))
				for i, m := range c.Messages {
					key := m.DedupKey
					if f, ok := seen[key]; key != "" && ok && time.Now().Before(f.until) {
						results[i].ID = f.id
						continue
					}
					m.DedupKey = ""
					one := &fq.Call{Op: fq.Send, Messages: []driver.Message{m}}
					next(ctx, one)
					results[i] = one.Sent[0]
					if key != "" && results[i].Err == nil {
						seen[key] = first{results[i].ID, time.Now().Add(window)}
					}
				}
				c.Sent = results
			}},
			fq.Rule{Op: fq.Settle, Fault: fq.Lie(nil, func(*fq.Call) {
				if untilAck {
					mu.Lock()
					defer mu.Unlock()
					clear(seen)
				}
			})})
	}
}

// reuseSendID redrives a message under the send id that it was first received
// with.
func reuseSendID(q driver.Queue) driver.Queue {
	const idLen = len("id=000001;")
	var sendIDs sync.Map // by the id in the body
	inner := redrives(func(m driver.Message) driver.Message {
		c := driver.LiveCopy(m)
		if id, ok := sendIDs.Load(string(m.Body[:idLen])); ok {
			c.SendID = id.(string)
		}
		return c
	})(q)
	return fq.New(inner, fq.Rule{Op: fq.Receive, Fault: fq.Lie(nil, func(c *fq.Call) {
		for _, l := range c.Received {
			if m := l.Message(); !c.Dead {
				sendIDs.LoadOrStore(string(m.Body[:min(idLen, len(m.Body))]), m.SendID)
			}
		}
	})})
}

// swallowHop drops a copy of a message that was received.
func swallowHop(q driver.Queue) driver.Queue {
	return fq.New(q, fq.Rule{Op: fq.Send, Fault: func(ctx context.Context, c *fq.Call, next fq.Next) {
		if len(c.Messages) == 1 && c.Messages[0].SendID != "" && c.Messages[0].Delay > 0 {
			c.Sent = []driver.SendResult{{ID: "first"}}
			return
		}
		next(ctx, c)
	}})
}
