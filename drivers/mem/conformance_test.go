package mem_test

import (
	"testing"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
)

// backend is the profile of an in-memory queue.
func backend(profile string, with mem.Options) conformance.Backend {
	const window = 5 * time.Minute
	return conformance.Backend{
		Profile: profile,
		Virtual: true,
		Open: func(_ *testing.T, o conformance.Options) (driver.Queue, error) {
			with := with
			with.Hold, with.MaxReceives, with.NoDeadLetter, with.DedupWindow = o.Hold, o.MaxAttempts, o.NoDeadLetter, window
			if with.Hold == 0 {
				with.Hold = 30 * time.Second
			}
			return mem.New("conformance", &with)
		},
		Can:         conformance.Can{Hold: true, MaxAttempts: true, NoDeadLetter: true},
		Hold:        30 * time.Second,
		DedupWindow: window,
		MovesAll:    true,
		Interrupts:  conformance.AtomicInterrupts(),
	}
}

// declared is what every in-memory queue can do.
func declared() driver.Capabilities {
	native := driver.Support{Level: driver.LevelNative}
	return driver.Capabilities{
		MaxSendBatch: 1000, MaxReceiveBatch: 1000, MaxSettleBatch: 1000,
		MaxBody: 1 << 20, MaxAttributes: 8, MaxAttributeValue: 4096, MinAttempts: 1, MaxAttempts: 1000,
		MinHold: 10 * time.Millisecond, MaxHold: 12 * time.Hour, MaxTotalHold: 12 * time.Hour, HoldGrain: time.Millisecond,
		MaxSendDelay: 24 * time.Hour, MaxReleaseDelay: 12 * time.Hour, CancelSafe: true,
		ExactAttempts: native, StaleSettleDetected: native, SendDelay: native, ReleaseDelay: native,
		Fairness: driver.Support{Level: driver.LevelEmulated, Note: "the key is kept and has no effect"},
		Dedup:    native, AtomicBury: native, AtomicRedrive: native, Depth: native,
	}
}

func TestConformance(t *testing.T) {
	conformance.Run(t, backend("mem", mem.Options{}), declared())
}

// declaredOrdered is what those that order can do.
func declaredOrdered() driver.Capabilities {
	want := declared()
	want.Ordered = true
	want.MaxSendDelay, want.SendDelay = 0, driver.Support{Note: "a delayed message would hold up its group"}
	return want
}

func TestConformanceOrdered(t *testing.T) {
	conformance.Run(t, backend("mem ordered", mem.Options{Ordered: true}), declaredOrdered())
}

func TestConformanceOrderedBatches(t *testing.T) {
	conformance.Run(t, backend("mem ordered batches", mem.Options{Ordered: true, GroupBatches: true}), declaredOrdered())
}
