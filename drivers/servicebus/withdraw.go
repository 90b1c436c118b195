package servicebus

import (
	"context"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/driver"
)

// maxDelayed is how many delayed messages a queue remembers, the latest.
const maxDelayed = 10_000

// delayed remembers the sequence numbers of messages that were sent with a delay, by
// which alone Service Bus takes them back. It is safe for concurrent use.
type delayed struct {
	mu    sync.Mutex
	byID  map[string]scheduled // guarded by mu
	order []string             // of the ids, as they were sent; guarded by mu
}

type scheduled struct {
	number int64
	due    time.Time
}

func (d *delayed) note(id string, number int64, due time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byID == nil {
		d.byID = make(map[string]scheduled)
	}
	if _, again := d.byID[id]; !again {
		d.order = append(d.order, id)
	}
	d.byID[id] = scheduled{number, due}
	for len(d.order) > 0 {
		oldest, known := d.byID[d.order[0]]
		if known && len(d.order) <= maxDelayed && time.Now().Before(oldest.due) {
			return
		}
		delete(d.byID, d.order[0])
		d.order = d.order[1:]
	}
}

// take forgets a message, and says whether it was known and is not due.
func (d *delayed) take(id string) (scheduled, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.byID[id]
	delete(d.byID, id)
	return s, ok && time.Now().Before(s.due)
}

// Withdraw takes back a message that this queue has sent with a delay and that is not
// due, see [driver.Withdrawer]: it cancels the scheduled message. It knows the last
// 10,000. NotFound for any other; Unavailable where it may have been taken back.
func (q *Queue) Withdraw(ctx context.Context, id string) error {
	op := q.ops.withdraw
	if err := q.gate.Begin(ctx, op, 1, 1); err != nil {
		return err
	}
	defer q.gate.Leave()
	m, ok := q.delayed.take(id)
	if !ok {
		return driver.Errorf(driver.NotFound, op, "no message of that id was sent with a delay, or it is due")
	}
	s := shipment{queue: q, op: op}
	_, err := request(ctx, &s, func(own context.Context, from *azservicebus.Sender) (struct{}, error) {
		return struct{}{}, from.CancelScheduledMessages(own, []int64{m.number}, nil)
	})
	switch {
	case err == nil:
		return nil
	case err.Code == driver.NotFound:
		return driver.Errorf(driver.NotFound, op, "the message is gone, or due: %w", err.Err)
	case driver.Retryable(err):
		q.delayed.note(id, m.number, m.due)
	}
	return err
}
