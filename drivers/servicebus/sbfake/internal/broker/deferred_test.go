package broker

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestADeferredMessageOfASessionIsReceivedUnderItsLockOnly(t *testing.T) {
	lock := 30 * time.Second
	inBubble(t, Config{Sessions: true, LockDuration: lock}, func(t *testing.T, b *Broker, e *Entity) {
		id := "s"
		m := text("a")
		m.Properties.GroupID = &id
		send(t, e, m)
		in := new(inbox)
		accept := func() {
			e.AcceptSession(&id, false, time.Second, in.listener(), func(a *Accepted, err error) {
				if err != nil {
					t.Fatal(err)
				}
				in.Consumer = a.Consumer
			})
		}
		accept()
		in.Credit(1)
		if err := e.Settle(in.got[0].Token, Settlement{Verdict: Defer}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lock)
		synctest.Wait()
		if _, err := e.Deferred([]int64{1}, false); !isCondition(err, SessionLockLost) {
			t.Errorf("a deferred message without the session's lock: %v, want %s", err, SessionLockLost)
		}
		if n := locked(e); n != 0 {
			t.Errorf("%d locks are there, and none ends", n)
		}
		accept()
		if _, err := e.Deferred([]int64{1}, false); err != nil {
			t.Errorf("a deferred message with the session's lock: %v", err)
		}
		counts(t, b, Counts{Deferred: 1, Locked: 1})
		time.Sleep(lock)
		counts(t, b, Counts{Deferred: 1})
	})
}
