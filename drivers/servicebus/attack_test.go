package servicebus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/servicebus"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake"
)

// Who has a message of a session whose connection was lost, and which another has done
// meanwhile, is told so: the client library would accept the session again for it.
func TestAnExtendAfterAnotherHasDoneTheSession(t *testing.T) {
	on(t, servicebus.Options{Sessions: true}, func(e *env) {
		other := e.open(e.clients, "orders", servicebus.Options{Sessions: true})
		defer e.close(other)
		e.sendTo("A", "first", "second")
		l := e.lease(e.queue)
		e.server.Cut()
		again := e.lease(other)
		if string(again.Message().Body) != "first" {
			e.Errorf("the other has %q; want first", again.Message().Body)
		}
		e.ack(other, again)
		next := e.lease(other)
		e.ack(other, next)
		time.Sleep(2 * time.Second) // the other gives up the session
		r := e.queue.Extend(e.Context(), []driver.Lease{l}, 0)[0]
		if r.Err == nil {
			e.Error("the lease was extended; want LeaseLost, or no answer")
		}
		for range 3 {
			err := e.settle(e.queue, driver.Ack, l)
			if err == nil {
				e.Fatal("the message was acked")
			}
			if driver.Is(err, driver.LeaseLost) {
				break
			}
		}
		e.counts(sbfake.Counts{})
	})
}

// sendTo sends messages of a group.
func (e *env) sendTo(group string, bodies ...string) {
	e.Helper()
	batch := make([]driver.Message, len(bodies))
	for i, b := range bodies {
		batch[i] = driver.Message{Body: []byte(b), GroupKey: group}
	}
	for _, r := range e.queue.Send(e.Context(), batch) {
		e.must(r.Err)
	}
}

// A declared hold that is longer than the queue's own is noticed with sessions too.
func TestASessionLockThatIsShorterThanDeclared(t *testing.T) {
	on(t, servicebus.Options{Sessions: true}, func(e *env) {
		q := e.open(e.clients, "orders", servicebus.Options{Sessions: true, Hold: 2 * time.Minute})
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

// A message that is buried by its lock token has its death record as any other has.
func TestABuryAfterTheConnectionIsLostKeepsItsRecord(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		for _, r := range e.queue.Send(e.Context(), []driver.Message{{Body: []byte("x"), Attributes: map[string]string{"a": "b"}, Carry: driver.Carry{Attempts: 3}}}) {
			e.must(r.Err)
		}
		l := e.lease(e.queue)
		e.server.Cut()
		err := e.queue.Settle(e.Context(), []driver.Settlement{{Lease: l, Verdict: driver.Bury, Reason: "bad", Detail: "very", Carry: &driver.Carry{Attempts: 4}}})[0]
		e.must(err)
		m := e.lease(e.queue.DeadLetter()).Message()
		if m.Death == nil || m.Death.Reason != "bad" || m.Death.Detail != "very" || m.Carry.Attempts != 4 || m.Attributes["a"] != "b" || string(m.Body) != "x" {
			e.Errorf("the dead letter is %+v, its record %+v", m, m.Death)
		}
	})
}

// A send whose context ends makes no further request, whatever the cause.
func TestASendThatIsCutOffSendsNoMore(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		e.send("first")
		e.ack(e.queue, e.lease(e.queue))
		e.server.Fault(sbfake.Fault{Op: "schedule-message", Delay: 2 * time.Second, Count: 1})
		batch := make([]driver.Message, 20)
		for i := range batch {
			batch[i] = driver.Message{Body: []byte("x"), Delay: time.Duration(i+1) * time.Hour}
		}
		ctx, cancel := context.WithCancelCause(e.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("draining")) })
		for i, r := range e.queue.Send(ctx, batch) {
			e.says(fmt.Sprint("message ", i), r.Err, driver.Canceled, "")
		}
		time.Sleep(time.Minute)
		e.counts(sbfake.Counts{Scheduled: 1})
	})
}

// Links that were lost while nothing happened for hours cost a moment.
func TestAfterHoursOfRest(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		for _, cut := range []bool{false, true} {
			t.Run(fmt.Sprint("sessions ", sessions, ", cut ", cut), func(t *testing.T) {
				on(t, servicebus.Options{Sessions: sessions}, func(e *env) {
					e.send("x")
					e.ack(e.queue, e.lease(e.queue))
					time.Sleep(3 * time.Hour)
					if cut {
						e.server.Cut()
						time.Sleep(time.Hour)
					}
					start := time.Now()
					e.send("y")
					e.ack(e.queue, e.lease(e.queue))
					if took := time.Since(start); took > 2*time.Second {
						e.Errorf("it took %v", took)
					}
				})
			})
		}
	}
}

// A busy session leaves room for another, whose message comes soon.
func TestABusySessionStarvesNoOther(t *testing.T) {
	on(t, servicebus.Options{Sessions: true}, func(e *env) {
		e.sendTo("busy", numbers(400)...)
		e.sendTo("other", "the other")
		start := time.Now()
		for {
			l := e.lease(e.queue) // one at a time
			time.Sleep(100 * time.Millisecond)
			e.ack(e.queue, l)
			if string(l.Message().Body) == "the other" {
				break
			}
		}
		if took := time.Since(start); took > time.Minute {
			e.Errorf("the other session came after %v", took)
		}
	})
}

// Two handles on one queue with sessions keep the order of each, whatever they release.
func TestTwoReceiversKeepTheOrderOfSessions(t *testing.T) {
	on(t, servicebus.Options{Sessions: true}, func(e *env) {
		const groups, each = 6, 20
		for g := range groups {
			e.sendTo(fmt.Sprint("group-", g), numbers(each)...)
		}
		other := e.open(e.clients, "orders", servicebus.Options{Sessions: true})
		defer e.close(other)
		var mu sync.Mutex // guards next and left
		next, left := make(map[string]int), groups*each
		var receiving sync.WaitGroup
		for _, q := range []*servicebus.Queue{e.queue, other} {
			for w := range 3 {
				receiving.Go(func() {
					for n := 0; ; n++ {
						got, err := q.Receive(e.Context(), driver.ReceiveOptions{Max: 2, Wait: 5 * time.Second})
						if err != nil {
							e.Error(err)
							return
						}
						mu.Lock()
						if left == 0 {
							mu.Unlock()
							return
						}
						mu.Unlock()
						for _, l := range got {
							m := l.Message()
							mu.Lock()
							if want := numbers(each)[next[m.GroupKey]]; string(m.Body) != want {
								e.Errorf("%s has %q; want %q", m.GroupKey, m.Body, want)
							}
							mu.Unlock()
							time.Sleep(50 * time.Millisecond)
							if (n+w)%4 == 0 {
								e.must(e.settle(q, driver.Release, l))
								continue
							}
							mu.Lock()
							next[m.GroupKey]++
							left--
							mu.Unlock()
							e.ack(q, l)
						}
					}
				})
			}
		}
		receiving.Wait()
		e.counts(sbfake.Counts{})
	})
}

// Close in the middle of everything ends everything, and leaves nothing leased.
func TestCloseInTheMiddle(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		for after := range 8 {
			on(t, servicebus.Options{Sessions: sessions}, func(e *env) {
				q := e.open(e.clients, "orders", servicebus.Options{Sessions: sessions})
				e.send(numbers(50)...)
				var busy sync.WaitGroup
				for range 5 {
					busy.Go(func() {
						for {
							got, err := q.Receive(e.Context(), driver.ReceiveOptions{Max: 10, Wait: time.Minute})
							if err != nil {
								e.says("receive", err, driver.Closed, "")
								return
							}
							time.Sleep(20 * time.Millisecond) // or time would not pass
							for i, r := range q.Extend(e.Context(), got, 0) {
								if r.Err != nil && !driver.Is(r.Err, driver.Closed) {
									e.Errorf("extend: %v", r.Err)
								}
								if err := e.settle(q, driver.Release, got[i]); err != nil && !driver.Is(err, driver.Closed) {
									e.Errorf("release: %v", err)
								}
							}
						}
					})
				}
				time.Sleep(time.Duration(after*after*3) * time.Millisecond)
				e.close(q)
				busy.Wait()
				if err := q.Close(e.Context()); err != nil {
					e.Errorf("a second close: %v", err)
				}
				synctest.Wait()
				// What a call had leased when it was closed is the caller's, and comes back
				// with its lock.
				time.Sleep(conformanceHold + time.Second)
				e.counts(sbfake.Counts{Active: 50})
			})
		}
	}
}

// Whatever is cut off when a copy is scheduled, taken back, or sent in place of a dead
// letter, no message is lost.
func TestACutSendLosesNothing(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		for _, op := range []string{sbfake.OpSend, "schedule-message", "cancel-scheduled-message", sbfake.OpAttach, sbfake.OpToken} {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprint(op, ", after its effect ", after, ", sessions ", sessions), func(t *testing.T) {
					on(t, servicebus.Options{Sessions: sessions}, func(e *env) {
						e.server.Fault(sbfake.Fault{Op: op, Cut: true, AfterEffect: after, Count: 2})
						sent := make(map[string]bool)
						for i, b := range numbers(6) {
							m := driver.Message{Body: []byte(b)}
							if sessions {
								m.GroupKey = "A"
							}
							if i%2 == 1 {
								m.Delay = time.Minute
							}
							for {
								r := e.queue.Send(e.Context(), []driver.Message{m})[0]
								if r.Err == nil && i == 5 { // taken back
									err := e.queue.Withdraw(e.Context(), r.ID)
									for try := 0; driver.Retryable(err) && try < 5; try++ {
										err = e.queue.Withdraw(e.Context(), r.ID)
									}
									if err != nil && !driver.Is(err, driver.NotFound) {
										e.Errorf("withdraw: %v", err)
									}
									break
								}
								if r.Err == nil {
									sent[b] = true
									break
								}
								if !driver.Retryable(r.Err) {
									e.Fatal(r.Err)
								}
								time.Sleep(time.Second)
							}
						}
						for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); {
							got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 10, Wait: 10 * time.Second})
							if err != nil && !driver.Retryable(err) {
								e.Fatal(err)
							}
							for _, l := range got {
								delete(sent, string(l.Message().Body))
								e.ack(e.queue, l)
							}
						}
						if len(sent) != 0 {
							e.Errorf("%v did not come", sent)
						}
					})
				})
			}
		}
	}
}

// A failure of one item leaves its neighbours alone, and results are in order.
func TestOneItemFailsAlone(t *testing.T) {
	on(t, servicebus.Options{}, func(e *env) {
		const n = 200
		e.send(numbers(n)...)
		var leases []driver.Lease
		for len(leases) < n {
			leases = append(leases, e.receive(e.queue, 100, time.Minute)...)
		}
		for i := 0; i < n; i += 10 {
			e.ack(e.queue, leases[i])
		}
		for i, r := range e.queue.Extend(e.Context(), leases, 0) {
			if lost := driver.Is(r.Err, driver.LeaseLost); lost != (i%10 == 0) || r.Err != nil && !lost {
				e.Errorf("extend %d: %v", i, r.Err)
			}
		}
		batch := make([]driver.Settlement, n)
		for i := range batch {
			batch[i] = driver.Settlement{Lease: leases[i], Verdict: driver.Ack}
			if i%10 == 5 {
				batch[i].Verdict, batch[i].Delay = driver.Release, time.Second
			}
		}
		for i, err := range e.queue.Settle(e.Context(), batch) {
			switch i % 10 {
			case 0:
				e.says(fmt.Sprint("ack ", i), err, driver.LeaseLost, "")
			case 5:
				e.says(fmt.Sprint("release ", i), err, driver.Unsupported, "")
			default:
				e.must(err)
			}
		}
		e.counts(sbfake.Counts{Active: n / 10, Locked: n / 10})
	})
}
