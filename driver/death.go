package driver

import (
	"fmt"
	"time"
)

const (
	// MaxReason is the most bytes of Death.Reason.
	MaxReason = 64
	// MaxDetail is the most bytes of Death.Detail; more is cut.
	MaxDetail = 800
	// MaxSource is the most bytes of Death.Queue; more is cut.
	MaxSource = 100
)

// Why a task is dead. A reason is a token that tools filter by; an application
// may bury with others.
const (
	ReasonBrokerLimit   = "broker-limit"    // the broker's own attempt limit, without us
	ReasonExhausted     = "max-attempts"    // the last attempt that the retry policy allows failed
	ReasonPermanent     = "permanent"       // the handler said that no retry can help
	ReasonUndecodable   = "undecodable"     // the message is not a task
	ReasonUnknownKind   = "unknown-kind"    // no worker had a handler for the kind
	ReasonExpired       = "expired"         // the time to live was over before it ran
	ReasonCrashed       = "crashed"         // delivered too often without a result
	ReasonSnoozed       = "max-snoozes"     // its handler put it off too often
	ReasonMissingObject = "dataref-missing" // the payload's object is gone
)

// Death says why and when a message was put into the dead letter.
type Death struct {
	Reason   string    // a token, see the Reason constants
	Detail   string    // for people: the last error, and the first
	Attempts int       // attempts made in all, 0 when nobody knows
	At       time.Time // kept to the millisecond
	Queue    string    // the queue it died on
}

const deathVersion = 1

type deathWire struct {
	Version  int    `json:"v"`
	Reason   string `json:"reason"`
	Attempts int    `json:"attempts,omitempty"`
	At       int64  `json:"at,omitempty"` // milliseconds since 1970
	Queue    string `json:"queue,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

// EncodeDeath writes d as the value of AttributeDeath: JSON in ASCII of at most
// MaxReserved bytes, for which Detail is cut as far as needed. Attempts above
// 1,000,000,000 are written as that. InvalidArgument for a reason that is no
// token, attempts below 0 and a time outside 1970 to 9999.
func EncodeDeath(d Death) (string, error) {
	w := deathWire{
		Version: deathVersion, Reason: d.Reason, Attempts: min(d.Attempts, maxCount),
		Queue: CutText(d.Queue, MaxSource), Detail: CutText(d.Detail, MaxDetail),
	}
	var err error
	if w.At, err = wireTime("at", d.At); err == nil {
		err = w.check()
	}
	if err != nil {
		return "", &Error{Code: InvalidArgument, Op: "encode death record", Err: err}
	}
	return marshalWithin(MaxReserved, &w, &w.Detail), nil
}

// DecodeDeath reads what EncodeDeath wrote. InvalidArgument for anything else,
// a newer version among it; unknown fields of this version are ignored.
func DecodeDeath(s string) (Death, error) {
	var w deathWire
	if err := unmarshalReserved(s, &w); err != nil {
		return Death{}, &Error{Code: InvalidArgument, Op: "decode death record", Err: err}
	}
	err := checkVersion(w.Version, deathVersion)
	if err == nil {
		err = w.check()
	}
	if err != nil {
		return Death{}, &Error{Code: InvalidArgument, Op: "decode death record", Err: err}
	}
	return Death{
		Reason: w.Reason, Detail: CutText(w.Detail, MaxDetail), Attempts: w.Attempts,
		At: readTime(w.At), Queue: CutText(w.Queue, MaxSource),
	}, nil
}

func (w *deathWire) check() error {
	if err := CheckReason(w.Reason); err != nil {
		return err
	}
	if w.Attempts < 0 || w.Attempts > maxCount {
		return fmt.Errorf("attempts %d is not within 0 to %d", w.Attempts, maxCount)
	}
	return checkMilli("at", w.At)
}

// CheckReason reports whether s can be the reason of a death: 1 to MaxReason
// lower-case letters, digits and hyphens.
func CheckReason(s string) error {
	if s == "" || len(s) > MaxReason {
		return fmt.Errorf("reason has %d bytes; want 1 to %d", len(s), MaxReason)
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return fmt.Errorf("reason has byte %q at %d; want lower-case letters, digits and hyphens", c, i)
		}
	}
	return nil
}
