package broker

import (
	"time"

	"github.com/longshore-dev/longshore/drivers/internal/list"
)

// Delivery is a message on its way to a consumer.
type Delivery struct {
	Token   Token // zero for one that is settled
	Message []byte
}

// Listener is what a consumer is told, with the broker's mutex held: its functions
// must neither block nor call the broker.
type Listener struct {
	Deliver func(Delivery) (more bool) // not more: the consumer has ended, but for what it holds
	Lost    func(error)                // the consumer has ended: its session's lock, or its queue, is gone
}

// Consumer receives messages of an entity, or of a session of it, for which it has
// credit.
type Consumer struct {
	entity  *Entity
	session *session // nil without
	settled bool     // what is delivered is deleted
	count   uint32   // deliveries so far
	credit  uint32
	tell    Listener
	turn    list.Links[Consumer]
}

// Consume makes a consumer without credit. With settled, what it gets is deleted at
// once.
func (e *Entity) Consume(settled bool, tell Listener) (*Consumer, error) {
	now, err := e.enter()
	if err != nil {
		return nil, err
	}
	defer e.leave(now)
	if e.Sessions() {
		return nil, fail(NotAllowed, 400, "It is not possible for an entity that requires sessions to create a non-sessionful message receiver.")
	}
	c := &Consumer{entity: e, settled: settled, tell: tell}
	e.all[c] = struct{}{}
	return c, nil
}

// Credit sets up to which number the consumer takes deliveries, which count from 0 and
// wrap, as those of an AMQP link.
func (c *Consumer) Credit(upTo uint32) {
	now, err := c.entity.enter()
	if err != nil {
		return
	}
	defer c.entity.leave(now)
	c.setCredit(uint32(max(0, int32(upTo-c.count))))
}

// Drain gives the consumer what there is for its credit, and takes the rest of the
// credit away as if it had been used. It answers how many deliveries that makes.
func (c *Consumer) Drain() uint32 {
	now, err := c.entity.enter()
	if err != nil {
		return 0
	}
	defer c.entity.leave(now)
	c.entity.pump(now)
	c.count += c.credit
	c.setCredit(0)
	return c.count
}

func (c *Consumer) setCredit(n uint32) {
	if _, ok := c.entity.all[c]; !ok {
		return
	}
	c.credit = n
	if c.session != nil {
		return
	}
	if n > 0 {
		c.entity.consumers.PushBack(c)
	} else {
		c.entity.consumers.Remove(c)
	}
}

// Close ends the consumer. With free its session is given back, and with it the
// messages of the session, whose deliveries do not count ("Message sessions"); else,
// as when a connection is lost, all locks stay until they run out.
func (c *Consumer) Close(free bool) {
	now, err := c.entity.enter()
	if err != nil {
		return
	}
	defer c.entity.leave(now)
	c.setCredit(0)
	delete(c.entity.all, c)
	if free && c.session != nil && c.session.holder == c {
		c.session.free(now, 0)
	}
}

// lost tells the consumer that it has ended.
func (c *Consumer) lost(err error) {
	c.setCredit(0)
	delete(c.entity.all, c)
	c.tell.Lost(err)
}

// pump delivers what is ready for as long as there is credit.
func (e *Entity) pump(now time.Duration) {
	for e.ready.len() > 0 {
		c := e.consumers.First()
		if c == nil {
			return
		}
		e.consumers.Remove(c)
		c.deliver(e.ready.first(), now)
		if c.credit > 0 {
			e.consumers.PushBack(c)
		}
	}
	for s := range e.granted() {
		for s.ready.len() > 0 && s.holder != nil && s.holder.credit > 0 {
			s.holder.deliver(s.ready.first(), now)
		}
	}
}

func (c *Consumer) deliver(m *message, now time.Duration) {
	c.credit--
	c.count++
	if c.settled {
		encoded := m.encode()
		c.entity.remove(m)
		c.told(Delivery{Message: encoded})
		return
	}
	c.entity.lock(m, now, c)
	c.told(Delivery{Token: m.token, Message: m.encode()})
}

func (c *Consumer) told(d Delivery) {
	if !c.tell.Deliver(d) {
		c.setCredit(0)
		delete(c.entity.all, c)
	}
}
