package mutants

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// declareMutants are sound queues that declare what they cannot do, or not what
// they can. Each field of Capabilities is in one.
func declareMutants() []Mutant {
	native := driver.Support{Level: driver.LevelNative}
	none := driver.Support{Note: "or so it says"}
	says := func(on, what string, change func(c *driver.Capabilities), checks ...string) Mutant {
		return Mutant{Name: "declares " + what, On: on, CaughtBy: checks, Declares: change}
	}
	type caps = driver.Capabilities
	return []Mutant{
		says(onMem, "a larger send batch", func(c *caps) { c.MaxSendBatch++ }, "send-over-batch"),
		says(onMem, "a smaller send batch", func(c *caps) { c.MaxSendBatch-- }, "send-over-batch"),
		says(onMem, "a larger receive batch", func(c *caps) { c.MaxReceiveBatch++ }, "receive-first"),
		says(onMem, "a smaller receive batch", func(c *caps) { c.MaxReceiveBatch-- }, "receive-refusals"),
		says(onMem, "a larger settle batch", func(c *caps) { c.MaxSettleBatch++ }, "settle-over-batch", "extend-over-batch"),
		says(onMem, "a smaller settle batch", func(c *caps) { c.MaxSettleBatch-- }, "settle-over-batch", "extend-over-batch"),
		says(onMem, "a larger body", func(c *caps) { c.MaxBody++ }, "body-limit"),
		says(onMem, "a smaller body", func(c *caps) { c.MaxBody-- }, "body-limit"),
		says(onMem, "more attributes", func(c *caps) { c.MaxAttributes++ }, "attribute-limits"),
		says(onMem, "fewer attributes", func(c *caps) { c.MaxAttributes-- }, "attribute-limits"),
		says(onMem, "longer attribute values", func(c *caps) { c.MaxAttributeValue++ }, "attribute-limits"),
		says(onMem, "shorter attribute values", func(c *caps) { c.MaxAttributeValue-- }, "attribute-limits"),
		says(onMem, "a lower attempt limit", func(c *caps) { c.MinAttempts = -1 }, "policy", "capabilities"),
		says(onMem, "a higher attempt limit", func(c *caps) { c.MaxAttempts++ }, "policy"),
		says(onMem, "a shorter hold", func(c *caps) { c.MinHold -= time.Millisecond }, "hold-range"),
		says(onMem, "a longer least hold", func(c *caps) { c.MinHold += time.Millisecond }, "hold-range"),
		says(onMem, "a longer hold", func(c *caps) { c.MaxHold += time.Hour; c.MaxTotalHold += time.Hour }, "hold-range"),
		says(onMem, "a shorter most hold", func(c *caps) { c.MaxHold -= time.Hour }, "hold-range"),
		says(onMem, "a longer hold in all", func(c *caps) { c.MaxTotalHold += time.Hour }, "hold-in-all"),
		says(onMem, "a shorter hold in all", func(c *caps) { c.MaxTotalHold -= time.Hour }, "hold-in-all"),
		says(onMem, "no end of holds", func(c *caps) { c.MaxTotalHold = driver.Unlimited; c.MaxReleaseDelay = 48 * time.Hour }, "release-longest"),
		says(onMem, "a finer grain", func(c *caps) { c.HoldGrain /= 10 }, "hold-grain"),
		says(onMem, "a longer send delay", func(c *caps) { c.MaxSendDelay += time.Hour }, "send-delay-limit"),
		says(onMem, "a shorter send delay", func(c *caps) { c.MaxSendDelay -= time.Hour }, "send-delay-limit"),
		says(onMem, "a longer release delay", func(c *caps) { c.MaxReleaseDelay += time.Hour }, "capabilities", "release-longest"),
		says(onMem, "a shorter release delay", func(c *caps) { c.MaxReleaseDelay -= time.Hour }, "release-refusals"),
		says(onMem, "a fixed hold", func(c *caps) { c.FixedHold = true }, "hold-at-receive", "hold-at-extend"),
		says(onLimited, "a hold of any length", func(c *caps) { c.FixedHold = false; c.MaxHold *= 4; c.MinHold /= 2 }, "hold-at-receive", "hold-at-extend"),
		says(onMem, "text bodies", func(c *caps) { c.TextBody = true }, "body-binary"),
		says(onLimited, "binary bodies", func(c *caps) { c.TextBody = false }, "body-binary"),
		says(onMem, "order", func(c *caps) { c.Ordered = true }, "group-order"),
		says(onOrdered, "no order", func(c *caps) { c.Ordered = false }, "group-order"),
		says(onLimited, "that cancelling is safe", func(c *caps) { c.CancelSafe = true }, "receive-ending-loses-nothing"),
		says(onLimited, "exact attempts", func(c *caps) { c.ExactAttempts = native }, "attempt-counts", "send-and-receive"),
		says(onLimited, "that it notices stale leases", func(c *caps) { c.StaleSettleDetected = native }, "late-ack", "late-release", "late-bury", "settled-twice"),
		says(onLimited, "send delays", func(c *caps) { c.SendDelay, c.MaxSendDelay = native, time.Hour }, "send-delay", "send-delay-limit"),
		says(onMem, "no send delays", func(c *caps) { c.SendDelay, c.MaxSendDelay = none, 0 }, "send-delay"),
		says(onLimited, "release delays", func(c *caps) { c.ReleaseDelay, c.MaxReleaseDelay = native, time.Hour }, "release-later"),
		says(onMem, "no release delays", func(c *caps) { c.ReleaseDelay, c.MaxReleaseDelay = none, 0 }, "release-later"),
		says(onLimited, "fairness", func(c *caps) { c.Fairness = native }, "fairness-key"),
		says(onMem, "no fairness", func(c *caps) { c.Fairness = none }, "fairness-key"),
		says(onLimited, "deduplication", func(c *caps) { c.Dedup = native }, "dedup-drops"),
		says(onMem, "no deduplication", func(c *caps) { c.Dedup = none }, "dedup-drops"),
		says(onLimited, "a bury in one step", func(c *caps) { c.AtomicBury = native }, "bury-cut-off"),
		says(onLimited, "a redrive in one step", func(c *caps) { c.AtomicRedrive = native }, "redrive-cut-off"),
		says(onLimited, "statistics", func(c *caps) { c.Depth = native }, "stats"),
		says(onMem, "no statistics", func(c *caps) { c.Depth = none }, "stats"),
		says(onMem, "less than native without a note", func(c *caps) { c.Fairness = driver.Support{Level: driver.LevelEmulated} }, "capabilities"),
	}
}
