package runtime

import (
	"fmt"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime/internal/envelope"
)

const (
	// earlyTolerance is how much too early a task may run, for clocks that differ.
	earlyTolerance = 2 * time.Second
	// totalMargin is kept back of a broker's limit on the life of a lease.
	totalMargin = time.Minute
	// maxDelay is the longest delay of any kind: more is a slip, or a carry that
	// nobody here has written.
	maxDelay = 365 * 24 * time.Hour
	// maxSnoozes is how often a task can be snoozed.
	maxSnoozes = 1000
	// maxPark is how long a lease is kept without a handler.
	maxPark = 15 * time.Minute
	// longestPause is how long a handler can pause its queue.
	longestPause = time.Hour
)

// again runs the task once more after a delay.
func (a *attempt) again(delay time.Duration, err error) Decision {
	switch {
	case a.ordered():
		return a.with(a.wait(delay), err).as(outcomeRetry)
	case !a.chained() && a.canRelease(delay):
		a.mux.firsts.note(a.info, err)
		return a.with(a.release(delay), err).as(outcomeRetry)
	}
	carry := a.carry
	carry.Attempts = a.info.Attempt
	if carry.FirstError = a.firstError(); carry.FirstError == "" && err != nil {
		carry.FirstError = driver.CutText(err.Error(), driver.MaxFirstError)
	}
	decision := a.copy(delay, carry)
	if decision.Action == Settle && err != nil { // no copy that would carry it
		a.mux.firsts.note(a.info, err)
	}
	return a.with(decision, err).as(outcomeRetry)
}

// snooze puts the task off without counting the attempt. The broker has counted
// it, so what comes back is a copy that starts from the attempt before; where
// that would break the order of a group the lease is kept.
func (a *attempt) snooze(delay time.Duration) Decision {
	snoozes := a.carry.Snoozes
	if a.held != nil {
		snoozes += a.held.snoozes
	}
	switch {
	case snoozes >= maxSnoozes:
		return a.bury(driver.ReasonSnoozed, fmt.Errorf("snoozed %d times, the most there is", snoozes))
	case delay > maxDelay:
		return a.fail(a.policy.delay(a.info.ID, a.info.Attempt), fmt.Errorf("snooze %v exceeds %v; use a shorter one", delay, maxDelay))
	case a.ordered() && a.held != nil && delay <= a.longestPark():
		return a.with(a.keep(snooze, delay), nil).as(outcomeSnooze)
	case a.ordered() && a.held == nil && delay <= a.longestRelease():
		return a.with(a.release(delay), nil).as(outcomeSnooze) // the host knows that it is no attempt
	case a.ordered() && a.held == nil:
		return a.fail(delay, fmt.Errorf("snooze %v exceeds the %v for which the broker can put off a task of a group; use a shorter one", delay, a.longestRelease()))
	case a.ordered():
		return a.fail(delay, fmt.Errorf("snooze %v exceeds the %v for which a group can be held up; use a shorter one", delay, a.longestPark()))
	}
	carry := a.carry
	carry.Attempts = a.info.Attempt - 1
	carry.Snoozes++
	return a.with(a.copy(delay, carry), nil).as(outcomeSnooze)
}

// pause puts the task off for as long as its queue is to be paused.
func (a *attempt) pause(p *pauseError) Decision {
	if p.pause <= 0 || p.pause > longestPause {
		return a.fail(a.policy.delay(a.info.ID, a.info.Attempt), fmt.Errorf("pause %v is not above 0 and at most %v; %w", p.pause, longestPause, p.err))
	}
	decision := a.snooze(p.pause)
	decision.Pause = p.pause
	a.mux.logger.Warn("a handler pauses its queue", "queue", a.Queue.Name, "kind", a.info.Kind, "task", a.info.ID, "pause", p.pause, "error", p.err)
	return decision
}

// hop sends a task on that came before it is due. It is not an attempt: so far
// this copy was delivered for hops only. Where a send cannot be delayed it is a
// chain of releases, and a fresh copy before the broker's own limit ends it.
func (a *attempt) hop() Decision {
	left := time.Until(a.carry.NotBefore)
	if left > maxDelay+24*time.Hour {
		return a.bury(driver.ReasonUndecodable, fmt.Errorf("it is due at %s, more than %v ahead",
			a.carry.NotBefore.UTC().Format(time.RFC3339), maxDelay))
	}
	if a.ordered() {
		return a.with(a.wait(left), nil).as(outcomeHop)
	}
	if longest := a.longestRelease(); a.chained() && longest > 0 && a.Lease.Attempt() < a.brokerLimit()/2 {
		return a.with(a.release(min(left, longest)), nil).as(outcomeHop)
	}
	carry := a.carry
	carry.Hops++
	return a.with(a.copy(left, carry), nil).as(outcomeHop)
}

// arrive ends a chain of releases, which the broker has counted, by a copy whose
// count starts anew.
func (a *attempt) arrive() Decision {
	carry := a.carry
	carry.Hops++
	decision := a.with(a.copy(0, carry), nil).as(outcomeHop)
	decision.Copy.Carry.NotBefore = time.Time{}
	return decision
}

// ordered says whether a copy would break the order of a group.
func (a *attempt) ordered() bool { return a.Queue.capabilities.Ordered && a.group != "" }

// chained says whether this is a copy with a due time that the broker could not
// delay: all its deliveries until then are hops.
func (a *attempt) chained() bool {
	return !a.carry.NotBefore.IsZero() && !a.Queue.capabilities.SendDelay.Supported() && !a.ordered()
}

// brokerLimit is after how many deliveries the broker buries a message itself.
func (a *attempt) brokerLimit() int {
	if a.held != nil {
		return a.held.lane.brokerLimit
	}
	return max(4, a.Queue.capabilities.MinAttempts, a.Limit)
}

// canRelease says whether the broker can hide the message itself for so long.
func (a *attempt) canRelease(delay time.Duration) bool {
	return delay == 0 || delay <= a.longestRelease()
}

// longestRelease is how long the broker can hide the message itself.
func (d *Delivery) longestRelease() time.Duration {
	c := &d.Queue.capabilities
	if !c.ReleaseDelay.Supported() {
		return 0
	}
	return min(c.MaxReleaseDelay, d.leftInAll())
}

// longestPark is how long a worker can keep the lease without a handler.
func (d *Delivery) longestPark() time.Duration { return min(maxPark, d.leftInAll()) }

// leftInAll is how much longer the lease and the delay of its release can last.
func (d *Delivery) leftInAll() time.Duration {
	total := d.Queue.capabilities.MaxTotalHold
	if total == driver.Unlimited {
		return total
	}
	return max(0, total-time.Since(d.Lease.Received())-min(totalMargin, total/10))
}

// wait puts the message off in its place, for as long as that goes: by the broker
// or, where a worker has the lease, by keeping that.
func (a *attempt) wait(delay time.Duration) Decision {
	switch longest := a.longestRelease(); {
	case delay == 0 || longest > 0:
		return a.release(min(delay, longest))
	case a.held == nil:
		return a.release(0)
	}
	return a.keep(park, min(delay, a.longestPark()))
}

// keep has the worker keep the lease without a handler.
func (a *attempt) keep(how Action, delay time.Duration) Decision {
	decision := a.release(delay)
	decision.Action = how
	return decision
}

// copy sends the task anew with as much of the delay as the broker gives.
func (a *attempt) copy(delay time.Duration, carry driver.Carry) Decision {
	c := &a.Queue.capabilities
	if delay > 0 && !c.SendDelay.Supported() && a.longestRelease() == 0 {
		return a.wait(delay) // nothing would hold the copy up
	}
	copied := driver.CopyOf(a.Lease.Message())
	var whole bool
	if copied.Attributes, whole = sendable(c, &copied); !whole {
		return a.wait(delay) // better late, or an attempt less, than no event
	}
	carry.NotBefore = time.Now().Add(delay)
	copied.Carry = carry
	copied.Delay = min(delay, c.MaxSendDelay)
	decision := ack(a.Delivery)
	decision.Action, decision.Copy = CopyThenAck, &copied
	return decision
}

// sendable is attributes without those that Send refuses: reserved ones, which are
// there when they did not decode, and what other producers may send and the
// contract does not have. A copy without them is better than none, but for those that
// make the message an event: whole is false when one of these would be missing.
func sendable(c *driver.Capabilities, m *driver.Message) (kept map[string]string, whole bool) {
	kept, whole = make(map[string]string), true
	if len(m.Attributes) == 0 {
		return kept, whole
	}
	event := events.Get().(*envelope.Event)
	defer putEvent(event)
	binary := isBinary(m, event)
	for _, name := range slices.Backward(driver.Expendable(m.Attributes)) {
		value := m.Attributes[name]
		isEvent := false
		if canonical, ok := envelope.BinaryName(name); ok && binary {
			name, isEvent = canonical, true
		}
		if driver.CheckAttribute(c, name, value) == nil && len(kept) < c.MaxAttributes {
			kept[name] = value
		} else if isEvent {
			whole = false
		}
	}
	return kept, whole
}
