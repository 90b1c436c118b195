package sqs_test

import (
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

func messages(n, size int) []driver.Message {
	batch := make([]driver.Message, n)
	for i := range batch {
		batch[i].Body = body(size, i)
	}
	return batch
}

func TestSendSplitsByBytes(t *testing.T) {
	for size, requests := range map[int]int{100: 1, 100 << 10: 1, 300 << 10: 4, 512 << 10: 5, 600 << 10: 10} {
		on(t, "", nil, func(e *env) {
			before := e.server.Requests()
			results := e.queue.Send(e.Context(), messages(10, size))
			byID := make(map[string]byte)
			for i, r := range results {
				e.must(r.Err)
				byID[r.ID] = '0' + byte(i)
			}
			if got := e.since(before, "SendMessageBatch"); got != requests {
				e.Errorf("10 messages of %d bytes took %d requests; want %d", size, got, requests)
			}
			for len(byID) > 0 {
				for _, l := range e.lease(e.queue, 1) {
					if m := l.Message(); byID[m.ID] != m.Body[0] {
						e.Errorf("id %q was answered for message %c and is that of %c", m.ID, byID[m.ID], m.Body[0])
					} else {
						delete(byID, m.ID)
					}
				}
			}
		})
	}
}

func TestSendSomeFail(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.server.Fault(sqsfake.Fault{Op: "SendMessageBatch", Count: 1, Items: func(i int) bool { return i == 1 }})
		for i, r := range e.queue.Send(e.Context(), messages(3, 10)) {
			if i == 1 {
				e.code("the item that failed", r.Err, driver.Unavailable)
			} else {
				e.must(r.Err)
			}
		}
	})
}

func TestSendAllFail(t *testing.T) {
	for code, want := range map[string]driver.Code{
		sqsfake.Throttled: driver.Throttled, sqsfake.AccessDenied: driver.PermissionDenied, sqsfake.ExpiredToken: driver.PermissionDenied,
		sqsfake.ServiceUnavailable: driver.Unavailable, sqsfake.InternalError: driver.Unavailable, sqsfake.KMSAccessDenied: driver.PermissionDenied,
		sqsfake.ThrottlingException: driver.Throttled, sqsfake.InvalidClientTokenID: driver.PermissionDenied,
	} {
		on(t, "", nil, func(e *env) {
			e.server.Fault(sqsfake.Fault{Op: "SendMessageBatch", Error: code})
			for _, r := range e.queue.Send(e.Context(), messages(2, 10)) {
				e.code(code, r.Err, want)
			}
			if n := e.server.Requests()["SendMessageBatch"]; n != 1 {
				e.Errorf("%s: %d requests; want 1, as the runtime retries", code, n)
			}
		})
	}
}

func TestSendCountsAttributes(t *testing.T) {
	on(t, "", nil, func(e *env) {
		m := driver.Message{Body: body(1<<20, 0)}
		e.send(m)
		m.Attributes = map[string]string{"a": "b"}
		before := e.server.Requests()
		e.code("a full body with an attribute", e.queue.Send(e.Context(), []driver.Message{m})[0].Err, driver.TooLarge)
		if n := e.since(before, "SendMessageBatch"); n != 0 {
			e.Errorf("%d requests for what is too large; want none", n)
		}
		m.Body = m.Body[:len(m.Body)-len("a")-len("String")-len("b")]
		e.send(m)
	})
}

func TestSendInOrderStopsAtAFailure(t *testing.T) {
	for what, f := range map[string]sqsfake.Fault{
		"a request": {Op: "SendMessageBatch", Error: sqsfake.Throttled, Count: 1},
		"an entry":  {Op: "SendMessageBatch", Error: sqsfake.Throttled, Count: 1, Items: func(i int) bool { return i == 0 }},
	} {
		on(t, ".fifo", nil, func(e *env) {
			batch := messages(4, 600<<10)
			for i := range batch {
				batch[i].GroupKey = "a"
			}
			e.server.Fault(f)
			for _, r := range e.queue.Send(e.Context(), batch) {
				e.code("after "+what+" that failed", r.Err, driver.Throttled)
			}
			if n := e.server.Requests()["SendMessageBatch"]; n != 1 {
				e.Errorf("%d requests; want none after %s that failed", n, what)
			}
		})
	}
}

func TestSendOnFIFOQueue(t *testing.T) {
	on(t, ".fifo", nil, func(e *env) {
		e.code("our own group", e.queue.Send(e.Context(), []driver.Message{{Body: []byte("x"), GroupKey: "longshore-lone-1"}})[0].Err, driver.InvalidArgument)
		e.send(driver.Message{Body: []byte("x"), SendID: strings.Repeat("s", driver.MaxKey)})
		m := e.lease(e.queue, 1)[0].Message()
		if m.GroupKey != "" || m.SendID != strings.Repeat("s", driver.MaxKey) {
			e.Errorf("group key %q, send id %q; want none, and the one sent", m.GroupKey, m.SendID)
		}
	})
}

// A server that is gone without a word is noticed.
func TestSendGivesUp(t *testing.T) {
	on(t, "", nil, func(e *env) {
		e.server.Fault(sqsfake.Fault{Op: "SendMessageBatch", Count: 1, Delay: time.Hour})
		start := time.Now()
		e.code("no answer", e.queue.Send(e.Context(), messages(1, 10))[0].Err, driver.Unavailable)
		if d := time.Since(start); d != 15*time.Second {
			e.Errorf("it took %v to notice; want 15s", d)
		}
	})
}
