package pubsubemulator_test

import (
	"context"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/pubsubemulator"
)

// hold is the shortest that the suite takes: time is real here.
const hold = 20 * time.Second

// margin is how late the emulator makes a message visible, and this machine may be.
const margin = 2 * time.Second

// late is for a machine that stalls, as LocalStack was seen to.
const late = 1900 * time.Millisecond

// check runs the suite on one kind of subscription.
func check(t *testing.T, profile string, is pubsub.Options, want driver.Capabilities, waivers []conformance.Waiver) {
	t.Parallel()
	instance, err := pubsubemulator.Shared()
	if err != nil {
		conformance.Missing(t, profile, "no Pub/Sub emulator is at hand")
	}
	clients := driverClients(connect(t, instance.Host()))
	conformance.Run(t, conformance.Backend{
		Profile: profile,
		Open: func(t *testing.T, o conformance.Options) (driver.Queue, error) {
			made := queueOptions{ordered: is.Ordered, exactlyOnce: is.ExactlyOnce, hold: hold, maxAttempts: 100, noDeadLetter: o.NoDeadLetter}
			if o.Hold != 0 {
				made.hold = o.Hold
			}
			if o.MaxAttempts != 0 {
				made.maxAttempts = o.MaxAttempts
			}
			id, err := makeQueue(t.Context(), clients, made)
			if err != nil {
				return nil, err
			}
			dropQueue(t, clients, id)
			declared := is
			return pubsub.New(clients, project, id, &declared)
		},
		Can:        conformance.Can{Hold: true, MaxAttempts: true, NoDeadLetter: true},
		Hold:       hold,
		Margin:     margin,
		Late:       late,
		Interrupts: []conformance.Interrupt{{Name: "between send and delete", Arm: func(q driver.Queue) driver.Queue { return cutQueue{q} }}},
		Waivers:    waivers,
	}, want)
}

// declared is what every queue can do.
func declared() driver.Capabilities {
	emulated := func(note string) driver.Support { return driver.Support{Level: driver.LevelEmulated, Note: note} }
	return driver.Capabilities{
		MaxSendBatch: 1000, MaxReceiveBatch: 100, MaxSettleBatch: 1000,
		MaxBody: 9_999_000, MaxAttributes: 98, MaxAttributeValue: 1024, MinAttempts: 5, MaxAttempts: 100,
		MinHold: 10 * time.Second, MaxHold: 10 * time.Minute, MaxTotalHold: driver.Unlimited, HoldGrain: time.Second,
		MaxReleaseDelay:     10 * time.Minute,
		ExactAttempts:       emulated("DeliveryAttempt, which Google calls approximate, and which a subscription without a dead-letter policy does not count"),
		StaleSettleDetected: emulated("by the driver's own clock, but for an ack, which Pub/Sub may take late; exactly-once delivery tells"),
		SendDelay:           driver.Support{Note: "Pub/Sub delivers at once; a delay is a chain of releases"},
		ReleaseDelay:        emulated("the ack deadline is set to the delay"),
		Fairness:            driver.Support{Note: "Pub/Sub knows no tenants"},
		Dedup:               driver.Support{Note: "Pub/Sub stores every publish; make the handler idempotent by the task id"},
		AtomicBury:          emulated("a copy is published, then the message is acked; a crash between the two duplicates it"),
		AtomicRedrive:       emulated("a copy is published, then the dead letter is acked; a crash between the two duplicates it"),
		Depth:               driver.Support{Note: "Pub/Sub counts in Cloud Monitoring only, minutes late"},
	}
}

// orderedWaivers are the checks that the emulator 0.8.20 is known to fail on a
// subscription with ordering. Each cause is a rule of the in-process server, whose
// probe fails here: see pubsubfake.Differences.
func orderedWaivers() []conformance.Waiver {
	const (
		order = "https://cloud.google.com/pubsub/docs/ordering"
		dead  = "https://cloud.google.com/pubsub/docs/dead-letter-topics"
		// The tasks of the checks that are not about groups have no key. A delayed
		// release is an ack deadline that ends.
		keyless = "on a subscription with ordering the emulator takes messages without a key for one group: when the ack deadline of one ends, those after it come again, also acknowledged ones"
		late    = "the emulator delivers a released head behind its followers"
		stuck   = "on a subscription with ordering the emulator forwards no dead letters, and answers no Pull once one is due"
	)
	var all []conformance.Waiver
	for _, w := range []struct {
		reason, link string
		checks       []string
	}{
		{keyless, order, []string{
			"work-skip", "work-hard-timeout", "retry-panic", "retry-neighbours", "dead-crashed", "delay-enqueued", "delay-hops", "delay-hops-by-release",
		}},
		{late, order, []string{"group-order-after-release", "group-goes-on-after-bury"}},
		{stuck, dead, []string{"broker-limit", "broker-limit-wakes"}},
	} {
		for _, check := range w.checks {
			all = append(all, conformance.Waiver{Check: check, Reason: w.reason, Link: w.link, Expiry: "2027-06-30"})
		}
	}
	return all
}

func TestConformancePlain(t *testing.T) {
	check(t, "pubsub plain emulator", pubsub.Options{}, declared(), nil)
}

func TestConformanceOrdered(t *testing.T) {
	want := declared()
	want.Ordered = true
	check(t, "pubsub ordered emulator", pubsub.Options{Ordered: true}, want, orderedWaivers())
}

func TestConformanceExactlyOnce(t *testing.T) {
	want := declared()
	want.StaleSettleDetected = driver.Support{Level: driver.LevelNative}
	check(t, "pubsub exactly-once emulator", pubsub.Options{ExactlyOnce: true}, want, nil)
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
