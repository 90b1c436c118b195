package sbfake

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/broker"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/wire"
)

// session is a session of AMQP. The connection's reader owns incoming and nextIncoming;
// the rest is guarded by the connection's mutex.
type session struct {
	c       *conn
	channel uint16

	incoming     map[uint32]*incoming // links on which the client sends, by its handles
	nextIncoming uint32

	outgoing     map[uint32]*outgoing // links on which it receives, by its handles
	nextOutgoing uint32
	nextDelivery uint32
	window       uint32               // how many transfers the client takes
	pending      []*wire.Frame        // transfers that wait for the window
	unsettled    map[uint32]unsettled // by delivery id
	ended        bool
}

// send sends a frame, unless the session has ended: the client may have another on the
// channel by then, to which the frame would speak of other links and deliveries. The
// mutex is held.
func (ss *session) send(performative any, payload []byte) {
	if !ss.ended {
		ss.c.send(ss.channel, performative, payload)
	}
}

// tell is send for who does not hold the mutex.
func (ss *session) tell(performative any) {
	ss.c.mu.Lock()
	defer ss.c.mu.Unlock()
	ss.send(performative, nil)
}

// unsettled is a delivery that the client has to settle.
type unsettled struct {
	link  *outgoing
	token broker.Token
}

// end ends all links. With free, sessions of the broker are given back.
func (ss *session) end(free bool) {
	ss.c.mu.Lock()
	links := make([]*outgoing, 0, len(ss.outgoing))
	for _, l := range ss.outgoing {
		links = append(links, l)
	}
	ss.outgoing, ss.pending, ss.ended = nil, nil, true
	ss.c.mu.Unlock()
	for _, l := range links {
		l.close(free)
	}
}

// sendTransfer sends a transfer when the window is open; the mutex is held.
func (ss *session) sendTransfer(t *wire.Transfer, payload []byte) {
	if ss.window == 0 || len(ss.pending) > 0 {
		ss.pending = append(ss.pending, &wire.Frame{Performative: t, Payload: payload})
		return
	}
	ss.window--
	ss.nextOutgoing++
	ss.send(t, payload)
}

// flowState is the state of the session in a flow; the mutex is held.
func (ss *session) flowState() *wire.Flow {
	next := ss.nextIncoming
	return &wire.Flow{NextIncomingID: &next, IncomingWindow: anyWindow, NextOutgoingID: ss.nextOutgoing, OutgoingWindow: anyWindow}
}

// flow hears what the client takes.
func (ss *session) flow(f *wire.Flow) error {
	c := ss.c
	c.mu.Lock()
	seen := uint32(0)
	if f.NextIncomingID != nil {
		seen = *f.NextIncomingID
	}
	ss.window = uint32(max(0, int64(f.IncomingWindow)-int64(ss.nextOutgoing-seen)))
	pending := ss.pending
	ss.pending = nil
	for _, p := range pending {
		ss.sendTransfer(p.Performative.(*wire.Transfer), p.Payload)
	}
	if f.Handle == nil {
		if f.Echo {
			ss.send(ss.flowState(), nil)
		}
		c.mu.Unlock()
		return nil
	}
	l := ss.outgoing[*f.Handle]
	c.mu.Unlock()
	if l == nil {
		if ss.incoming[*f.Handle] != nil {
			return nil // what a sender says of its link
		}
		return fmt.Errorf("a flow for handle %d, which has no link", *f.Handle)
	}
	l.flow(f)
	return nil
}

// disposition settles deliveries, or hears that the client has.
func (ss *session) disposition(d *wire.Disposition) {
	if d.Role != wire.Receiver {
		return // of what the client sent: the server has forgotten it
	}
	last := d.First
	if d.Last != nil {
		last = *d.Last
	}
	for _, id := range ss.within(d.First, last) {
		ss.c.mu.Lock()
		u, ok := ss.unsettled[id]
		if ok && (d.State != nil || d.Settled) {
			delete(ss.unsettled, id)
		}
		ss.c.mu.Unlock()
		if ok && d.State != nil {
			ss.settle(id, u, d)
		}
	}
}

// within are the deliveries that the client has to settle from first to last, in
// order: of a range that the client names at will only those that there are.
func (ss *session) within(first, last uint32) []uint32 {
	ss.c.mu.Lock()
	defer ss.c.mu.Unlock()
	if last == first {
		return []uint32{first}
	}
	var ids []uint32
	for id := range ss.unsettled {
		if id-first <= last-first { // also where the ids wrap
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b uint32) int { return cmp.Compare(a-first, b-first) })
	return ids
}

func (ss *session) detach(d *wire.Detach) {
	c := ss.c
	c.s.counts.add(func(t *Traffic) { t.Detaches++ })
	c.mu.Lock()
	l := ss.outgoing[d.Handle]
	delete(ss.outgoing, d.Handle)
	c.mu.Unlock()
	delete(ss.incoming, d.Handle)
	if l != nil {
		l.close(true)
		if l.detached.Load() {
			return // it is an answer
		}
	}
	ss.tell(&wire.Detach{Handle: d.Handle, Closed: d.Closed})
}
