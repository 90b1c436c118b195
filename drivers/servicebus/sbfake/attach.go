package sbfake

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/broker"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/wire"
)

const (
	cbsNode        = "$cbs"
	managementNode = "/$management"
	sessionFilter  = "com.microsoft:session-filter"
	timeoutOption  = "com.microsoft:timeout"
	lockedUntil    = "com.microsoft:locked-until-utc"

	// acceptPatience is how long a link waits for a session when it does not say.
	acceptPatience = time.Minute
	// initialCredit is how many messages a client may send at once.
	initialCredit = 1000
)

// path is the path of an address, which may be a URL.
func path(address string) string {
	if scheme, rest, ok := strings.Cut(address, "://"); ok && (scheme == "amqp" || scheme == "amqps" || scheme == "sb") {
		_, address, _ = strings.Cut(rest, "/")
	}
	if plain, err := url.PathUnescape(address); err == nil {
		address = plain
	}
	return strings.Trim(address, "/")
}

// node is the entity of a management node; false for other paths.
func node(p string) (string, bool) {
	if len(p) < len(managementNode) || !strings.EqualFold(p[len(p)-len(managementNode):], managementNode) {
		return p, false
	}
	return p[:len(p)-len(managementNode)], true
}

// attach attaches a link, or refuses it.
func (ss *session) attach(a *wire.Attach) error {
	ss.c.s.counts.add(func(t *Traffic) { t.Links++ })
	if a.Role == wire.Sender {
		if ss.incoming[a.Handle] != nil {
			return fmt.Errorf("handle %d has a link already", a.Handle)
		}
		if a.Target == nil {
			ss.refuse(a, &broker.Error{Condition: "amqp:invalid-field", Text: "The link has no target."})
			return nil
		}
		ss.attachIncoming(a, path(a.Target.Address))
		return nil
	}
	if ss.outgoing[a.Handle] != nil {
		return fmt.Errorf("handle %d has a link already", a.Handle)
	}
	if a.Source == nil {
		ss.refuse(a, &broker.Error{Condition: "amqp:invalid-field", Text: "The link has no source."})
		return nil
	}
	ss.attachOutgoing(a, path(a.Source.Address))
	return nil
}

// refuse answers an attach with nothing at the server's end, and detaches it.
func (ss *session) refuse(a *wire.Attach, err error) {
	c := ss.c
	c.mu.Lock()
	defer c.mu.Unlock()
	reply := &wire.Attach{Name: a.Name, Handle: a.Handle, Role: !a.Role, SenderSettleMode: a.SenderSettleMode, ReceiverSettleMode: a.ReceiverSettleMode}
	if reply.Role == wire.Sender {
		reply.InitialDeliveryCount = new(uint32)
	}
	ss.send(reply, nil)
	ss.send(&wire.Detach{Handle: a.Handle, Closed: true, Error: amqpError(err)}, nil)
}

// amqpError is an error as AMQP shows it, with all its fields: some clients wait for
// ever when one is missing.
func amqpError(err error) *wire.Error {
	e := &wire.Error{Condition: "amqp:internal-error", Description: err.Error(), Info: wire.Map{"com.microsoft:tracking-id": "sbfake"}}
	if b, ok := err.(*broker.Error); ok { //nolint:errorlint // the broker wraps nothing
		e.Condition, e.Description = b.Condition, b.Text
	}
	return e
}

// find is the entity of a path.
func (s *Server) find(p string) (*broker.Entity, error) {
	if e, ok := s.broker.Entity(p); ok {
		return e, nil
	}
	return nil, &broker.Error{Condition: broker.NotFound, Status: 404, Text: fmt.Sprintf("The messaging entity '%s' could not be found.", p)}
}

// struck does what a fault does to an attach; true when that is all.
func (ss *session) struck(a *wire.Attach, f *Fault, p string) bool {
	refuse := func() {
		ss.refuse(a, &broker.Error{Condition: f.condition(), Text: fmt.Sprintf("The link to '%s' is refused.", p)})
	}
	if f.ends(ss.c, refuse) {
		return true
	}
	refused := f != nil && f.refuses()
	if refused {
		refuse()
	}
	return refused
}

func (ss *session) attachIncoming(a *wire.Attach, p string) {
	c := ss.c
	l := &incoming{ss: ss, handle: a.Handle, path: p}
	size := uint64(0)
	name, managed := node(p)
	if p != cbsNode {
		var err error
		if l.entity, err = c.s.find(name); err != nil {
			ss.refuse(a, err)
			return
		}
		l.managed = managed
	}
	if l.entity != nil && !managed {
		if ss.struck(a, c.s.strike(OpAttach, name), p) {
			return
		}
		size = uint64(l.entity.MaxMessageSize())
	}
	ss.incoming[a.Handle] = l
	c.mu.Lock()
	defer c.mu.Unlock()
	ss.send(&wire.Attach{
		Name: a.Name, Handle: a.Handle, Role: wire.Receiver, SenderSettleMode: a.SenderSettleMode, ReceiverSettleMode: a.ReceiverSettleMode,
		Source: orEmpty(a.Source), Target: a.Target, MaxMessageSize: size,
	}, nil)
	l.give(initialCredit)
}

func orEmpty(t *wire.Terminus) *wire.Terminus {
	if t == nil {
		return &wire.Terminus{}
	}
	return t
}

func (ss *session) attachOutgoing(a *wire.Attach, p string) {
	c := ss.c
	l := &outgoing{ss: ss, handle: a.Handle, name: a.Name, path: p}
	name, managed := node(p)
	if p == cbsNode || managed {
		if managed {
			if _, err := c.s.find(name); err != nil {
				ss.refuse(a, err)
				return
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		l.reply = orEmpty(a.Target).Address
		c.replies[l.reply] = l
		l.attached(a, nil)
		return
	}
	entity, err := c.s.find(name)
	if err != nil {
		ss.refuse(a, err)
		return
	}
	if ss.struck(a, c.s.strike(OpAttach, name), p) {
		return
	}
	l.entity = entity
	settled := a.SenderSettleMode == 1
	tell := broker.Listener{Deliver: l.deliver, Lost: l.lost}
	filter, wanted := a.Source.Filter[sessionFilter]
	if !wanted {
		consumer, err := entity.Consume(settled, tell)
		if err != nil {
			ss.refuse(a, err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		l.consumer = consumer
		l.attached(a, nil)
		return
	}
	if d, ok := filter.(wire.Described); ok {
		filter = d.Value
	}
	var id *string
	if text, ok := filter.(string); ok {
		id = &text
	}
	patience := acceptPatience
	if ms, ok := a.Properties[timeoutOption].(uint32); ok {
		patience = time.Duration(ms) * time.Millisecond
	}
	c.mu.Lock()
	ss.outgoing[a.Handle] = l
	c.mu.Unlock()
	giveUp := entity.AcceptSession(id, settled, patience, tell, func(got *broker.Accepted, err error) { l.accepted(a, got, err) })
	c.mu.Lock()
	defer c.mu.Unlock()
	l.giveUp = giveUp
}

// epochTicks is the year 1970 in .NET's ticks of 100 ns.
const epochTicks = 621355968000000000

// accepted hears how the wish for a session went. The broker's mutex is held.
func (l *outgoing) accepted(a *wire.Attach, got *broker.Accepted, err error) {
	ss := l.ss
	c := ss.c
	if err != nil {
		ss.refuse(a, err)
		c.mu.Lock()
		defer c.mu.Unlock()
		if ss.outgoing[a.Handle] == l {
			l.detached.Store(true)
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l.consumer, l.session, got.Credit = got.Consumer, &got.ID, l.limit
	l.attached(a, wire.Map{lockedUntil: got.Until.UnixMilli()*10_000 + epochTicks})
}

// attached answers an attach; the mutex is held.
func (l *outgoing) attached(a *wire.Attach, properties wire.Map) {
	source := *a.Source
	source.Filter = nil
	if l.session != nil {
		source.Filter = wire.Map{sessionFilter: wire.Described{Code: wire.CodeSessionFilter, Value: *l.session}}
	}
	if l.ss.outgoing == nil { // the session ended meanwhile
		return
	}
	l.ss.outgoing[l.handle] = l
	l.ss.send(&wire.Attach{
		Name: a.Name, Handle: a.Handle, Role: wire.Sender, SenderSettleMode: a.SenderSettleMode, ReceiverSettleMode: a.ReceiverSettleMode,
		Source: &source, Target: orEmpty(a.Target), InitialDeliveryCount: new(uint32), Properties: properties,
	}, nil)
}
