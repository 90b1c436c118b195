package broker

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/go-amqp"
)

// model is what a test knows of a queue that it treats at random.
type model struct {
	t       *testing.T
	b       *Broker
	e       *Entity
	r       *rand.Rand
	c       Config
	sent    map[string]string // by body: its session
	done    map[string]bool   // completed
	held    map[string]*holding
	workers []*worker
	number  int
}

// holding is a lock that the model believes in.
type holding struct {
	body   string
	entity *Entity
	token  Token
	until  time.Time
	worker *worker
}

type worker struct {
	consumer *Consumer
	limit    uint32
	session  string
	gone     bool
}

func body(m []byte) string {
	var decoded amqp.Message
	if err := decoded.UnmarshalBinary(m); err != nil {
		panic(err)
	}
	return string(decoded.GetData())
}

// listen is what a worker on an entity hears.
func (m *model) listen(w *worker, e *Entity) Listener {
	return Listener{
		Deliver: func(d Delivery) bool {
			name := body(d.Message)
			if h := m.held[name]; h != nil && time.Now().Before(h.until) {
				m.t.Errorf("%s is delivered while it is locked until %v", name, h.until)
			}
			if m.done[name] {
				m.t.Errorf("%s is delivered after it was completed", name)
			}
			m.held[name] = &holding{name, e, d.Token, time.Now().Add(m.c.LockDuration), w}
			return true
		},
		Lost: func(error) { w.gone = true },
	}
}

func (m *model) step() {
	switch n := m.r.IntN(100); {
	case n < 25:
		m.send()
	case n < 45:
		m.work()
	case n < 75:
		m.settle()
	case n < 80:
		m.renew()
	case n < 85:
		if len(m.workers) > 0 {
			w := m.workers[m.r.IntN(len(m.workers))]
			if w.consumer != nil {
				w.consumer.Close(m.r.IntN(2) == 0)
				w.gone = true
				m.forgetSession(w)
			}
		}
	default:
		time.Sleep(time.Duration(m.r.IntN(int(m.c.LockDuration))))
	}
}

// forgetSession forgets the locks of a worker that is gone: whether they still last
// depends on how.
func (m *model) forgetSession(w *worker) {
	if !m.c.Sessions {
		return
	}
	for name, h := range m.held {
		if h.worker == w {
			delete(m.held, name)
		}
	}
}

func (m *model) send() {
	m.number++
	name := fmt.Sprint(m.number)
	msg := amqp.NewMessage([]byte(name))
	session := ""
	if m.c.Sessions {
		session = fmt.Sprint("s", m.r.IntN(4))
		msg.Properties = &amqp.MessageProperties{GroupID: &session}
	}
	if m.r.IntN(4) == 0 && !m.c.Sessions {
		msg.Annotations = amqp.Annotations{annotationScheduled: time.Now().Add(time.Duration(m.r.IntN(100)) * time.Second)}
	}
	if err := m.e.Send([]*amqp.Message{msg}); err != nil {
		m.t.Fatal(err)
	}
	m.sent[name] = session
}

func (m *model) work() {
	if len(m.workers) < 6 && m.r.IntN(3) == 0 {
		w := new(worker)
		entity := m.e
		if m.r.IntN(4) == 0 {
			entity = m.e.dead
		}
		var err error
		if entity.Sessions() {
			m.e.AcceptSession(nil, false, 10*time.Second, m.listen(w, entity), func(a *Accepted, err error) {
				if err != nil {
					w.gone = true
					return
				}
				w.consumer, w.session = a.Consumer, a.ID
			})
		} else if w.consumer, err = entity.Consume(false, m.listen(w, entity)); err != nil {
			m.t.Fatal(err)
		}
		m.workers = append(m.workers, w)
		return
	}
	live := m.workers[:0]
	for _, w := range m.workers {
		if !w.gone {
			live = append(live, w)
		}
	}
	m.workers = live
	if len(live) == 0 {
		return
	}
	w := live[m.r.IntN(len(live))]
	if w.consumer != nil {
		w.limit += uint32(m.r.IntN(4))
		w.consumer.Credit(w.limit)
	}
}

// pick is a lock at random; nil without any.
func (m *model) pick() *holding {
	n := m.r.IntN(len(m.held) + 1)
	for i := m.number; i > 0; i-- {
		if h := m.held[fmt.Sprint(i)]; h != nil {
			if n == 0 {
				return h
			}
			n--
		}
	}
	return nil
}

func (m *model) settle() {
	h := m.pick()
	if h == nil {
		return
	}
	verdict := []Verdict{Complete, Complete, Abandon, Release, DeadLetter}[m.r.IntN(5)]
	if verdict == DeadLetter && h.entity == m.e.dead {
		verdict = Complete
	}
	lasts := time.Now().Before(h.until)
	delete(m.held, h.body)
	err := h.entity.Settle(h.token, Settlement{Verdict: verdict, Reason: "r"})
	if (err == nil) != lasts && !m.c.Sessions { // a session's lock was renewed for all its messages, or lost
		m.t.Errorf("settle %s, whose lock lasts is %v: %v", h.body, lasts, err)
	}
	if err == nil && verdict == Complete {
		m.done[h.body] = true
	}
}

func (m *model) renew() {
	h := m.pick()
	if h == nil || m.c.Sessions {
		return
	}
	lasts := time.Now().Before(h.until)
	until, err := h.entity.Renew(h.token)
	if (err == nil) != lasts {
		m.t.Errorf("renew %s, whose lock lasts is %v: %v", h.body, lasts, err)
	}
	if err == nil {
		h.until = until
	}
}

// whole checks that every message is somewhere, once, and that all counts agree.
func (m *model) whole() {
	m.b.mu.Lock()
	defer m.b.mu.Unlock()
	found := make(map[string]int)
	for _, e := range []*Entity{m.e, m.e.dead} {
		var c Counts
		n := 0
		for x := e.order.First(); x != nil; x = x.order.Next() {
			n++
			found[string(x.sent.GetData())]++
			switch x.state {
			case active:
				c.Active++
			case deferred:
				c.Deferred++
			case scheduled:
				c.Scheduled++
			}
			if x.locked {
				c.Locked++
				if e.locks[x.token] != x {
					m.t.Errorf("the lock of %s is not known", x.sent.GetData())
				}
			}
			if ready := x.at > 0; ready != (x.state == active && !x.locked) {
				m.t.Errorf("%s is ready is %v, in state %d, locked is %v", x.sent.GetData(), ready, x.state, x.locked)
			}
			if x.locked && x.session == nil && !x.In() {
				m.t.Errorf("the lock of %s does not end", x.sent.GetData())
			}
		}
		if c != e.counts || n != len(e.numbers) || c.Locked != len(e.locks) {
			m.t.Errorf("%s counts %+v with %d numbers and %d locks, and has %+v of %d", e.path, e.counts, len(e.numbers), len(e.locks), c, n)
		}
		if e.ready.len() > 0 && e.consumers.First() != nil {
			m.t.Errorf("%s has %d ready messages and a consumer with credit", e.path, e.ready.len())
		}
		for _, s := range e.sessions {
			if open := s.ready.len() > 0 && !s.locked; open != s.turn.In() {
				m.t.Errorf("session %s is available is %v, and ought to be %v", s.id, s.turn.In(), open)
			}
		}
	}
	for name := range m.sent {
		if want := map[bool]int{true: 0, false: 1}[m.done[name]]; found[name] != want {
			m.t.Errorf("%s is there %d times, want %d", name, found[name], want)
		}
	}
}

// TestAtRandom treats queues at random, and looks after every step.
func TestAtRandom(t *testing.T) {
	for _, c := range []Config{
		{LockDuration: 30 * time.Second, MaxDeliveryCount: 4},
		{LockDuration: 30 * time.Second, MaxDeliveryCount: 4, Sessions: true},
	} {
		for seed := range uint64(60) {
			t.Run(fmt.Sprintf("sessions %v seed %d", c.Sessions, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := New()
					defer b.Close()
					if err := b.Create("q", c); err != nil {
						t.Fatal(err)
					}
					e, _ := b.Entity("q")
					m := &model{
						t: t, b: b, e: e, r: rand.New(rand.NewPCG(seed, 1)), c: c,
						sent: make(map[string]string), done: make(map[string]bool), held: make(map[string]*holding),
					}
					for i := range 400 {
						m.step()
						synctest.Wait()
						m.whole()
						if t.Failed() {
							t.Fatalf("at step %d", i)
						}
					}
				})
			})
		}
	}
}
