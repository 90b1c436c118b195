package sbfake

import (
	"sync/atomic"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/broker"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/wire"
)

// outgoing is a link on which the client receives: messages of an entity, or the
// answers of a node. But for what is set before it is attached it is guarded by the
// connection's mutex.
type outgoing struct {
	ss       *session
	handle   uint32
	name     string
	path     string
	entity   *broker.Entity   // nil for a node
	reply    string           // the client's name for the answers of a node
	consumer *broker.Consumer // nil for a node, and before a session is accepted
	session  *string          // of the broker
	giveUp   func()           // ends the wait for a session
	detached atomic.Bool      // the server has detached it

	count   uint32 // deliveries so far
	limit   uint32 // up to which the client takes them
	answers [][]byte
}

// close ends the link's consumer. With free, its session is given back.
func (l *outgoing) close(free bool) {
	c := l.ss.c
	c.mu.Lock()
	consumer, giveUp := l.consumer, l.giveUp
	if c.replies[l.reply] == l {
		delete(c.replies, l.reply)
	}
	c.mu.Unlock()
	if giveUp != nil {
		giveUp()
		c.mu.Lock()
		consumer = l.consumer // it may have been accepted just before
		c.mu.Unlock()
	}
	if consumer != nil {
		consumer.Close(free)
	}
}

// flow hears how much the client takes on this link.
func (l *outgoing) flow(f *wire.Flow) {
	c := l.ss.c
	limit := uint32(0)
	if f.DeliveryCount != nil {
		limit = *f.DeliveryCount
	}
	if f.LinkCredit != nil {
		limit += *f.LinkCredit
	}
	c.mu.Lock()
	l.limit = limit
	consumer := l.consumer
	if consumer == nil {
		l.answer(nil)
	}
	c.mu.Unlock()
	if consumer != nil {
		consumer.Credit(limit)
		if f.Drain {
			used := consumer.Drain()
			c.mu.Lock()
			l.count = used
			c.mu.Unlock()
		}
	}
	if !f.Echo && !f.Drain {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	state := l.ss.flowState()
	count, credit := l.count, l.limit-l.count
	state.Handle, state.DeliveryCount, state.LinkCredit, state.Drain = &l.handle, &count, &credit, f.Drain
	l.ss.send(state, nil)
}

// deliver sends a message to the client; not more when it has no link any more. The
// broker's mutex is held.
func (l *outgoing) deliver(d broker.Delivery) (more bool) {
	c := l.ss.c
	c.s.counts.add(func(t *Traffic) { t.Deliveries++ })
	f := c.s.strike(OpDeliver, l.entity.Path())
	if f != nil && f.Cut {
		c.cut()
		return false
	}
	c.later(f.delay(), func() { l.carry(d, f) })
	return f == nil || !f.Detach
}

// carry puts a delivery on its way.
func (l *outgoing) carry(d broker.Delivery, f *Fault) {
	c := l.ss.c
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case f == nil:
	case f.Silent:
		return
	case f.Detach:
		l.detach(f.detached())
		return
	}
	settled := d.Token == broker.Token{}
	if l.ss.outgoing[l.handle] != l || l.detached.Load() {
		return // the link has ended on the way, and the message stays locked
	}
	id := l.transfer(d.Message, settled, tagOf(d.Token))
	if !settled {
		l.ss.unsettled[id] = unsettled{l, d.Token}
	}
}

// tagOf is a lock token as a delivery tag, in which .NET's order of bytes swaps the
// first three groups.
func tagOf(t broker.Token) []byte {
	return []byte{t[3], t[2], t[1], t[0], t[5], t[4], t[7], t[6], t[8], t[9], t[10], t[11], t[12], t[13], t[14], t[15]}
}

// overhead is more than what a transfer takes of a frame beside its payload.
const overhead = 128

// transfer sends a message in as many frames as it takes, and answers its delivery id.
// The mutex is held.
func (l *outgoing) transfer(message []byte, settled bool, tag []byte) uint32 {
	ss := l.ss
	id := ss.nextDelivery
	ss.nextDelivery++
	l.count++
	format := uint32(0)
	t := &wire.Transfer{Handle: l.handle, DeliveryID: &id, DeliveryTag: tag, MessageFormat: &format, Settled: settled}
	for most := ss.c.maxFrame - overhead; len(message) > most; message = message[most:] {
		part := *t
		part.More = true
		ss.sendTransfer(&part, message[:most])
		t = &wire.Transfer{Handle: l.handle, Settled: settled}
	}
	ss.sendTransfer(t, message)
	return id
}

// answer sends answers of a node, as far as the client takes them; the mutex is held.
func (l *outgoing) answer(message []byte) {
	if message != nil {
		l.answers = append(l.answers, message)
	}
	for len(l.answers) > 0 && int32(l.limit-l.count) > 0 {
		l.transfer(l.answers[0], true, []byte{0, 0, 0, 0})
		l.answers = l.answers[1:]
	}
}

// detach detaches the link with an error; the mutex is held.
func (l *outgoing) detach(err error) {
	if !l.detached.Swap(true) {
		l.ss.send(&wire.Detach{Handle: l.handle, Closed: true, Error: amqpError(err)}, nil)
	}
}

// lost detaches the link, as its consumer has ended. The broker's mutex may be held.
func (l *outgoing) lost(err error) {
	c := l.ss.c
	c.mu.Lock()
	defer c.mu.Unlock()
	l.detach(err)
}

// settle settles a delivery with the broker, and confirms it.
func (ss *session) settle(id uint32, u unsettled, d *wire.Disposition) {
	c := ss.c
	name, s := verdict(d.State)
	c.s.counts.add(func(t *Traffic) { t.Dispositions[name]++ })
	f := c.s.strike(OpSettle, u.link.entity.Path())
	var err error
	switch {
	case f.prevents():
	case s.Verdict == 0:
		err = &broker.Error{Condition: "amqp:invalid-field", Text: "The disposition has no outcome."}
	default:
		err = u.link.entity.Settle(u.token, s)
	}
	if f.ends(c, func() { u.link.lost(f.detached()) }) {
		return
	}
	if refusal := f.refusal("disposition"); refusal != nil {
		err = refusal
	}
	if d.Settled {
		return // nobody waits for an answer
	}
	state := &wire.State{Kind: d.State.Kind} // the outcome again, never its error
	if d.State.Kind == wire.Modified {
		state.UndeliverableHere = d.State.UndeliverableHere
	}
	if err != nil {
		state = &wire.State{Kind: wire.Rejected, Error: amqpError(err)}
	}
	c.later(f.delay(), func() {
		ss.tell(&wire.Disposition{Role: wire.Sender, First: id, Settled: true, State: state})
	})
}

// verdict is what an outcome means ("Service Bus AMQP protocol guide"), and its name.
func verdict(s *wire.State) (string, broker.Settlement) {
	switch s.Kind {
	case wire.Accepted:
		return "accepted", broker.Settlement{Verdict: broker.Complete}
	case wire.Released:
		return "released", broker.Settlement{Verdict: broker.Release}
	case wire.Modified:
		v := broker.Abandon
		if s.UndeliverableHere {
			v = broker.Defer
		}
		return "modified", broker.Settlement{Verdict: v, Properties: s.Annotations}
	case wire.Rejected:
		v := broker.Settlement{Verdict: broker.DeadLetter}
		if s.Error != nil {
			v.Properties = make(map[string]any)
			for k, value := range s.Error.Info {
				text, _ := value.(string)
				switch k {
				case "DeadLetterReason":
					v.Reason = text
				case "DeadLetterErrorDescription":
					v.Description = text
				default:
					v.Properties[k] = value
				}
			}
		}
		return "rejected", v
	}
	return "none", broker.Settlement{}
}
