package sqs

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// The limits of Amazon SQS. Source: Amazon SQS Developer Guide, "Amazon SQS
// message quotas", and API Reference, unless a line says otherwise.
const (
	maxBatch     = 10      // entries in a batch request, messages in a receive
	maxBytes     = 1 << 20 // a message with its attributes, and all of a batch
	maxNative    = 10      // attributes of a message
	maxReserved  = 2       // of which ours
	maxValue     = 4096    // ours: Amazon SQS counts a value with its message
	maxPoll      = 20 * time.Second
	maxSendDelay = 15 * time.Minute
	maxReceives  = 1000
	grain        = time.Second

	// minHold leaves a lease a second, after the second by which it says that it
	// ends early.
	minHold = 2 * time.Second

	// maxTotal is 12 hours from the receive, of which a minute is kept back for
	// what lies between the broker's clock and ours.
	maxTotal = 12*time.Hour - time.Minute
)

func capabilities(fifo bool) driver.Capabilities {
	native := driver.Support{Level: driver.LevelNative}
	emulated := func(note string) driver.Support { return driver.Support{Level: driver.LevelEmulated, Note: note} }
	c := driver.Capabilities{
		MaxSendBatch: maxBatch, MaxReceiveBatch: maxBatch, MaxSettleBatch: maxBatch,
		MaxBody: maxBytes, MaxAttributes: maxNative - maxReserved, MaxAttributeValue: maxValue,
		MinAttempts: 1, MaxAttempts: maxReceives,
		MinHold: minHold, MaxHold: maxTotal, MaxTotalHold: maxTotal, HoldGrain: grain,
		MaxSendDelay: maxSendDelay, MaxReleaseDelay: maxTotal,
		TextBody:            true,
		ExactAttempts:       emulated("ApproximateReceiveCount, which Amazon SQS calls approximate"),
		StaleSettleDetected: emulated("by the driver's own clock, but for an ack, which Amazon SQS may take late"),
		SendDelay:           native, ReleaseDelay: native, Fairness: native,
		Dedup:         driver.Support{Note: "standard queues do not deduplicate; use a FIFO queue"},
		AtomicBury:    emulated("a copy is sent, then the message is deleted; a crash between the two duplicates it"),
		AtomicRedrive: emulated("a copy is sent, then the dead letter is deleted; a crash between the two duplicates it"),
		Depth:         emulated("approximate, up to a minute late; the oldest age is not told"),
	}
	if fifo {
		c.Ordered = true
		c.Dedup = native
		c.MaxSendDelay, c.SendDelay = 0, driver.Support{Note: "a FIFO queue delays all its messages or none"}
		c.Fairness = driver.Support{Note: "on a FIFO queue the message group id is the group key"}
	}
	return c
}
