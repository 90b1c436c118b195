package driver

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// The checks in this file are the argument checks that every driver makes in
// the same words. Each takes the Op for its error.

// FailSend fills a result slot for each of n items with one error, as a failure
// of the whole call must.
func FailSend(n int, err error) []SendResult {
	r := make([]SendResult, n)
	for i := range r {
		r[i].Err = err
	}
	return r
}

// FailExtend is like FailSend.
func FailExtend(n int, err error) []ExtendResult {
	r := make([]ExtendResult, n)
	for i := range r {
		r[i].Err = err
	}
	return r
}

// FailSettle is like FailSend.
func FailSettle(n int, err error) []error {
	r := make([]error, n)
	for i := range r {
		r[i] = err
	}
	return r
}

// CheckBatch refuses more than limit items.
func CheckBatch(op string, n, limit int) error {
	if n > limit {
		return Errorf(InvalidArgument, op, "%d items exceed %d in one call; split the batch", n, limit)
	}
	return nil
}

// CheckReceive refuses options outside the limits of c. With FixedHold the
// driver compares opts.Hold to the queue's own hold itself.
func CheckReceive(op string, c *Capabilities, o ReceiveOptions) error {
	switch {
	case o.Max < 1 || o.Max > c.MaxReceiveBatch:
		return Errorf(InvalidArgument, op, "max %d is not within 1 to %d", o.Max, c.MaxReceiveBatch)
	case o.Wait < 0:
		return Errorf(InvalidArgument, op, "wait %v is negative; use 0 or more", o.Wait)
	case o.Hold == 0 || c.FixedHold:
		return nil
	}
	return CheckHold(op, c, o.Hold)
}

// CheckHold refuses a hold outside MinHold to MaxHold.
func CheckHold(op string, c *Capabilities, hold time.Duration) error {
	if hold < c.MinHold || hold > c.MaxHold {
		return Errorf(InvalidArgument, op, "hold %v is not within %v to %v", hold, c.MinHold, c.MaxHold)
	}
	return nil
}

// CheckTotal refuses to keep l leased or hidden for d from now when that takes
// it past MaxTotalHold since its receive; the error names what is left.
func CheckTotal(op string, c *Capabilities, l Lease, d time.Duration, now time.Time) error {
	if c.MaxTotalHold == Unlimited {
		return nil
	}
	if left := max(0, c.MaxTotalHold-now.Sub(l.Received())); d > left {
		return Errorf(InvalidArgument, op, "%v exceeds the %v left of %v since the receive; use a shorter time or send a copy",
			d, left, c.MaxTotalHold)
	}
	return nil
}

// RoundUp rounds d up to a multiple of c.HoldGrain; what is too long for that
// becomes Unlimited, so that the check which follows refuses it.
func RoundUp(c *Capabilities, d time.Duration) time.Duration {
	if g := c.HoldGrain; g > 0 {
		if rest := d % g; rest > 0 {
			if d > Unlimited-(g-rest) {
				return Unlimited
			}
			d += g - rest
		}
	}
	return d
}

// CheckMessage refuses a message that the queue cannot take as it is:
// InvalidArgument, TooLarge for the body, or Unsupported. The size of body and
// attributes together is the driver's business.
func CheckMessage(op string, c *Capabilities, m *Message) error {
	switch {
	case len(m.Body) == 0:
		return Errorf(InvalidArgument, op, "the body is empty; a task has at least one byte")
	case len(m.Body) > c.MaxBody:
		return Errorf(TooLarge, op, "a body of %d bytes exceeds %d; use a claim check for large payloads", len(m.Body), c.MaxBody)
	case c.TextBody && !isText(utf8.Valid(m.Body), m.Body):
		return Errorf(InvalidArgument, op, "the body has bytes outside the broker's character set; encode it as text")
	case m.Delay < 0:
		return Errorf(InvalidArgument, op, "delay %v is negative; use 0 or more", m.Delay)
	case m.Delay > 0 && !c.SendDelay.Supported():
		return Errorf(Unsupported, op, "a delay of %v is not supported by this queue", m.Delay)
	case m.Delay > c.MaxSendDelay:
		return Errorf(InvalidArgument, op, "delay %v exceeds %v; use a shorter delay", m.Delay, c.MaxSendDelay)
	case m.GroupKey != "" && !c.Ordered:
		return Errorf(Unsupported, op, "a group key is not supported by this queue; use an ordered one")
	case m.FairnessKey != "" && !c.Fairness.Supported():
		return Errorf(Unsupported, op, "a fairness key is not supported by this queue")
	case m.DedupKey != "" && !c.Dedup.Supported():
		return Errorf(Unsupported, op, "a deduplication key is not supported by this queue; make the handler idempotent by the task id")
	}
	for _, k := range [...]struct{ name, value string }{
		{"group key", m.GroupKey}, {"fairness key", m.FairnessKey}, {"deduplication key", m.DedupKey}, {"send id", m.SendID},
	} {
		if k.value == "" {
			continue
		}
		if err := CheckKey(k.value); err != nil {
			return Errorf(InvalidArgument, op, "%s: %w", k.name, err)
		}
	}
	if err := checkAttributes(c, m.Attributes); err != nil {
		return &Error{Code: InvalidArgument, Op: op, Err: err}
	}
	// Neither is empty on most messages; encoding them is what proves them.
	if !m.Carry.IsZero() || m.Death != nil {
		if _, err := PackAttributes(*m); err != nil {
			return &Error{Code: InvalidArgument, Op: op, Err: err}
		}
	}
	return nil
}

// CheckKey reports whether s can be a key or a send id: 1 to MaxKey bytes of
// visible ASCII. The error does not repeat s, which may be personal.
func CheckKey(s string) error {
	if s == "" || len(s) > MaxKey {
		return fmt.Errorf("%d bytes; want 1 to %d", len(s), MaxKey)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return fmt.Errorf("byte 0x%02x at %d is not visible ASCII", s[i], i)
		}
	}
	return nil
}

func checkAttributes(c *Capabilities, attributes map[string]string) error {
	if len(attributes) > c.MaxAttributes {
		return fmt.Errorf("%d attributes exceed %d", len(attributes), c.MaxAttributes)
	}
	for name, value := range attributes {
		if err := CheckAttribute(c, name, value); err != nil {
			return err
		}
	}
	return nil
}

// CheckAttribute reports whether an application may send an attribute to a queue:
// its name as in [CheckAttributeName], its value text of 1 to MaxAttributeValue
// bytes.
func CheckAttribute(c *Capabilities, name, value string) error {
	if err := CheckAttributeName(name); err != nil {
		return err
	}
	if value == "" || len(value) > c.MaxAttributeValue {
		return fmt.Errorf("attribute %q has a value of %d bytes; want 1 to %d", name, len(value), c.MaxAttributeValue)
	}
	if !IsText(value) {
		return fmt.Errorf("attribute %q has a value with characters that are not text", name)
	}
	return nil
}

// reservedPrefixes begin names that belong to Longshore and to the brokers. They
// are compared without case.
var reservedPrefixes = [...]string{AttributeCarry, "aws.", "amazon.", "goog", "cloudpubsub", "deadletter"}

// CheckAttributeName reports whether an application may use name for an
// attribute: 1 to MaxAttributeName letters, digits, hyphens, underscores and
// single inner periods, without a reserved beginning.
func CheckAttributeName(name string) error {
	if name == "" || len(name) > MaxAttributeName {
		return fmt.Errorf("an attribute name has %d bytes; want 1 to %d", len(name), MaxAttributeName)
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '.' && i > 0 && i < len(name)-1 && name[i-1] != '.':
		default:
			return fmt.Errorf("attribute name %q has byte 0x%02x at %d; want letters, digits, hyphens, underscores and single inner periods",
				name, c, i)
		}
	}
	for _, p := range reservedPrefixes {
		if len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) {
			return fmt.Errorf("attribute name %q begins with %q, which is reserved", name, p)
		}
	}
	return nil
}

// CheckSettlement refuses a settlement that the queue cannot do: no lease, a
// verdict that is invalid there, a delay or reason that does not fit. dead is
// true on a dead letter. MaxTotalHold is checked by CheckTotal.
func CheckSettlement(op string, c *Capabilities, s *Settlement, dead bool) error {
	switch {
	case s.Lease == nil:
		return Errorf(InvalidArgument, op, "the settlement has no lease")
	case s.Delay < 0:
		return Errorf(InvalidArgument, op, "delay %v is negative; use 0 or more", s.Delay)
	case s.Delay > 0 && s.Verdict != Release:
		return Errorf(InvalidArgument, op, "a delay of %v goes with release, not with %v", s.Delay, s.Verdict)
	}
	switch s.Verdict {
	case Ack:
		return nil
	case Release:
		switch {
		case s.Delay > 0 && !c.ReleaseDelay.Supported():
			return Errorf(Unsupported, op, "a release with a delay of %v is not supported by this queue; send a copy", s.Delay)
		case s.Delay > c.MaxReleaseDelay:
			return Errorf(InvalidArgument, op, "release delay %v exceeds %v; use a shorter delay or send a copy", s.Delay, c.MaxReleaseDelay)
		}
		return nil
	case Bury:
		if dead {
			return Errorf(InvalidArgument, op, "bury on a dead letter; the message is there already: ack or redrive it")
		}
		if err := CheckReason(s.Reason); err != nil {
			return &Error{Code: InvalidArgument, Op: op, Err: err}
		}
		if s.Carry != nil {
			if _, err := EncodeCarry(*s.Carry); err != nil {
				return &Error{Code: InvalidArgument, Op: op, Err: err}
			}
		}
		return nil
	case Redrive:
		if !dead {
			return Errorf(InvalidArgument, op, "redrive on a queue; only a dead letter can be redriven")
		}
		return nil
	}
	return Errorf(InvalidArgument, op, "verdict %d is invalid; use ack, release, bury or redrive", uint8(s.Verdict))
}
