package servicebus

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// The limits of Azure Service Bus. Source: Azure Service Bus, "Service Bus quotas",
// unless a line says otherwise.
const (
	standardMessage = 256 << 10 // bytes of a message on the tier Standard
	premiumMessage  = 1 << 20   // and on Premium, unless the queue takes larger ones
	maxProperties   = 64 << 10  // of all properties of a message, ours included
	maxProperty     = 32 << 10  // of one
	minDeliveries   = 1
	maxDeliveries   = 2000
	minHold         = 5 * time.Second
	maxHold         = 5 * time.Minute // "Message transfers, locks, and settlement"
	grain           = time.Second

	// These are ours. A receive asks the link for as many messages as it has room for,
	// and what is not used of that stays with the link, so it is not many. The client
	// takes up to 5,000.
	maxReceive    = 100
	maxBatch      = 1000 // messages in a Send, leases in an Extend or Settle
	maxAttributes = 100
	// bodyRoom is what a message needs beside body and attributes, and
	// propertiesRoom what the properties do beside the application's.
	bodyRoom       = 2048
	propertiesRoom = 4096
	// maxSendDelay is as long as has been tried; Service Bus tells no limit.
	maxSendDelay = 24 * time.Hour
)

func capabilities(o *Options) driver.Capabilities {
	emulated := func(note string) driver.Support { return driver.Support{Level: driver.LevelEmulated, Note: note} }
	native := driver.Support{Level: driver.LevelNative}
	c := driver.Capabilities{
		MaxSendBatch: maxBatch, MaxReceiveBatch: maxReceive, MaxSettleBatch: maxBatch,
		MaxBody: messageLimit(o) - bodyRoom, MaxAttributes: maxAttributes, MaxAttributeValue: maxProperty - propertiesRoom,
		MinAttempts: minDeliveries, MaxAttempts: maxDeliveries,
		MinHold: minHold, MaxHold: maxHold, MaxTotalHold: driver.Unlimited, HoldGrain: grain,
		MaxSendDelay: maxSendDelay,
		FixedHold:    true, CancelSafe: true, Ordered: o.Sessions,
		ExactAttempts:       native,
		StaleSettleDetected: native,
		SendDelay:           native,
		ReleaseDelay:        driver.Support{Note: "Service Bus gives an abandoned message again at once; send a copy with a delay"},
		Fairness:            driver.Support{Note: "Service Bus knows no tenants"},
		Dedup:               driver.Support{Note: "the queue is not declared to detect duplicates; add dedup=true to the URL"},
		AtomicBury:          native,
		AtomicRedrive:       emulated("a copy is sent, then the dead letter is completed; a crash between the two duplicates it"),
		Depth:               emulated("by the administration API, which needs the right Manage, and counts leased messages as ready"),
	}
	if o.Dedup {
		c.Dedup = native
	}
	return c
}

// messageLimit is the most bytes of a message on the tier that is declared.
func messageLimit(o *Options) int {
	if o.Premium {
		return premiumMessage
	}
	return standardMessage
}
