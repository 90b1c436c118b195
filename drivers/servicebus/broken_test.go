package servicebus_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/servicebus"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
)

// The client library never settles a message whose connection is gone; its lock token
// does, while the lock lasts.
func TestASettleAfterTheConnectionIsLost(t *testing.T) {
	for _, v := range []driver.Verdict{driver.Ack, driver.Release, driver.Bury} {
		for _, waits := range []bool{false, true} {
			t.Run(fmt.Sprint(v, ", a receiver waits ", waits), func(t *testing.T) {
				on(t, servicebus.Options{}, func(e *env) {
					e.send("x")
					l := e.lease(e.queue)
					within := 4 * time.Second // the first try takes three
					var waiting sync.WaitGroup
					ctx, cancel := context.WithCancel(e.Context())
					if waits { // and so the driver knows that the link is gone
						within = time.Second
						waiting.Go(func() { _, _ = e.queue.Receive(ctx, driver.ReceiveOptions{Max: 1, Wait: time.Hour}) })
						synctest.Wait()
					}
					e.server.Cut()
					time.Sleep(100 * time.Millisecond)
					start := time.Now()
					if waits && v == driver.Release {
						cancel() // or it would lease the message
						waiting.Wait()
					}
					err := e.settle(e.queue, v, l)
					if took := time.Since(start); err != nil || took > within {
						e.Errorf("%v after %v; want nil within %v", err, took, within)
					}
					cancel()
					waiting.Wait()
					time.Sleep(time.Second) // what came for the receiver is given back
					e.counts(map[driver.Verdict]sbfake.Counts{driver.Ack: {}, driver.Release: {Active: 1}, driver.Bury: {Dead: 1}}[v])
				})
			})
		}
	}
}

// A link that breaks while a receiver waits is no empty queue.
func TestALinkThatBreaksWhileAReceiverWaits(t *testing.T) {
	breaks := map[string]func(e *env){
		"cut":    func(e *env) { e.server.Cut() },
		"detach": func(e *env) { e.server.Fault(sbfake.Fault{Op: sbfake.OpDeliver, Detach: true, Count: 1}) },
	}
	for name, breakIt := range breaks {
		t.Run(name, func(t *testing.T) {
			on(t, servicebus.Options{}, func(e *env) {
				e.receive(e.queue, 1, 0)
				var waiting sync.WaitGroup
				var got []driver.Lease
				waiting.Go(func() { got = e.receive(e.queue, 10, 2*time.Minute) })
				time.Sleep(time.Second)
				breakIt(e)
				time.Sleep(time.Second)
				start := time.Now()
				e.send("x")
				waiting.Wait()
				if len(got) != 1 || time.Since(start) > 50*time.Second { // the lock of what was on the way
					e.Fatalf("%d messages came after %v; want 1", len(got), time.Since(start))
				}
				e.ack(e.queue, got[0])
			})
		})
	}
}

func TestABrokerThatIsGoneIsNoEmptyQueue(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		t.Run(fmt.Sprint("sessions ", sessions), func(t *testing.T) {
			on(t, servicebus.Options{Sessions: sessions}, func(e *env) {
				e.receive(e.queue, 1, 0)
				disarm := e.server.Fault(sbfake.Fault{Op: sbfake.OpToken, Cut: true})
				e.server.Cut()
				_, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Wait: time.Minute})
				e.says("receive", err, driver.Unavailable, "")
				disarm()
				e.send("x")
				e.ack(e.queue, e.lease(e.queue))
			})
		})
	}
}

// What comes on credit that nobody uses is not kept, and that is no delivery.
func TestLeftoverCreditStrandsNothing(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		e.send("first")
		e.ack(e.queue, e.receive(e.queue, 100, time.Minute)[0])
		time.Sleep(time.Minute)
		e.send("second")
		time.Sleep(time.Second)
		e.counts(sbfake.Counts{Active: 1})
		if l := e.lease(e.queue); l.Attempt() != 1 {
			e.Errorf("it is attempt %d; want 1", l.Attempt())
		} else {
			e.ack(e.queue, l)
		}
	})
}

// What comes for a receiver that has just gone is for the next.
func TestWhatComesForNobodyIsForTheNext(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		e.send("first")
		e.ack(e.queue, e.receive(e.queue, 100, time.Minute)[0])
		e.send("second") // in the moment in which the link stands
		synctest.Wait()
		before := e.server.Traffic().Dispositions["released"]
		l := e.receive(e.queue, 100, time.Minute)[0]
		if n := e.server.Traffic().Dispositions["released"] - before; n != 0 || l.Attempt() != 1 {
			e.Errorf("it is attempt %d, and %d were given back; want 1 and none", l.Attempt(), n)
		}
		e.ack(e.queue, l)
	})
}

// A message that arrives late has so much less of its lock.
func TestALockThatIsShortOnArrival(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		e.send("at once")
		e.ack(e.queue, e.lease(e.queue))
		e.server.Fault(sbfake.Fault{Op: sbfake.OpDeliver, Delay: 20 * time.Second, Count: 1})
		e.send("late")
		sent := time.Now()
		l := e.lease(e.queue)
		if took := time.Since(sent); took < 20*time.Second {
			e.Fatalf("it came after %v; want 20s", took)
		}
		if end := l.Expires().Sub(sent); end > conformanceHold || end < conformanceHold-6*time.Second {
			e.Errorf("it says that it ends %v after its lock began; want little less than %v", end, conformanceHold)
		}
		e.ack(e.queue, l)
	})
}

// A declared hold that is longer than the queue's own is noticed.
func TestALockThatIsShorterThanDeclared(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		q := e.open(e.clients, "orders", servicebus.Options{Hold: 2 * time.Minute})
		defer e.close(q)
		e.send("x")
		l := e.lease(q)
		if d := l.Expires().Sub(l.Received()); d > conformanceHold {
			e.Errorf("it says that it ends after %v; want at most %v", d, conformanceHold)
		}
		if r := q.Extend(e.Context(), []driver.Lease{l}, 0)[0]; r.Err != nil || time.Until(r.Expires) > conformanceHold {
			e.Errorf("extended it ends after %v, %v; want at most %v", time.Until(r.Expires), r.Err, conformanceHold)
		}
		e.ack(q, l)
	})
}

// A renewal whose answer does not come spoils neither others nor later ones.
func TestARenewalThatIsCutOff(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		e.send("a", "b")
		leases := e.receive(e.queue, 2, time.Minute)
		if len(leases) != 2 {
			e.Fatal("two messages did not come at once")
		}
		e.server.Fault(sbfake.Fault{Op: "renew-lock", Silent: true, Count: 1})
		ctx, cancel := context.WithTimeout(e.Context(), time.Second)
		defer cancel()
		start := time.Now()
		r := e.queue.Extend(ctx, leases[:1], 0)[0]
		e.says("an extend without an answer", r.Err, driver.DeadlineExceeded, "")
		if took := time.Since(start); took != time.Second {
			e.Errorf("it took %v; want 1s", took)
		}
		start = time.Now()
		if r := e.queue.Extend(e.Context(), leases[1:], 0)[0]; r.Err != nil || time.Since(start) > time.Millisecond {
			e.Errorf("another extend meanwhile: %v after %v", r.Err, time.Since(start))
		}
		for range 3 {
			if r := e.queue.Extend(e.Context(), leases[:1], 0)[0]; r.Err != nil {
				e.Errorf("a later extend: %v", r.Err)
			}
		}
		e.ack(e.queue, leases[0])
		e.ack(e.queue, leases[1])
		e.counts(sbfake.Counts{})
	})
}

// An ack that took effect, but whose answer was late, is not undone, and is no lease
// that was lost: the runtime would take back a copy that was sent in its place.
func TestASettleWhoseAnswerIsLate(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		e.send("x")
		l := e.lease(e.queue)
		e.server.Fault(sbfake.Fault{Op: sbfake.OpSettle, Delay: 4 * time.Second, Count: 1})
		e.says("the ack", e.settle(e.queue, driver.Ack, l), driver.Unavailable, "whether this settle took effect is not known")
		e.says("the same again", e.settle(e.queue, driver.Ack, l), driver.LeaseLost, "")
		e.counts(sbfake.Counts{})
	})
}

// A settle whose link is lost after its effect is none either.
func TestASettleWhoseLinkIsLostAfterIt(t *testing.T) {
	for name, f := range map[string]sbfake.Fault{
		"cut":    {Op: sbfake.OpSettle, Cut: true, AfterEffect: true, Count: 1},
		"detach": {Op: sbfake.OpSettle, Detach: true, AfterEffect: true, Count: 1},
		"silent": {Op: sbfake.OpSettle, Silent: true, Count: 1},
	} {
		t.Run(name, func(t *testing.T) {
			on(t, servicebus.Options{}, func(e *env) {
				e.send("x")
				l := e.lease(e.queue)
				e.server.Fault(f)
				if err := e.settle(e.queue, driver.Ack, l); err != nil {
					e.says("the ack", err, driver.Unavailable, "")
				}
				e.says("the same again", e.settle(e.queue, driver.Ack, l), driver.LeaseLost, "")
				e.counts(sbfake.Counts{})
			})
		})
	}
}

// A settle is done, or goes on, whatever becomes of its caller's context.
func TestASettleOutlivesItsContext(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		e.send("x")
		l := e.lease(e.queue)
		e.server.Fault(sbfake.Fault{Op: sbfake.OpSettle, Delay: 2 * time.Second, Count: 1})
		ctx, cancel := context.WithTimeout(e.Context(), time.Second)
		defer cancel()
		err := e.queue.Settle(ctx, []driver.Settlement{{Lease: l, Verdict: driver.Ack}})[0]
		e.says("the ack", err, driver.DeadlineExceeded, "")
		e.says("the same again", e.settle(e.queue, driver.Ack, l), driver.LeaseLost, "was settled")
		e.counts(sbfake.Counts{})
	})
}

// Whatever request is cut off, and whenever: each message is received in the end.
func TestNothingIsLostAtAnyStep(t *testing.T) {
	ops := []string{sbfake.OpToken, sbfake.OpAttach, sbfake.OpDeliver, sbfake.OpSettle, "renew-lock", "update-disposition", "peek-message", "renew-session-lock"}
	for _, sessions := range []bool{false, true} {
		for _, op := range ops {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprint(op, ", after its effect ", after, ", sessions ", sessions), func(t *testing.T) {
					for skip := range 4 {
						on(t, servicebus.Options{Sessions: sessions}, func(e *env) {
							e.survives(sbfake.Fault{Op: op, Cut: true, AfterEffect: after, Skip: skip, Count: 1})
						})
					}
				})
			}
		}
	}
}

// survives does ten messages while a fault strikes.
func (e *env) survives(f sbfake.Fault) {
	const n = 10
	e.send(numbers(n)...)
	e.server.Fault(f)
	kept := make(map[string]bool)
	for end := time.Now().Add(20 * conformanceHold); len(kept) < n && time.Now().Before(end); {
		got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 3, Wait: conformanceHold})
		if err != nil {
			if !driver.Retryable(err) {
				e.Fatalf("%+v: receive: %v", f, err)
			}
			time.Sleep(time.Second)
			continue
		}
		for i, r := range e.queue.Extend(e.Context(), got, 0) {
			if r.Err == nil || driver.Retryable(r.Err) {
				continue
			}
			if !driver.Is(r.Err, driver.LeaseLost) {
				e.Errorf("%+v: extend: %v", f, r.Err)
			}
			got[i] = nil
		}
		for _, l := range got {
			if l == nil {
				continue
			}
			body := string(l.Message().Body)
			switch err := e.settle(e.queue, driver.Ack, l); {
			case err == nil, driver.Is(err, driver.LeaseLost):
				kept[body] = kept[body] || err == nil
			case !driver.Retryable(err):
				e.Errorf("%+v: ack: %v", f, err)
			}
		}
		if c := e.server.Counts("orders"); c.Total() == 0 {
			break // what said LeaseLost had been done
		}
	}
	synctest.Wait()
	if c := e.server.Counts("orders"); c.Dead != 0 || c.Total()+n < n || len(kept)+c.Total() > n || c.Total() != 0 {
		e.Errorf("%+v: %d of %d are done, and the queue has %+v", f, len(kept), n, c)
	}
}

// A queue with sessions that is closed while a request on a lease has no answer waits for
// that in a way that lets time pass, and closes.
func TestASessionIsClosedWhileARenewalHasNoAnswer(t *testing.T) {
	on(t, servicebus.Options{Sessions: true}, func(e *env) {
		e.send("x")
		l := e.lease(e.queue)
		e.server.Fault(sbfake.Fault{Op: "renew-session-lock", Silent: true, Count: 1})
		var renewing sync.WaitGroup
		var err error
		renewing.Go(func() { err = e.queue.Extend(e.Context(), []driver.Lease{l}, 0)[0].Err })
		synctest.Wait()
		start := time.Now()
		e.close(e.queue)
		renewing.Wait()
		if took := time.Since(start); err == nil || took > 30*time.Second {
			e.Errorf("closed after %v, and the renewal answered %v; want an error within 30 s", took, err)
		}
	})
}
