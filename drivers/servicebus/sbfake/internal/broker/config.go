package broker

import (
	"regexp"
	"strings"
	"time"
)

// Config is how a queue is made. A zero field has the service's default.
type Config struct {
	LockDuration           time.Duration // 5 s to 5 min; default 1 min
	MaxDeliveryCount       int           // at least 1; default 10
	DefaultTTL             time.Duration // of messages without one of their own; default for ever
	DeadLetterOnExpiration bool          // else what expires is dropped
	DuplicateDetection     time.Duration // the window, 20 s to 7 days; 0 for none
	Sessions               bool
	MaxMessageSize         int // in bytes; default 256 KiB, as the Standard tier has it

	// What follows the administration shows, and nothing else comes of it.
	ForwardTo, ForwardDeadLettersTo string
	AutoDeleteOnIdle                time.Duration // default never
	Status                          string        // default Active
}

// Limits of the service ("Service Bus quotas", "Message transfers, locks, and
// settlement", "Duplicate detection").
const (
	minLock, maxLock     = 5 * time.Second, 5 * time.Minute
	minWindow, maxWindow = 20 * time.Second, 7 * 24 * time.Hour
	// StandardSize is the largest message of the Standard tier.
	StandardSize = 256 << 10
)

var goodName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._~/-]{0,258}[A-Za-z0-9_])?$`)

func (c *Config) complete(name string) error {
	if c.LockDuration == 0 {
		c.LockDuration = time.Minute
	}
	if c.MaxDeliveryCount == 0 {
		c.MaxDeliveryCount = 10
	}
	if c.MaxMessageSize == 0 {
		c.MaxMessageSize = StandardSize
	}
	if c.Status == "" {
		c.Status = "Active"
	}
	switch {
	case !goodName.MatchString(name):
		return fail(BadArgument, 400, "%q is no name of a queue.", name)
	case c.LockDuration < minLock || c.LockDuration > maxLock:
		return fail(BadArgument, 400, "The lock duration %v is out of range; it must be from %v to %v.", c.LockDuration, minLock, maxLock)
	case c.MaxDeliveryCount < 1:
		return fail(BadArgument, 400, "The maximum delivery count %d must be at least 1.", c.MaxDeliveryCount)
	case c.DefaultTTL < 0 || c.DefaultTTL > 0 && c.DefaultTTL < time.Second:
		return fail(BadArgument, 400, "The default time to live %v must be at least 1s.", c.DefaultTTL)
	case c.DuplicateDetection != 0 && (c.DuplicateDetection < minWindow || c.DuplicateDetection > maxWindow):
		return fail(BadArgument, 400, "The duplicate detection window %v is out of range; it must be from %v to %v.", c.DuplicateDetection, minWindow, maxWindow)
	}
	return nil
}

// Suffixes of the paths of subqueues, in lower case.
const (
	deadSuffix     = "/$deadletterqueue"
	transferSuffix = "/$transfer/$deadletterqueue"
)

func key(path string) string { return strings.ToLower(strings.Trim(path, "/")) }
