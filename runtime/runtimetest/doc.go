// Package runtimetest is what a program needs to test its tasks: the code that
// enqueues them, their handlers, and what becomes of them over hours of retries,
// without a broker and without waiting.
//
// # Code that enqueues
//
// New makes a [Kit]: a queue in memory with a client on it, which remembers what
// was enqueued. Give the client to the code under test, then ask:
//
//	func TestSignUpSendsAMail(t *testing.T) {
//		kit := runtimetest.New(t, nil)
//
//		err := signUp(t.Context(), kit.Client(), "ann@example.com")
//
//		if err != nil {
//			t.Fatal(err)
//		}
//		runtimetest.RequireEnqueued[SendMail](t, kit,
//			runtimetest.Args(SendMail{To: "ann@example.com"}),
//			runtimetest.Delay(time.Hour))
//		runtimetest.RequireNotEnqueued[ChargeCard](t, kit)
//	}
//
// A [Match] looks at one thing, and is called like the option of Enqueue that
// sets it. Without any, every task of the kind will do. When a test fails it says
// which tasks were enqueued instead, and what did not match.
//
// # What becomes of tasks
//
// [Kit.Drain] runs a worker until every task has come to its end, which is done or
// dead, those that handlers enqueue meanwhile among them. In a testing/synctest
// bubble time is virtual, so that a day of delays and retries passes at once.
// Make the kit in the bubble:
//
//	func TestMailIsTriedForADay(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			kit := runtimetest.New(t, nil)
//			id, err := runtime.Enqueue(t.Context(), kit.Client(), SendMail{To: "ann@example.com"})
//			...
//			kit.Drain(t, mux, nil)
//			for _, a := range kit.Attempts(id) {
//				t.Log(a.Attempt, a.Delivered, a.Verdict, a.Err)
//			}
//		})
//	}
//
// Each [Attempt] says which task it was of, what the handler returned, and what
// became of it. [Kit.Dead] lists the dead letters. A worker of the test's own is
// recorded with [Kit.Record].
//
// # Handlers at once
//
// After [Kit.Inline] Enqueue runs the handler before it returns, and does not wait
// for any delay. That is for tests of code that goes on with what a task did.
package runtimetest
