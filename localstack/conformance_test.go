package localstack_test

import (
	"context"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/internal/eventsource"
	"github.com/longshore-dev/longshore/localstack"
)

// hold is the shortest that the suite takes: time is real here.
const hold = 4 * time.Second

// margin is how late LocalStack makes a message visible, and this machine may be.
const margin = 2 * time.Second

// late is for a machine that stalls: messages were seen to come 2.1 and 3.7 s after
// their time on two cores with busy neighbours. With margin it is less than a hold, by
// which messages of FIFO queues are late on any machine: see waivers.
const late = 1900 * time.Millisecond

// check runs the suite on one kind of queue, which the checks see through view.
func check(t *testing.T, profile string, fifo bool, want driver.Capabilities, view func(*sqs.Queue) driver.Queue) {
	checkEngine(t, profile, fifo, want, view, nil, "")
}

// checkEngine is check with another engine, for a layer alone.
func checkEngine(t *testing.T, profile string, fifo bool, want driver.Capabilities, view func(*sqs.Queue) driver.Queue, engine *conformance.Engine, layer conformance.Layer) {
	t.Parallel()
	instance, err := localstack.Shared()
	if err != nil {
		conformance.Missing(t, profile, "no LocalStack is at hand")
	}
	client := connect(instance.Endpoint())
	conformance.RunLayer(t, conformance.Backend{
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
			q, err := sqs.New(client, live, nil)
			if err != nil {
				return nil, err
			}
			return view(q), nil
		},
		Can:         conformance.Can{Hold: true, MaxAttempts: true, NoDeadLetter: true},
		Hold:        hold,
		Margin:      margin,
		Late:        late,
		DedupWindow: 5 * time.Minute,
		MovesAll:    true,
		Interrupts:  []conformance.Interrupt{{Name: "between send and delete", Arm: func(q driver.Queue) driver.Queue { return cutQueue{q} }}},
		Engine:      engine,
		Waivers:     waivers(fifo),
	}, want, layer)
}

// declared is what a standard queue can do.
func declared() driver.Capabilities {
	native := driver.Support{Level: driver.LevelNative}
	emulated := func(note string) driver.Support { return driver.Support{Level: driver.LevelEmulated, Note: note} }
	return driver.Capabilities{
		MaxSendBatch: 10, MaxReceiveBatch: 10, MaxSettleBatch: 10,
		MaxBody: 1 << 20, MaxAttributes: 8, MaxAttributeValue: 4096, MinAttempts: 1, MaxAttempts: 1000,
		MinHold: 2 * time.Second, MaxHold: 12*time.Hour - time.Minute, MaxTotalHold: 12*time.Hour - time.Minute, HoldGrain: time.Second,
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

// waivers are the checks that LocalStack is known to fail.
func waivers(fifo bool) []conformance.Waiver {
	const (
		expiry = "2027-06-30"
		guide  = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/"
		models = "https://github.com/localstack/localstack/blob/v4.14.0/localstack-core/localstack/services/sqs/models.py"
	)
	all := []conformance.Waiver{
		{
			Check:  "attribute-characters",
			Reason: "LocalStack refuses an attribute name of 256 characters, which Amazon SQS takes",
			Link:   guide + "SQSDeveloperGuide/sqs-message-metadata.html",
			Expiry: expiry,
		},
		{
			Check:  "dead-moved-back",
			Reason: "LocalStack goes on with the receive count of a message that a move task has moved, where Amazon SQS begins anew",
			Link:   guide + "APIReference/API_StartMessageMoveTask.html",
			Expiry: expiry,
		},
	}
	if !fifo {
		return all
	}
	// FifoQueue.requeue_inflight_messages and FifoQueue._put_message in models.
	const late = "in LocalStack a message of a FIFO queue is visible again only after those that were received before it, also those of other groups"
	const early = "in LocalStack a message that is released lets its whole group out, also when one before it is in flight or waits"
	for check, reason := range map[string]string{
		"delay-enqueued":            late,
		"group-order-after-release": early,
		"group-after-bury":          early,
		"group-after-loss":          early,
		"group-waits-for-head":      early,
	} {
		all = append(all, conformance.Waiver{Check: check, Reason: reason, Link: models, Expiry: expiry})
	}
	return all
}

func asItIs(q *sqs.Queue) driver.Queue { return q }

func TestConformanceStandard(t *testing.T) {
	check(t, "sqs standard localstack", false, declared(), asItIs)
}

// The worker layer once more, with a function of AWS Lambda as the engine.
func TestConformanceLambda(t *testing.T) {
	checkEngine(t, "lambda localstack", false, declared(), asItIs, eventsource.Engine(), conformance.LayerWorker)
}

func TestConformanceFair(t *testing.T) {
	check(t, "sqs fair localstack", false, declared(), func(q *sqs.Queue) driver.Queue { return conformance.Tenants(q) })
}

func TestConformanceFIFO(t *testing.T) {
	want := declared()
	want.Ordered = true
	want.Dedup = driver.Support{Level: driver.LevelNative}
	want.MaxSendDelay, want.SendDelay = 0, driver.Support{Note: "a FIFO queue delays all its messages or none"}
	want.Fairness = driver.Support{Note: "on a FIFO queue the message group id is the group key"}
	check(t, "sqs fifo localstack", true, want, asItIs)
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
