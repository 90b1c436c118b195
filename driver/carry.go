package driver

import (
	"fmt"
	"time"
)

// MaxFirstError is the most bytes of Carry.FirstError; more is cut.
const MaxFirstError = 200

// Carry is the state of one copy of a task: what the broker's own counters
// cannot know because they start anew with each copy. The zero Carry is that of
// a task just enqueued and takes no attribute.
type Carry struct {
	// Attempts were made before this copy was sent, 0 or more. Attempt n of a
	// task is Attempts + Lease.Attempt.
	Attempts int
	// NotBefore is when the task is due; zero for at once. Kept to the
	// millisecond, rounded up.
	NotBefore time.Time
	// Hops is how often the task was sent on because it was not due yet,
	// Snoozes how often its handler put it off, Redrives how often it came back
	// from the dead letter. Each 0 or more.
	Hops, Snoozes, Redrives int
	// IgnoreExpiry: run the task although its time to live is over; set by a
	// redrive, which somebody asked for.
	IgnoreExpiry bool
	// FirstError is the error of the task's first failed attempt, cut to
	// MaxFirstError bytes.
	FirstError string
}

// IsZero reports whether there is nothing to carry.
func (c Carry) IsZero() bool {
	if !c.NotBefore.IsZero() {
		return false
	}
	c.NotBefore = time.Time{} // a zero time with a location is zero, but not equal
	return c == Carry{}
}

// Redriven is the carry of the copy that goes back to the queue: attempts and
// snoozes start anew, the task is due at once, the redrive is counted, and the
// time to live no longer matters.
func (c Carry) Redriven() Carry {
	c.Attempts, c.Snoozes = 0, 0
	c.NotBefore = time.Time{}
	c.Redrives++
	c.IgnoreExpiry = true
	return c
}

// carryVersion is the format of the attribute. A reader refuses a newer one.
const carryVersion = 1

type carryWire struct {
	Version      int    `json:"v"`
	Attempts     int    `json:"attempts,omitempty"`
	NotBefore    int64  `json:"notBefore,omitempty"` // milliseconds since 1970
	Hops         int    `json:"hops,omitempty"`
	Snoozes      int    `json:"snoozes,omitempty"`
	Redrives     int    `json:"redrives,omitempty"`
	IgnoreExpiry bool   `json:"ignoreExpiry,omitempty"`
	FirstError   string `json:"firstError,omitempty"`
}

// EncodeCarry writes c as the value of AttributeCarry: JSON in ASCII of at most
// MaxReserved bytes. A counter above 1,000,000,000 is written as that.
// InvalidArgument for one below 0 and for a time outside 1970 to 9999.
func EncodeCarry(c Carry) (string, error) {
	w := carryWire{
		Version: carryVersion, Attempts: min(c.Attempts, maxCount), Hops: min(c.Hops, maxCount),
		Snoozes: min(c.Snoozes, maxCount), Redrives: min(c.Redrives, maxCount),
		IgnoreExpiry: c.IgnoreExpiry, FirstError: CutText(c.FirstError, MaxFirstError),
	}
	var err error
	if w.NotBefore, err = wireTime("notBefore", c.NotBefore); err == nil {
		err = w.check()
	}
	if err != nil {
		return "", &Error{Code: InvalidArgument, Op: "encode carry", Err: err}
	}
	return marshalWithin(MaxReserved, &w, &w.FirstError), nil
}

// DecodeCarry reads what EncodeCarry wrote. InvalidArgument for anything else,
// a newer version among it; unknown fields of this version are ignored.
func DecodeCarry(s string) (Carry, error) {
	var w carryWire
	if err := unmarshalReserved(s, &w); err != nil {
		return Carry{}, &Error{Code: InvalidArgument, Op: "decode carry", Err: err}
	}
	err := checkVersion(w.Version, carryVersion)
	if err == nil {
		err = w.check()
	}
	if err != nil {
		return Carry{}, &Error{Code: InvalidArgument, Op: "decode carry", Err: err}
	}
	return Carry{
		Attempts: w.Attempts, NotBefore: readTime(w.NotBefore), Hops: w.Hops, Snoozes: w.Snoozes,
		Redrives: w.Redrives, IgnoreExpiry: w.IgnoreExpiry, FirstError: CutText(w.FirstError, MaxFirstError),
	}, nil
}

func (w *carryWire) check() error {
	for _, n := range []struct {
		name  string
		value int
	}{{"attempts", w.Attempts}, {"hops", w.Hops}, {"snoozes", w.Snoozes}, {"redrives", w.Redrives}} {
		if n.value < 0 || n.value > maxCount {
			return fmt.Errorf("%s %d is not within 0 to %d", n.name, n.value, maxCount)
		}
	}
	return checkMilli("notBefore", w.NotBefore)
}
