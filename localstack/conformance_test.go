package localstack_test

import (
	"context"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/localstack"
)

// hold is the shortest that the suite takes: time is real here.
const hold = 4 * time.Second

// check runs the suite on one kind of queue.
func check(t *testing.T, profile string, fifo bool, waivers []conformance.Waiver, want driver.Capabilities) {
	t.Parallel()
	instance, err := localstack.Shared()
	if err != nil {
		conformance.Missing(t, profile, "no LocalStack is at hand")
	}
	client := connect(instance.Endpoint())
	conformance.Run(t, conformance.Backend{
		Profile: profile,
		Open: func(t *testing.T, o conformance.Options) (driver.Queue, error) {
			made := queueOptions{fifo: fifo, hold: hold, maxReceives: 100, noDeadLetter: o.NoDeadLetter}
			if o.Hold != 0 {
				made.hold = o.Hold
			}
			if o.MaxAttempts != 0 {
				made.maxReceives = o.MaxAttempts
			}
			live, dead, err := makeQueue(t.Context(), client, made)
			if err != nil {
				return nil, err
			}
			dropQueues(t, client, live, dead)
			return sqs.New(client, live, nil)
		},
		Can:         conformance.Can{Hold: true, MaxAttempts: true, NoDeadLetter: true},
		Hold:        hold,
		Margin:      time.Second,
		DedupWindow: 5 * time.Minute,
		MovesAll:    true,
		Interrupts:  []conformance.Interrupt{{Name: "between send and delete", Arm: func(q driver.Queue) driver.Queue { return cutQueue{q} }}},
		Waivers:     waivers,
	}, want)
}

// declared is what a standard queue can do.
func declared() driver.Capabilities {
	native := driver.Support{Level: driver.LevelNative}
	emulated := func(note string) driver.Support { return driver.Support{Level: driver.LevelEmulated, Note: note} }
	return driver.Capabilities{
		MaxSendBatch: 10, MaxReceiveBatch: 10, MaxSettleBatch: 10,
		MaxBody: 1 << 20, MaxAttributes: 8, MaxAttributeValue: 4096, MinAttempts: 1, MaxAttempts: 1000,
		MinHold: time.Second, MaxHold: 12*time.Hour - time.Minute, MaxTotalHold: 12*time.Hour - time.Minute, HoldGrain: time.Second,
		MaxSendDelay: 15 * time.Minute, MaxReleaseDelay: 12*time.Hour - time.Minute, TextBody: true,
		ExactAttempts:       emulated("ApproximateReceiveCount, which Amazon SQS calls approximate"),
		StaleSettleDetected: emulated("by the driver's own clock, but for an ack, which Amazon SQS may take late"),
		SendDelay:           native, ReleaseDelay: native, Fairness: native,
		Dedup:         driver.Support{Note: "standard queues do not deduplicate; use a FIFO queue"},
		AtomicBury:    emulated("a copy is sent, then the message is deleted; a crash between the two duplicates it"),
		AtomicRedrive: emulated("a copy is sent, then the dead letter is deleted; a crash between the two duplicates it"),
		Depth:         emulated("approximate, up to a minute late; the oldest age is not told"),
	}
}

func TestConformanceStandard(t *testing.T) {
	check(t, "sqs standard localstack", false, nil, declared())
}

func TestConformanceFIFO(t *testing.T) {
	want := declared()
	want.Ordered = true
	want.Dedup = driver.Support{Level: driver.LevelNative}
	want.MaxSendDelay, want.SendDelay = 0, driver.Support{Note: "a FIFO queue delays all its messages or none"}
	want.Fairness = driver.Support{Note: "on a FIFO queue the message group id is the group key"}
	check(t, "sqs fifo localstack", true, nil, want)
}

// cutQueue is a queue whose Bury and Redrive are cut off after the copy is sent.
type cutQueue struct{ driver.Queue }

func (q cutQueue) Settle(ctx context.Context, batch []driver.Settlement) []error {
	return q.Queue.Settle(context.WithValue(ctx, cutKey{}, true), batch)
}

func (q cutQueue) DeadLetter() driver.DeadLetter { return cutDeadLetter{q.Queue.DeadLetter()} }

type cutDeadLetter struct{ driver.DeadLetter }

func (d cutDeadLetter) Settle(ctx context.Context, batch []driver.Settlement) []error {
	return d.DeadLetter.Settle(context.WithValue(ctx, cutKey{}, true), batch)
}
