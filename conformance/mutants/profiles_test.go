package mutants_test

import (
	"testing"
	"time"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/conformance/mutants/limited"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
)

const (
	hold   = 30 * time.Second
	window = 5 * time.Minute
)

// profile is a sound queue that mutants break.
type profile struct {
	backend conformance.Backend
	want    driver.Capabilities
}

func profiles() map[string]profile {
	return map[string]profile{
		"mem":                 memProfile("mem", mem.Options{}),
		"mem ordered":         memProfile("mem ordered", mem.Options{Ordered: true}),
		"mem ordered batches": memProfile("mem ordered batches", mem.Options{Ordered: true, GroupBatches: true}),
		"limited":             limitedProfile(limited.Flaws{}),
	}
}

func memProfile(name string, with mem.Options) profile {
	open := func(o conformance.Options) (driver.Queue, error) {
		if o.Hold == 0 {
			o.Hold = hold
		}
		with := with
		with.Hold, with.MaxReceives, with.NoDeadLetter, with.DedupWindow = o.Hold, o.MaxAttempts, o.NoDeadLetter, window
		return mem.New("mutant", &with)
	}
	q, err := open(conformance.Options{})
	if err != nil {
		panic(err)
	}
	return profile{want: q.Capabilities(), backend: conformance.Backend{
		Profile: name, Virtual: true, Hold: hold, DedupWindow: window, MovesAll: true,
		Can:        conformance.Can{Hold: true, MaxAttempts: true, NoDeadLetter: true},
		Interrupts: conformance.AtomicInterrupts(),
		Open:       func(_ *testing.T, o conformance.Options) (driver.Queue, error) { return open(o) },
	}}
}

func limitedProfile(flaws limited.Flaws) profile {
	return profile{want: limited.Capabilities(hold), backend: conformance.Backend{
		Profile: "limited", Virtual: true, Hold: hold, Margin: time.Millisecond, DedupWindow: window,
		Can:        conformance.Can{MaxAttempts: true, NoDeadLetter: true},
		Interrupts: []conformance.Interrupt{{Name: "between send and delete", Arm: cutLimited}},
		Open: func(_ *testing.T, o conformance.Options) (driver.Queue, error) {
			live, err := mem.New("live", &mem.Options{Hold: hold, MaxReceives: o.MaxAttempts, NoDeadLetter: o.NoDeadLetter})
			if err != nil {
				return nil, err
			}
			dead, err := mem.New("dead", &mem.Options{Hold: hold, NoDeadLetter: true})
			if err != nil {
				return nil, err
			}
			return limited.New(limited.Config{Live: live, Dead: dead, Hold: hold, Missing: o.NoDeadLetter, Flaws: flaws}), nil
		},
	}}
}

func cutLimited(q driver.Queue) driver.Queue {
	var l *limited.Queue
	if q.As(&l) {
		l.Cut()
	}
	return q
}
