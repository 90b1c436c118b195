package runtime

import "github.com/longshore-dev/longshore/driver"

// join takes in a message that was received again while the worker still has it:
// it is not run twice, and the newer lease is the one that counts. The caller
// holds mu.
func (l *lane) join(h *held, lease driver.Lease) {
	switch {
	case h.settling:
		h.next = lease
	case h.extending:
		h.next = lease
		h.expires = max(h.expires, l.since(lease.Expires()))
		l.note(h)
	default:
		l.adopt(h, lease)
	}
}

// adopt makes lease, of the same message, the one that h has. The caller holds
// mu; no operation is under way for h.
func (l *lane) adopt(h *held, lease driver.Lease) {
	h.hold(lease)
	h.copyID = "" // whatever becomes of it, this lease's ack is another
	switch {
	case h.state == lost && h.ends != nil:
		h.state = running // cancelled, and not yet back
	case h.state == lost:
		h.state = buffered
	case h.state == decided:
		h.decision.Settlement.Lease = lease
		l.settleFrom(h, l.now())
	}
	l.keepBooked(h)
}

// keepBooked enters h in the book anew, unless it is on its way to be settled.
// The caller holds mu.
func (l *lane) keepBooked(h *held) {
	if h.state != decided || h.In() {
		l.note(h)
	}
}
