package sbfake_test

import (
	"context"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
)

// within bounds a call by what it may take.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// TestSettleAfterACut shows what the client does when the connection is lost between
// receive and settle: a settle of the message hangs, one by its lock token works.
func TestSettleAfterACut(t *testing.T) {
	inBubble(t, sbfake.QueueConfig{LockDuration: 5 * time.Minute}, func(t *testing.T, c *client) {
		c.send("one")
		r := c.receiver(nil)
		m := c.one(r, "one")
		c.server.Cut()
		if err := r.CompleteMessage(within(t, 20*time.Second), m, nil); err == nil {
			t.Error("the client has learned to settle over a new connection: look at the driver's way round it")
		}
		c.check(r.CompleteMessage(within(t, 20*time.Second), &azservicebus.ReceivedMessage{LockToken: m.LockToken}, nil))
		c.counts(sbfake.Counts{})
	})
}

func TestFaults(t *testing.T) {
	refused := sbfake.Fault{Condition: "com.microsoft:message-lock-lost", Status: 410}
	with := func(f sbfake.Fault, change func(*sbfake.Fault)) sbfake.Fault {
		change(&f)
		return f
	}
	tests := []struct {
		name  string
		fault sbfake.Fault
		do    func(t *testing.T, c *client, r *azservicebus.Receiver, m *azservicebus.ReceivedMessage) error
		fails bool
		want  sbfake.Counts // at the end
	}{
		{"a settle is refused", with(refused, func(f *sbfake.Fault) { f.Op = sbfake.OpSettle }), complete, true, sbfake.Counts{Active: 1, Locked: 1}},
		{"a settle takes effect and is refused", with(refused, func(f *sbfake.Fault) { f.Op, f.AfterEffect = sbfake.OpSettle, true }), complete, true, sbfake.Counts{}},
		{"the connection is cut before a settle", sbfake.Fault{Op: sbfake.OpSettle, Cut: true, Count: 1}, complete, true, sbfake.Counts{Active: 1, Locked: 1}},
		{"the connection is cut after a settle", sbfake.Fault{Op: sbfake.OpSettle, Cut: true, Count: 1, AfterEffect: true}, complete, true, sbfake.Counts{}},
		{"a settle is confirmed late", sbfake.Fault{Op: sbfake.OpSettle, Delay: 5 * time.Second}, complete, false, sbfake.Counts{}},
		{"a settle is not confirmed", sbfake.Fault{Op: sbfake.OpSettle, Silent: true}, complete, true, sbfake.Counts{}},
		{"the link is detached before a settle", sbfake.Fault{Op: sbfake.OpSettle, Detach: true, Count: 1}, complete, false, sbfake.Counts{}},
		{"a renew is refused", with(refused, func(f *sbfake.Fault) { f.Op = "renew-lock" }), renew, true, sbfake.Counts{Active: 1, Locked: 1}},
		{"a renew is throttled once", sbfake.Fault{Op: "renew-lock", Count: 1}, renew, false, sbfake.Counts{Active: 1, Locked: 1}},
		{"a renew is not answered", sbfake.Fault{Op: "renew-lock", Silent: true}, renew, true, sbfake.Counts{Active: 1, Locked: 1}},
		{"another queue's renew", sbfake.Fault{Op: "renew-lock", Entity: "other"}, renew, false, sbfake.Counts{Active: 1, Locked: 1}},
		{"a send is cut off after its effect", sbfake.Fault{Op: sbfake.OpSend, Cut: true, Count: 1, AfterEffect: true}, send, false, sbfake.Counts{Active: 3, Locked: 1}},
		{"a send is throttled once", sbfake.Fault{Op: sbfake.OpSend, Count: 1}, send, false, sbfake.Counts{Active: 2, Locked: 1}},
		{"a send's link is detached", sbfake.Fault{Op: sbfake.OpSend, Detach: true, Count: 1}, send, false, sbfake.Counts{Active: 2, Locked: 1}},
		{"a token is refused", sbfake.Fault{Op: sbfake.OpToken, Status: 401}, send, true, sbfake.Counts{Active: 1, Locked: 1}},
		{"an attach is refused", sbfake.Fault{Op: sbfake.OpAttach, Condition: "amqp:unauthorized-access"}, send, true, sbfake.Counts{Active: 1, Locked: 1}},
		{"a delivery is cut off", sbfake.Fault{Op: sbfake.OpDeliver, Cut: true, Count: 1}, deliver, true, sbfake.Counts{Active: 2, Locked: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, sbfake.QueueConfig{LockDuration: 5 * time.Minute}, func(t *testing.T, c *client) {
				c.send("one")
				r := c.receiver(nil)
				m := c.one(r, "one")
				disarm := c.server.Fault(tt.fault)
				err := tt.do(t, c, r, m)
				if (err != nil) != tt.fails {
					t.Errorf("it answers %v, fails is %v", err, tt.fails)
				}
				disarm()
				c.counts(tt.want)
			})
		})
	}
}

func complete(t *testing.T, _ *client, r *azservicebus.Receiver, m *azservicebus.ReceivedMessage) error {
	return r.CompleteMessage(within(t, 30*time.Second), m, nil)
}

func renew(t *testing.T, _ *client, r *azservicebus.Receiver, m *azservicebus.ReceivedMessage) error {
	return r.RenewMessageLock(within(t, 30*time.Second), m, nil)
}

func send(t *testing.T, c *client, _ *azservicebus.Receiver, _ *azservicebus.ReceivedMessage) error {
	return c.sender().SendMessage(within(t, 30*time.Second), &azservicebus.Message{Body: []byte("two")}, nil)
}

// deliver receives another message.
func deliver(t *testing.T, c *client, r *azservicebus.Receiver, _ *azservicebus.ReceivedMessage) error {
	c.send("two")
	_, err := r.ReceiveMessages(within(t, 30*time.Second), 1, nil)
	if err == nil { // (nil, nil) is how the client says that the link broke
		_, err = r.ReceiveMessages(within(t, 30*time.Second), 1, nil)
	}
	return err
}

// TestWhatIsLateForAnotherSession shows that what was delayed does not reach the session
// that has the channel by then: there it would speak of other messages.
func TestWhatIsLateForAnotherSession(t *testing.T) {
	t.Run("delivery", func(t *testing.T) {
		inBubble(t, sbfake.QueueConfig{LockDuration: time.Minute}, func(t *testing.T, c *client) {
			c.server.Fault(sbfake.Fault{Op: sbfake.OpDeliver, Delay: 10 * time.Second, Count: 1})
			c.send("late")
			first := c.receiver(nil)
			if got, err := first.ReceiveMessages(within(t, 5*time.Second), 1, nil); err == nil {
				t.Fatalf("%d messages came in time", len(got))
			}
			c.check(first.Close(t.Context()))
			c.send("other")
			second := c.receiver(nil)
			m := c.one(second, "other")
			if got, err := second.ReceiveMessages(within(t, 20*time.Second), 1, nil); err == nil {
				t.Errorf("%q came to a link that is not the one that it was sent to", got[0].Body)
			}
			c.check(second.CompleteMessage(t.Context(), m, nil))
			c.counts(sbfake.Counts{Active: 1, Locked: 1})
		})
	})
	t.Run("confirmation", func(t *testing.T) {
		inBubble(t, sbfake.QueueConfig{}, func(t *testing.T, c *client) {
			c.server.Fault(sbfake.Fault{Op: sbfake.OpSend, Delay: 10 * time.Second, Count: 1})
			c.server.Fault(sbfake.Fault{Op: sbfake.OpSend, Silent: true})
			first := c.sender()
			if err := first.SendMessage(within(t, 5*time.Second), &azservicebus.Message{}, nil); err == nil {
				t.Fatal("a send was confirmed before its time")
			}
			c.check(first.Close(t.Context()))
			second := c.sender()
			if err := second.SendMessage(within(t, 20*time.Second), &azservicebus.Message{}, nil); err == nil {
				t.Error("a send was confirmed by what was meant for another")
			}
		})
	})
}
