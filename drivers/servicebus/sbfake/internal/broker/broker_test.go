package broker

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/go-amqp"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/wire"
)

// inBubble runs f in a bubble, with a queue.
func inBubble(t *testing.T, c Config, f func(t *testing.T, b *Broker, e *Entity)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := New()
		defer b.Close()
		if err := b.Create("q", c); err != nil {
			t.Fatal(err)
		}
		e, _ := b.Entity("q")
		f(t, b, e)
	})
}

// text makes a message with an id.
func text(id string) *amqp.Message {
	m := amqp.NewMessage([]byte(id))
	m.Properties = &amqp.MessageProperties{MessageID: id}
	return m
}

func send(t *testing.T, e *Entity, messages ...*amqp.Message) {
	t.Helper()
	if err := e.Send(messages); err != nil {
		t.Fatal(err)
	}
}

// inbox is a consumer, with what it has got.
type inbox struct {
	*Consumer
	got  []Delivery
	lost error
}

func (in *inbox) listener() Listener {
	return Listener{
		Deliver: func(d Delivery) bool { in.got = append(in.got, d); return true },
		Lost:    func(err error) { in.lost = err },
	}
}

// consume makes a consumer with credit for n messages.
func consume(t *testing.T, e *Entity, n uint32) *inbox {
	t.Helper()
	in := new(inbox)
	var err error
	if in.Consumer, err = e.Consume(false, in.listener()); err != nil {
		t.Fatal(err)
	}
	in.Credit(n)
	return in
}

func isCondition(err error, want string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Condition == want
}

func counts(t *testing.T, b *Broker, want Counts) {
	t.Helper()
	synctest.Wait()
	if got, _ := b.Counts("q"); got != want {
		t.Errorf("the queue has %+v, want %+v", got, want)
	}
}

// locked is how many messages an entity has locked.
func locked(e *Entity) int {
	e.broker.mu.Lock()
	defer e.broker.mu.Unlock()
	return len(e.locks)
}

func TestASmallerWindowOfDuplicates(t *testing.T) {
	inBubble(t, Config{DuplicateDetection: time.Hour}, func(t *testing.T, b *Broker, e *Entity) {
		send(t, e, text("a"))
		if err := b.Update("q", Config{DuplicateDetection: time.Minute}); err != nil {
			t.Fatal(err)
		}
		send(t, e, text("b"))
		time.Sleep(2 * time.Minute)
		send(t, e, text("b"))
		counts(t, b, Counts{Active: 3})
	})
}

func TestSequenceNumbersThatAreGivenTwice(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Broker, e *Entity) {
		later := text("a")
		later.Annotations = amqp.Annotations{annotationScheduled: time.Now().Add(time.Hour)}
		numbers, err := e.Schedule([]*amqp.Message{later})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Cancel([]int64{numbers[0], numbers[0]}); !isCondition(err, BadArgument) {
			t.Errorf("cancelled twice at once: %v", err)
		}
		send(t, e, text("b"))
		in := consume(t, e, 1)
		if err := e.Settle(in.got[0].Token, Settlement{Verdict: Defer}); err != nil {
			t.Fatal(err)
		}
		for _, settled := range []bool{true, false} {
			if _, err := e.Deferred([]int64{2, 2}, settled); !isCondition(err, BadArgument) {
				t.Errorf("received twice at once: %v", err)
			}
		}
		counts(t, b, Counts{Deferred: 1, Scheduled: 1})
	})
}

func TestADeferredMessageExpiresAfterItsLockWasLost(t *testing.T) {
	inBubble(t, Config{DefaultTTL: 10 * time.Minute, DeadLetterOnExpiration: true}, func(t *testing.T, b *Broker, e *Entity) {
		send(t, e, text("a"))
		in := consume(t, e, 1)
		if err := e.Settle(in.got[0].Token, Settlement{Verdict: Defer}); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Deferred([]int64{1}, false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute) // the lock ends
		counts(t, b, Counts{Deferred: 1})
		time.Sleep(9 * time.Minute)
		counts(t, b, Counts{Dead: 1})
	})
}

func TestWhoWaitsHasTheSessionThatLostItsLock(t *testing.T) {
	inBubble(t, Config{Sessions: true}, func(t *testing.T, _ *Broker, e *Entity) {
		m, session := text("a"), "s"
		m.Properties.GroupID = &session
		send(t, e, m)
		var first, second inbox
		accept := func(in *inbox) {
			e.AcceptSession(nil, false, time.Hour, in.listener(), func(a *Accepted, err error) {
				if err != nil {
					t.Error(err)
					return
				}
				in.Consumer, a.Credit = a.Consumer, 1
			})
		}
		accept(&first)
		accept(&second)
		if len(first.got) != 1 || second.Consumer != nil {
			t.Fatalf("the first has %d messages", len(first.got))
		}
		e.LoseLocks()
		if !isCondition(first.lost, SessionLockLost) || second.lost != nil || len(second.got) != 1 {
			t.Errorf("the first lost %v, the second %v and has %d messages", first.lost, second.lost, len(second.got))
		}
	})
}

func TestWhatCannotBeDeliveredIsRefused(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Broker, e *Entity) {
		unknown := text("a")
		unknown.ApplicationProperties = map[string]any{"p": struct{}{}}
		if err := e.Send([]*amqp.Message{text("b"), unknown}); !isCondition(err, BadArgument) {
			t.Errorf("sent: %v", err)
		}
		counts(t, b, Counts{})
		send(t, e, text("c"))
		in := consume(t, e, 2)
		if err := e.Settle(in.got[0].Token, Settlement{Verdict: Abandon, Properties: map[string]any{"p": wire.Map{}}}); !isCondition(err, BadArgument) {
			t.Errorf("abandoned: %v", err)
		}
		properties := map[string]any{"s": wire.Symbol("x"), "u": [16]byte{1}, "t": time.Unix(1, 0), "f": 1.5, "n": nil}
		if err := e.Settle(in.got[0].Token, Settlement{Verdict: Abandon, Properties: properties}); err != nil {
			t.Fatal(err)
		}
		var again amqp.Message
		if err := again.UnmarshalBinary(in.got[1].Message); err != nil || again.ApplicationProperties["u"] != (amqp.UUID{1}) || again.ApplicationProperties["s"] != "x" {
			t.Errorf("it came as %v, %v", again.ApplicationProperties, err)
		}
	})
}

func TestNothingMoreComesToAConsumerThatHasEnded(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Broker, e *Entity) {
		send(t, e, text("a"), text("b"))
		n := 0
		c, err := e.Consume(false, Listener{Deliver: func(Delivery) bool { n++; return false }, Lost: func(error) {}})
		if err != nil {
			t.Fatal(err)
		}
		c.Credit(10)
		c.Credit(20)
		if n != 1 {
			t.Errorf("%d deliveries", n)
		}
		counts(t, b, Counts{Active: 2, Locked: 1})
		if other := consume(t, e, 10); len(other.got) != 1 {
			t.Errorf("another has %d", len(other.got))
		}
	})
}

// TestMoments checks that what falls due does so by itself, though nobody calls.
func TestMoments(t *testing.T) {
	minute := func(m *amqp.Message) *amqp.Message {
		m.Header = &amqp.MessageHeader{TTL: time.Minute}
		return m
	}
	tests := []struct {
		name         string
		c            Config
		act          func(t *testing.T, e *Entity)
		after        time.Duration
		before, then Counts
	}{
		{"a message expires", Config{}, func(t *testing.T, e *Entity) { send(t, e, minute(text("a"))) }, time.Minute, Counts{Active: 1}, Counts{}},
		{"an expired message dies", Config{DeadLetterOnExpiration: true}, func(t *testing.T, e *Entity) { send(t, e, minute(text("a"))) }, time.Minute, Counts{Active: 1}, Counts{Dead: 1}},
		{"a lock ends", Config{LockDuration: 30 * time.Second}, func(t *testing.T, e *Entity) {
			send(t, e, text("a"))
			consume(t, e, 1)
		}, 30 * time.Second, Counts{Active: 1, Locked: 1}, Counts{Active: 1}},
		{"the last lock ends", Config{LockDuration: 30 * time.Second, MaxDeliveryCount: 1}, func(t *testing.T, e *Entity) {
			send(t, e, text("a"))
			consume(t, e, 1)
		}, 30 * time.Second, Counts{Active: 1, Locked: 1}, Counts{Dead: 1}},
		{"a locked message outlives its time, and expires then", Config{LockDuration: 90 * time.Second}, func(t *testing.T, e *Entity) {
			send(t, e, minute(text("a")))
			consume(t, e, 1)
		}, 90 * time.Second, Counts{Active: 1, Locked: 1}, Counts{}},
		{"a schedule comes", Config{}, func(t *testing.T, e *Entity) {
			m := text("a")
			m.Annotations = amqp.Annotations{annotationScheduled: time.Now().Add(time.Hour)}
			send(t, e, m)
		}, time.Hour, Counts{Scheduled: 1}, Counts{Active: 1}},
		{"the lock of a dead letter that an operation on the queue let begin", Config{LockDuration: 30 * time.Second, MaxDeliveryCount: 1}, func(t *testing.T, e *Entity) {
			consume(t, e.dead, 1)
			send(t, e, text("a"))
			in := consume(t, e, 1)
			if err := e.Settle(in.got[0].Token, Settlement{Verdict: DeadLetter}); err != nil {
				t.Fatal(err)
			}
			if locked(e.dead) != 1 {
				t.Error("the dead letter was not delivered")
			}
			time.Sleep(30*time.Second - time.Nanosecond)
			if locked(e.dead) != 1 {
				t.Error("the lock of the dead letter ended early")
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if locked(e.dead) != 0 {
				t.Error("the lock of the dead letter did not end")
			}
		}, time.Second, Counts{Dead: 1}, Counts{Dead: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, tt.c, func(t *testing.T, b *Broker, e *Entity) {
				tt.act(t, e)
				time.Sleep(tt.after - time.Nanosecond)
				counts(t, b, tt.before)
				time.Sleep(time.Nanosecond)
				counts(t, b, tt.then)
			})
		})
	}
}

func TestDeletingAQueueEndsItsConsumers(t *testing.T) {
	inBubble(t, Config{Sessions: true}, func(t *testing.T, b *Broker, e *Entity) {
		var waits error
		var in inbox
		giveUp := e.AcceptSession(nil, false, time.Hour, in.listener(), func(_ *Accepted, err error) { waits = err })
		dead := consume(t, e.dead, 1)
		if !b.Delete("q") || b.Delete("q") {
			t.Error("it is not deleted once")
		}
		giveUp()
		dead.Credit(5)
		dead.Close(true)
		if !isCondition(waits, NotFound) || !isCondition(dead.lost, NotFound) {
			t.Errorf("who waited heard %v, and who received %v", waits, dead.lost)
		}
		if err := e.Send([]*amqp.Message{text("a")}); !isCondition(err, NotFound) {
			t.Errorf("sent: %v", err)
		}
		time.Sleep(2 * time.Hour)
	})
}

func TestASessionKeepsItsOrder(t *testing.T) {
	inBubble(t, Config{Sessions: true}, func(t *testing.T, _ *Broker, e *Entity) {
		session := "s"
		for i := range 6 {
			m := text(fmt.Sprint(i))
			m.Properties.GroupID = &session
			send(t, e, m)
		}
		var in inbox
		e.AcceptSession(&session, false, time.Hour, in.listener(), func(a *Accepted, _ error) { in.Consumer, a.Credit = a.Consumer, 4 })
		for _, i := range []int{2, 0, 3, 1} {
			if err := e.Settle(in.got[i].Token, Settlement{Verdict: Release}); err != nil {
				t.Fatal(err)
			}
		}
		in.Credit(10)
		var order []byte
		for _, d := range in.got[4:] {
			order = append(order, body(d.Message)...)
		}
		if !bytes.Equal(order, []byte("012345")) {
			t.Errorf("they came again as %s", order)
		}
	})
}
