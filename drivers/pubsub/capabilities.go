package pubsub

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// The limits of Google Pub/Sub. Source: "Pub/Sub quotas and limits" and the
// reference of google.pubsub.v1, unless a line says otherwise.
const (
	maxPublish     = 1000       // messages in a publish request
	maxBytes       = 10_000_000 // a publish request, and so a message
	maxNative      = 100        // attributes of a message
	maxReserved    = 2          // of which ours
	maxValue       = 1024       // bytes in the value of an attribute
	maxIDs         = 1000       // ack ids in a request, as in Google's own library
	maxIDBytes     = 512 << 10  // a request with ack ids
	minHold        = 10 * time.Second
	maxHold        = 600 * time.Second
	minDeliveries  = 5
	maxDeliveries  = 100
	grain          = time.Second
	defaultBackoff = 10 * time.Second // of a retry policy that does not say

	// maxReceive is ours: a Pull answers with fewer messages than it was asked for
	// in most cases, and with more than fit into its buffers in none.
	maxReceive = 100
	// bodyRoom is what a publish request needs beside a body: the topic, an
	// ordering key and the framing. Attributes are counted as they come.
	bodyRoom = 1000
)

func capabilities(ordered, exactlyOnce bool) driver.Capabilities {
	emulated := func(note string) driver.Support { return driver.Support{Level: driver.LevelEmulated, Note: note} }
	c := driver.Capabilities{
		MaxSendBatch: maxPublish, MaxReceiveBatch: maxReceive, MaxSettleBatch: maxIDs,
		MaxBody: maxBytes - bodyRoom, MaxAttributes: maxNative - maxReserved, MaxAttributeValue: maxValue,
		MinAttempts: minDeliveries, MaxAttempts: maxDeliveries,
		MinHold: minHold, MaxHold: maxHold, MaxTotalHold: driver.Unlimited, HoldGrain: grain,
		MaxReleaseDelay:     maxHold,
		Ordered:             ordered,
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
	if exactlyOnce {
		c.StaleSettleDetected = driver.Support{Level: driver.LevelNative}
	}
	return c
}
