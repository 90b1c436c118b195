package sbfake_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
)

// client is a client of a server with a queue "orders", in memory.
type client struct {
	*azservicebus.Client
	t      *testing.T
	server *sbfake.Server
}

// inBubble runs f in a bubble, with a client of a new server.
func inBubble(t *testing.T, c sbfake.QueueConfig, f func(t *testing.T, c *client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := sbfake.New(nil)
		defer server.Close()
		if err := server.CreateQueue("orders", c); err != nil {
			t.Fatal(err)
		}
		inner, err := azservicebus.NewClientFromConnectionString(server.ConnectionString(), server.ClientOptions())
		if err != nil {
			t.Fatal(err)
		}
		defer inner.Close(context.WithoutCancel(t.Context()))
		f(t, &client{inner, t, server})
	})
}

func (c *client) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) sender() *azservicebus.Sender {
	c.t.Helper()
	s, err := c.NewSender("orders", nil)
	c.check(err)
	return s
}

func (c *client) receiver(opts *azservicebus.ReceiverOptions) *azservicebus.Receiver {
	c.t.Helper()
	r, err := c.NewReceiverForQueue("orders", opts)
	c.check(err)
	return r
}

func (c *client) dead() *azservicebus.Receiver {
	return c.receiver(&azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
}

func (c *client) send(bodies ...string) {
	c.t.Helper()
	s := c.sender()
	defer s.Close(c.t.Context())
	for _, b := range bodies {
		c.check(s.SendMessage(c.t.Context(), &azservicebus.Message{Body: []byte(b)}, nil))
	}
}

type receiver interface {
	ReceiveMessages(context.Context, int, *azservicebus.ReceiveMessagesOptions) ([]*azservicebus.ReceivedMessage, error)
}

// receive receives the n messages that there are, or what comes within a second.
func (c *client) receive(r receiver, n int) []*azservicebus.ReceivedMessage {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Second)
	defer cancel()
	var all []*azservicebus.ReceivedMessage
	for len(all) < n {
		got, err := r.ReceiveMessages(ctx, n-len(all), nil)
		if err != nil {
			break
		}
		all = append(all, got...)
	}
	return all
}

// one receives one message, which must have the body.
func (c *client) one(r receiver, body string) *azservicebus.ReceivedMessage {
	c.t.Helper()
	got := c.receive(r, 1)
	if len(got) != 1 || string(got[0].Body) != body {
		c.t.Fatalf("received %v, want %q", bodies(got), body)
	}
	return got[0]
}

// none receives nothing.
func (c *client) none(r receiver) {
	c.t.Helper()
	if got := c.receive(r, 1); len(got) > 0 {
		c.t.Fatalf("received %v, want nothing", bodies(got))
	}
}

func bodies(messages []*azservicebus.ReceivedMessage) []string {
	all := make([]string, len(messages))
	for i, m := range messages {
		all[i] = string(m.Body)
	}
	return all
}

func (c *client) counts(want sbfake.Counts) {
	c.t.Helper()
	synctest.Wait()
	if got := c.server.Counts("orders"); got != want {
		c.t.Fatalf("the queue has %+v, want %+v", got, want)
	}
}

func isCode(err error, code azservicebus.Code) bool {
	e, ok := errors.AsType[*azservicebus.Error](err)
	return ok && e.Code == code
}

func TestSendReceiveComplete(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
		s := c.sender()
		id, subject := "m1", "s"
		c.check(s.SendMessage(t.Context(), &azservicebus.Message{
			Body: []byte("one"), MessageID: &id, Subject: &subject, ApplicationProperties: map[string]any{"a": "b"},
		}, nil))
		r := c.receiver(nil)
		m := c.one(r, "one")
		if m.MessageID != "m1" || *m.Subject != "s" || m.ApplicationProperties["a"] != "b" || m.DeliveryCount != 1 || *m.SequenceNumber != 1 {
			t.Errorf("received %+v", m)
		}
		if got := time.Until(*m.LockedUntil).Round(time.Second); got != time.Minute {
			t.Errorf("it is locked for %v, want a minute", got)
		}
		c.counts(sbfake.Counts{Active: 1, Locked: 1})
		c.check(r.CompleteMessage(t.Context(), m, nil))
		c.counts(sbfake.Counts{})
		// The client forgets what it has settled, and says yes; by the token it asks.
		if err := r.CompleteMessage(t.Context(), &azservicebus.ReceivedMessage{LockToken: m.LockToken}, nil); !isCode(err, azservicebus.CodeLockLost) {
			t.Errorf("completed again: %v, want the lock lost", err)
		}
	})
}

func TestReceiveAndDelete(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
		c.send("one", "two")
		r := c.receiver(&azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
		if got := c.receive(r, 2); len(got) != 2 {
			t.Fatalf("received %v", bodies(got))
		}
		c.counts(sbfake.Counts{})
	})
}

func TestAbandon(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{MaxDeliveryCount: 3}, func(t *testing.T, c *client) {
		c.send("one", "two")
		r := c.receiver(nil)
		for n := range uint32(3) {
			m := c.one(r, "one")
			if m.DeliveryCount != n+1 {
				t.Errorf("delivery %d counts as %d", n+1, m.DeliveryCount)
			}
			c.check(r.AbandonMessage(t.Context(), m, &azservicebus.AbandonMessageOptions{PropertiesToModify: map[string]any{"n": int64(n)}}))
		}
		c.one(r, "two")
		d := c.one(c.dead(), "one")
		if *d.DeadLetterReason != "MaxDeliveryCountExceeded" || *d.DeadLetterSource != "orders" || d.ApplicationProperties["n"] != int64(2) {
			t.Errorf("the dead letter is %+v", d)
		}
	})
}

func TestLockExpiresAndIsRenewed(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{LockDuration: 30 * time.Second}, func(t *testing.T, c *client) {
		c.send("one")
		r := c.receiver(nil)
		m := c.one(r, "one")
		for range 10 {
			time.Sleep(20 * time.Second)
			c.check(r.RenewMessageLock(t.Context(), m, nil))
			if got := time.Until(*m.LockedUntil).Round(time.Second); got != 30*time.Second {
				t.Fatalf("it is locked for %v", got)
			}
		}
		time.Sleep(31 * time.Second)
		if err := r.RenewMessageLock(t.Context(), m, nil); !isCode(err, azservicebus.CodeLockLost) {
			t.Errorf("renewed after its end: %v", err)
		}
		if err := r.CompleteMessage(t.Context(), m, nil); !isCode(err, azservicebus.CodeLockLost) {
			t.Errorf("completed after its end: %v", err)
		}
		again := c.one(r, "one")
		if again.DeliveryCount != 2 {
			t.Errorf("the second delivery counts as %d", again.DeliveryCount)
		}
		c.check(r.CompleteMessage(t.Context(), again, nil))
	})
}

func TestDeadLetter(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
		c.send("one")
		r := c.receiver(nil)
		reason, description := "permanent", "no such order"
		c.check(r.DeadLetterMessage(t.Context(), c.one(r, "one"), &azservicebus.DeadLetterOptions{
			Reason: &reason, ErrorDescription: &description, PropertiesToModify: map[string]any{"longshore": "x"},
		}))
		c.counts(sbfake.Counts{Dead: 1})
		c.none(r)
		dead := c.dead()
		d := c.one(dead, "one")
		if *d.DeadLetterReason != reason || *d.DeadLetterErrorDescription != description || d.ApplicationProperties["longshore"] != "x" {
			t.Errorf("the dead letter is %+v", d)
		}
		c.check(dead.AbandonMessage(t.Context(), d, nil))
		if d := c.one(dead, "one"); d.DeliveryCount != 1 {
			t.Errorf("a dead letter that comes again counts %d", d.DeliveryCount)
		} else {
			c.check(dead.CompleteMessage(t.Context(), d, nil))
		}
		c.counts(sbfake.Counts{})
	})
}

func TestDefer(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
		c.send("one")
		r := c.receiver(nil)
		m := c.one(r, "one")
		c.check(r.DeferMessage(t.Context(), m, nil))
		c.none(r)
		c.counts(sbfake.Counts{Deferred: 1})
		got, err := r.ReceiveDeferredMessages(t.Context(), []int64{*m.SequenceNumber}, nil)
		c.check(err)
		if len(got) != 1 || string(got[0].Body) != "one" {
			t.Fatalf("received %v", bodies(got))
		}
		c.check(r.RenewMessageLock(t.Context(), got[0], nil))
		c.check(r.CompleteMessage(t.Context(), got[0], nil))
		c.counts(sbfake.Counts{})
	})
}

func TestSchedule(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
		s, r := c.sender(), c.receiver(nil)
		at := time.Now().Add(time.Hour)
		numbers, err := s.ScheduleMessages(t.Context(), []*azservicebus.Message{{Body: []byte("kept")}, {Body: []byte("cancelled")}}, at, nil)
		c.check(err)
		c.check(s.SendMessage(t.Context(), &azservicebus.Message{Body: []byte("by itself"), ScheduledEnqueueTime: &at}, nil))
		c.counts(sbfake.Counts{Scheduled: 3})
		c.check(s.CancelScheduledMessages(t.Context(), numbers[1:], nil))
		if err := s.CancelScheduledMessages(t.Context(), numbers[1:], nil); err == nil {
			t.Error("cancelled twice")
		}
		c.none(r)
		time.Sleep(time.Hour)
		c.one(r, "kept")
		c.one(r, "by itself")
		c.none(r)
	})
}

func TestPeek(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
		c.send("one", "two", "three")
		r := c.receiver(nil)
		c.one(r, "one")
		got, err := r.PeekMessages(t.Context(), 2, nil)
		c.check(err)
		rest, err := r.PeekMessages(t.Context(), 2, nil)
		c.check(err)
		none, err := r.PeekMessages(t.Context(), 2, nil)
		c.check(err)
		if len(got) != 2 || len(rest) != 1 || len(none) != 0 || string(rest[0].Body) != "three" {
			t.Errorf("peeked %v, %v, %v", bodies(got), bodies(rest), bodies(none))
		}
	})
}

func TestTimeToLive(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{DeadLetterOnExpiration: true, DefaultTTL: time.Hour}, func(t *testing.T, c *client) {
		s := c.sender()
		minute := time.Minute
		c.check(s.SendMessage(t.Context(), &azservicebus.Message{Body: []byte("short"), TimeToLive: &minute}, nil))
		c.check(s.SendMessage(t.Context(), &azservicebus.Message{Body: []byte("long")}, nil))
		time.Sleep(time.Minute)
		c.counts(sbfake.Counts{Active: 1, Dead: 1})
		if d := c.one(c.dead(), "short"); *d.DeadLetterReason != "TTLExpiredException" {
			t.Errorf("it died of %q", *d.DeadLetterReason)
		}
		time.Sleep(time.Hour)
		c.counts(sbfake.Counts{Dead: 2})
	})
}

func TestDuplicateDetection(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{DuplicateDetection: time.Minute}, func(t *testing.T, c *client) {
		s, r := c.sender(), c.receiver(nil)
		id := "same"
		send := func() {
			c.check(s.SendMessage(t.Context(), &azservicebus.Message{Body: []byte("one"), MessageID: &id}, nil))
		}
		send()
		send()
		c.check(r.CompleteMessage(t.Context(), c.one(r, "one"), nil))
		send()
		c.none(r)
		time.Sleep(time.Minute)
		send()
		c.one(r, "one")
	})
}

func TestBatchesAndLargeMessages(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
		s, r := c.sender(), c.receiver(nil)
		b, err := s.NewMessageBatch(t.Context(), nil)
		c.check(err)
		for i := range 50 {
			c.check(b.AddMessage(&azservicebus.Message{Body: fmt.Append(nil, i), ApplicationProperties: map[string]any{"i": int64(i)}}, nil))
		}
		c.check(s.SendMessageBatch(t.Context(), b, nil))
		got := c.receive(r, 50)
		if len(got) != 50 {
			t.Fatalf("received %d messages", len(got))
		}
		for i, m := range got {
			if string(m.Body) != fmt.Sprint(i) || m.ApplicationProperties["i"] != int64(i) || m.MessageID == "" {
				t.Errorf("message %d is %q, %v", i, m.Body, m.ApplicationProperties)
			}
			c.check(r.CompleteMessage(t.Context(), m, nil))
		}
		large := bytes.Repeat([]byte("x"), 250<<10)
		c.check(s.SendMessage(t.Context(), &azservicebus.Message{Body: large}, nil))
		if got := c.receive(r, 1); len(got) != 1 || !bytes.Equal(got[0].Body, large) {
			t.Errorf("a large message came as %d messages", len(got))
		}
		if err := s.SendMessage(t.Context(), &azservicebus.Message{Body: append(large, large...)}, nil); !errors.Is(err, azservicebus.ErrMessageTooLarge) {
			t.Errorf("a message that is too large: %v", err)
		}
	})
}

func TestSessions(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{Sessions: true, LockDuration: 30 * time.Second}, func(t *testing.T, c *client) {
		s := c.sender()
		for _, m := range []string{"a1", "b1", "a2"} {
			id := m[:1]
			c.check(s.SendMessage(t.Context(), &azservicebus.Message{Body: []byte(m), SessionID: &id}, nil))
		}
		if err := s.SendMessage(t.Context(), &azservicebus.Message{Body: []byte("no session")}, nil); err == nil {
			t.Error("a message without a session was stored")
		}
		a, err := c.AcceptNextSessionForQueue(t.Context(), "orders", nil)
		c.check(err)
		if a.SessionID() != "a" || time.Until(a.LockedUntil()).Round(time.Second) != 30*time.Second {
			t.Fatalf("accepted %q until %v", a.SessionID(), a.LockedUntil())
		}
		b, err := c.AcceptSessionForQueue(t.Context(), "orders", "b", nil)
		c.check(err)
		short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := c.AcceptNextSessionForQueue(short, "orders", nil); !isCode(err, azservicebus.CodeTimeout) {
			t.Errorf("a third session: %v, want a timeout", err)
		}
		c.check(b.CompleteMessage(t.Context(), c.one(b, "b1"), nil))
		first := c.one(a, "a1")
		c.check(a.SetSessionState(t.Context(), []byte("state"), nil))
		if state, err := a.GetSessionState(t.Context(), nil); err != nil || string(state) != "state" {
			t.Errorf("the state is %q, %v", state, err)
		}
		c.check(a.AbandonMessage(t.Context(), first, nil))
		if first = c.one(a, "a1"); first.DeliveryCount != 2 {
			t.Errorf("it counts %d", first.DeliveryCount)
		}
		for range 5 {
			time.Sleep(20 * time.Second)
			c.check(a.RenewSessionLock(t.Context(), nil))
		}
		c.check(a.CompleteMessage(t.Context(), first, nil))
		c.one(a, "a2")
		c.check(a.Close(t.Context())) // gives a2 back, which does not count
		if a, err = c.AcceptSessionForQueue(t.Context(), "orders", "a", nil); err != nil {
			t.Fatal(err)
		}
		second := c.one(a, "a2")
		if second.DeliveryCount != 1 {
			t.Errorf("after its session was closed it counts %d", second.DeliveryCount)
		}
		time.Sleep(31 * time.Second)
		if err := a.CompleteMessage(t.Context(), second, nil); err == nil {
			t.Error("completed after the session's lock ran out")
		}
		again, err := c.AcceptNextSessionForQueue(t.Context(), "orders", nil)
		c.check(err)
		if second = c.one(again, "a2"); second.DeliveryCount != 2 {
			t.Errorf("after its session's lock ran out it counts %d", second.DeliveryCount)
		}
		c.check(again.CompleteMessage(t.Context(), second, nil))
	})
}

func TestASessionIsWaitedFor(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{Sessions: true}, func(t *testing.T, c *client) {
		accepted := make(chan string, 1)
		go func() {
			s, err := c.AcceptNextSessionForQueue(t.Context(), "orders", nil)
			if err != nil {
				accepted <- err.Error()
				return
			}
			accepted <- s.SessionID()
		}()
		time.Sleep(10 * time.Second)
		id := "a"
		c.check(c.sender().SendMessage(t.Context(), &azservicebus.Message{Body: []byte("a1"), SessionID: &id}, nil))
		if got := <-accepted; got != "a" {
			t.Errorf("accepted %q", got)
		}
	})
}

func TestMissingAndForbidden(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
		s, err := c.NewSender("other", nil)
		c.check(err)
		if err := s.SendMessage(t.Context(), &azservicebus.Message{Body: []byte("x")}, nil); !isCode(err, azservicebus.CodeNotFound) {
			t.Errorf("a queue that is not there: %v", err)
		}
		wrong, err := azservicebus.NewClientFromConnectionString(c.server.ConnectionString()+"x", c.server.ClientOptions())
		c.check(err)
		defer wrong.Close(t.Context())
		if s, err = wrong.NewSender("orders", nil); err != nil {
			t.Fatal(err)
		}
		if err := s.SendMessage(t.Context(), &azservicebus.Message{Body: []byte("x")}, nil); !isCode(err, azservicebus.CodeUnauthorizedAccess) {
			t.Errorf("a wrong key: %v", err)
		}
	})
}

func TestTokensAreRenewedForHours(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
		s, r := c.sender(), c.receiver(nil)
		for range 3 {
			c.check(s.SendMessage(t.Context(), &azservicebus.Message{Body: []byte("x")}, nil))
			c.check(r.CompleteMessage(t.Context(), c.one(r, "x"), nil))
			time.Sleep(2 * time.Hour)
		}
		if n := c.server.Traffic().Connections; n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestOverTCP(t *testing.T) {
	server := sbfake.New(nil)
	defer server.Close()
	if err := server.CreateQueue("orders", sbfake.QueueConfig{}); err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	inner, err := azservicebus.NewClientFromConnectionString(server.ConnectionStringFor(l.Addr().String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{inner, t, server}
	c.send("one")
	r := c.receiver(nil)
	c.check(r.CompleteMessage(t.Context(), c.one(r, "one"), nil))
	if got := server.Counts("orders"); got != (sbfake.Counts{}) {
		t.Errorf("the queue has %+v", got)
	}
	c.check(inner.Close(t.Context()))
	c.check(server.Close())
	if err := <-served; !errors.Is(err, sbfake.ErrServerClosed) {
		t.Errorf("served: %v", err)
	}
}

func TestTheSessionOfALostConnectionComesFree(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{Sessions: true, LockDuration: 30 * time.Second}, func(t *testing.T, c *client) {
		id := "a"
		c.check(c.sender().SendMessage(t.Context(), &azservicebus.Message{Body: []byte("a1"), SessionID: &id}, nil))
		first, err := c.AcceptNextSessionForQueue(t.Context(), "orders", nil)
		c.check(err)
		c.one(first, "a1")
		c.server.Cut()
		start := time.Now()
		ctx := within(t, time.Minute)
		var second *azservicebus.SessionReceiver
		for second == nil && ctx.Err() == nil { // the client says once that its connection is lost
			second, err = c.AcceptNextSessionForQueue(ctx, "orders", nil)
		}
		c.check(err)
		if took := time.Since(start); second.SessionID() != "a" || took > 31*time.Second {
			t.Errorf("after %v session %q came", took, second.SessionID())
		}
		c.one(second, "a1")
	})
}
