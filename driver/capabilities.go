package driver

import "time"

// Level says how a broker supports something.
type Level uint8

const (
	// LevelUnsupported: the driver refuses it with code Unsupported.
	LevelUnsupported Level = iota
	// LevelEmulated: it works, in the way the note says.
	LevelEmulated
	// LevelNative: the broker does it.
	LevelNative
)

// String is the level in lower case.
func (l Level) String() string {
	switch l {
	case LevelUnsupported:
		return "unsupported"
	case LevelEmulated:
		return "emulated"
	case LevelNative:
		return "native"
	}
	return "invalid"
}

// Support is a level with a note, which is required unless the level is LevelNative.
type Support struct {
	Level Level
	Note  string
}

// Supported reports whether the driver takes it at all.
func (s Support) Supported() bool { return s.Level != LevelUnsupported }

// Capabilities are where brokers differ. They follow from the queue's URL
// alone; package conformance compares them with behaviour.
type Capabilities struct {
	// The most items in one call, 1 or more.
	MaxSendBatch, MaxReceiveBatch, MaxSettleBatch int
	// MaxBody is the most bytes in a body, attributes and overhead not counted.
	MaxBody int
	// MaxAttributes is how many attributes an application may set; the reserved
	// ones are not counted. MaxAttributeValue is the most bytes in a value.
	MaxAttributes, MaxAttributeValue int
	// MinAttempts and MaxAttempts are the range in which the broker's own
	// attempt limit can be configured.
	MinAttempts, MaxAttempts int

	// MinHold and MaxHold are the range of a hold at Receive and Extend.
	MinHold, MaxHold time.Duration
	// MaxTotalHold is how long a lease may last in all, extensions and the
	// delay of its release included; Unlimited for no limit.
	MaxTotalHold time.Duration
	// HoldGrain is what durations are rounded up to.
	HoldGrain time.Duration
	// MaxSendDelay and MaxReleaseDelay are the longest delays; 0 where the
	// delay is unsupported.
	MaxSendDelay, MaxReleaseDelay time.Duration

	// FixedHold: every lease runs for the queue's own hold, at Receive and at
	// Extend.
	FixedHold bool
	// TextBody: bodies must be text, see [IsText]; others are refused.
	TextBody bool
	// Ordered: GroupKey is honoured.
	Ordered bool
	// CancelSafe: a Receive whose context ends leaves nothing leased. Where it
	// is false, what was on its way to a cancelled call comes back only when
	// its hold runs out.
	CancelSafe bool

	ExactAttempts       Support // Lease.Attempt counts every delivery, exactly
	StaleSettleDetected Support // LeaseLost is answered for every stale lease
	SendDelay           Support // Message.Delay
	ReleaseDelay        Support // Settlement.Delay of a Release
	Fairness            Support // Message.FairnessKey
	Dedup               Support // Message.DedupKey
	AtomicBury          Support // Bury moves in one step
	AtomicRedrive       Support // Redrive moves in one step
	Depth               Support // Stats
}
