package pubsub_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

func TestSendIsBatched(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		before := e.server.Requests()
		e.send(messages(1000)...)
		if n := e.since(before, "Publish"); n != 1 {
			e.Errorf("%d requests for 1,000 messages; want 1", n)
		}
		large := make([]driver.Message, 5)
		for i := range large {
			large[i].Body = bytes.Repeat([]byte("x"), 4_000_000)
		}
		before = e.server.Requests()
		e.send(large...)
		if n := e.since(before, "Publish"); n != 3 {
			e.Errorf("%d requests for 20 MB; want 3 of at most 10 MB", n)
		}
	})
}

func TestSendRefuses(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		most := e.queue.Capabilities().MaxBody
		attributes := func(n, size int) map[string]string {
			all := make(map[string]string)
			for i := range n {
				all[fmt.Sprintf("name-%d", i)] = strings.Repeat("v", size)
			}
			return all
		}
		body := []byte("x")
		before := e.server.Requests()
		for what, c := range map[string]struct {
			m    driver.Message
			want driver.Code
			says string
		}{
			"a body over 10 MB":       {driver.Message{Body: make([]byte, most+1)}, driver.TooLarge, "claim check"},
			"attributes beside 10 MB": {driver.Message{Body: make([]byte, most), Attributes: attributes(2, 1000)}, driver.TooLarge, "10000000"},
			"an empty body":           {driver.Message{Attributes: attributes(1, 1)}, driver.InvalidArgument, "empty"},
			"99 attributes":           {driver.Message{Body: body, Attributes: attributes(99, 1)}, driver.InvalidArgument, "98"},
			"a value of 1,025 bytes":  {driver.Message{Body: body, Attributes: attributes(1, 1025)}, driver.InvalidArgument, "1024"},
			"a reserved name":         {driver.Message{Body: body, Attributes: map[string]string{"googclient": "x"}}, driver.InvalidArgument, "reserved"},
			"a delay":                 {driver.Message{Body: body, Delay: 1}, driver.Unsupported, "delay"},
			"a group key":             {driver.Message{Body: body, GroupKey: "a"}, driver.Unsupported, "ordered"},
			"a fairness key":          {driver.Message{Body: body, FairnessKey: "a"}, driver.Unsupported, "fairness"},
			"a deduplication key":     {driver.Message{Body: body, DedupKey: "a"}, driver.Unsupported, "idempotent"},
		} {
			e.code(what, e.queue.Send(e.Context(), []driver.Message{c.m})[0].Err, c.want, c.says)
		}
		if n := e.since(before, "Publish"); n != 0 {
			e.Errorf("%d requests; want none", n)
		}
		full := driver.Message{Body: make([]byte, most-200_000), Attributes: attributes(98, 1024), Carry: driver.Carry{FirstError: strings.Repeat("e", 200)}}
		e.send(full)
		got := e.lease(e.queue, 1)[0].Message()
		if len(got.Body) != len(full.Body) || len(got.Attributes) != 98 || got.Carry.FirstError == "" {
			e.Errorf("%d bytes and %d attributes came", len(got.Body), len(got.Attributes))
		}
	})
}

// A topic may refuse one message, such as by its schema, and then refuses the
// request.
func TestAMessageThatTheTopicRefusesFailsAlone(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		batch := messages(100)
		e.server.Fault(pubsubfake.Fault{Op: "Publish", Code: codes.InvalidArgument, Count: 1 + 1 + 1}) // all, the first half, its first half
		failed := 0
		for _, r := range e.queue.Send(e.Context(), batch) {
			if r.Err != nil {
				e.code("send", r.Err, driver.InvalidArgument)
				failed++
			}
		}
		if failed != 0 {
			e.Errorf("%d messages failed", failed)
		}
		got := e.lease(e.queue, 100)
		seen := make(map[string]bool)
		for _, l := range got {
			seen[string(l.Message().Body)] = true
		}
		if len(seen) != 100 {
			e.Errorf("%d messages came; want all 100 once", len(seen))
		}
		e.server.Fault(pubsubfake.Fault{Op: "Publish", Code: codes.InvalidArgument})
		before := e.server.Requests()
		for _, r := range e.queue.Send(e.Context(), messages(1000)) {
			e.code("send", r.Err, driver.InvalidArgument)
		}
		if n := e.since(before, "Publish"); n > 100 {
			e.Errorf("%d requests; want that it gives up", n)
		}
	})
}

// Many that a topic refuses are not all found in one call, and the others are never
// said to be refused.
func TestManyMessagesThatTheTopicRefuses(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		on(t, nil, pubsub.Options{Ordered: ordered}, func(e *env) {
			q := e.through(pubsub.Options{Ordered: ordered}, func(req any) error {
				if in, ok := req.(*pubsubpb.PublishRequest); ok {
					for _, m := range in.GetMessages() {
						if bytes.HasSuffix(m.GetData(), []byte("7")) {
							return status.Error(codes.InvalidArgument, "it does not fit the schema")
						}
					}
				}
				return nil
			})
			todo := messages(1000)
			for i := range todo {
				if ordered {
					todo[i].GroupKey = "a"
				}
			}
			for tries := 0; len(todo) > 0; tries++ {
				if tries == 100 {
					e.Fatalf("%d messages are left", len(todo))
				}
				var again []driver.Message
				for i, r := range q.Send(e.Context(), todo) {
					bad := bytes.HasSuffix(todo[i].Body, []byte("7"))
					switch {
					case driver.Retryable(r.Err):
						again = append(again, todo[i])
					case bad:
						e.code("a bad one", r.Err, driver.InvalidArgument, "schema")
					case r.Err != nil:
						e.Fatalf("%s: %v", todo[i].Body, r.Err)
					}
				}
				todo = again
			}
			last := -1
			for range 900 {
				l := e.lease(q, 1)[0]
				n, err := strconv.Atoi(strings.TrimPrefix(string(l.Message().Body), "message "))
				if err != nil || n%10 == 7 || ordered && n <= last {
					e.Fatalf("message %d came after %d, %v", n, last, err)
				}
				last = n
				e.must(e.settle(q, driver.Settlement{Lease: l, Verdict: driver.Ack}))
			}
			e.must(q.Close(e.Context()))
		})
	}
}

// Pub/Sub refuses a request with several ordering keys.
func TestARequestHasOneOrderingKey(t *testing.T) {
	on(t, nil, pubsub.Options{Ordered: true}, func(e *env) {
		batch := messages(1000)
		for i := range batch {
			batch[i].GroupKey = [...]string{"", "a", "b", "c"}[i%4]
		}
		before := e.server.Requests()
		ids := make(map[string]int)
		for i, r := range e.queue.Send(e.Context(), batch) {
			e.must(r.Err)
			ids[r.ID] = i
		}
		if n := e.since(before, "Publish"); n != 4 || len(ids) != len(batch) {
			e.Errorf("%d requests, %d ids; want a request for each of three keys and one for none", n, len(ids))
		}
		last := make(map[string]int)
		for left := len(batch); left > 0; {
			for _, l := range e.lease(e.queue, 1) {
				m := l.Message()
				i := ids[m.ID]
				if string(batch[i].Body) != string(m.Body) || m.GroupKey != batch[i].GroupKey {
					e.Fatalf("id %q of message %d came with %q of group %q", m.ID, i, m.Body, m.GroupKey)
				}
				if m.GroupKey != "" && i < last[m.GroupKey] {
					e.Errorf("message %d of group %q came after %d", i, m.GroupKey, last[m.GroupKey])
				}
				last[m.GroupKey] = i
				e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Ack}))
				left--
			}
		}
	})
}

func TestAnOrderedSendStopsAtAFailure(t *testing.T) {
	on(t, nil, pubsub.Options{Ordered: true}, func(e *env) {
		batch := make([]driver.Message, 6)
		for i := range batch {
			batch[i] = driver.Message{Body: append(message(i).Body, make([]byte, 4_000_000)...), GroupKey: "a"}
		}
		disarm := e.server.Fault(pubsubfake.Fault{Op: "Publish", Code: codes.Unavailable, Count: 1})
		for i, r := range e.queue.Send(e.Context(), batch) {
			if !driver.Is(r.Err, driver.Unavailable) {
				e.Errorf("item %d: %v; want that nothing passes what failed", i, r.Err)
			}
		}
		disarm()
		e.none("nothing was sent", e.queue)
		e.send(batch...)
		for i := 0; i < len(batch); {
			got, err := e.queue.Receive(e.Context(), driver.ReceiveOptions{Max: 1})
			e.must(err)
			for _, l := range got {
				if !bytes.HasPrefix(l.Message().Body, message(i).Body) {
					e.Fatalf("%.12q came in place %d", l.Message().Body, i)
				}
				e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Ack}))
				i++
			}
		}
	})
}

func TestMessagesOfOtherProducers(t *testing.T) {
	on(t, nil, pubsub.Options{}, func(e *env) {
		for _, m := range []*pubsubpb.PubsubMessage{
			{Attributes: map[string]string{"only": "attributes"}},
			{Data: []byte{0, 0xff}, OrderingKey: "key \u00e9", Attributes: map[string]string{"empty": "", "ce-id": "1", "odd name/": "x"}},
			{Data: []byte("x"), Attributes: map[string]string{driver.AttributeCarry: "not ours", driver.AttributeDeath: "not ours"}},
		} {
			e.publish(m)
			l := e.lease(e.queue, 1)[0]
			got := l.Message()
			if !bytes.Equal(got.Body, m.GetData()) || len(got.Attributes) != len(m.GetAttributes()) {
				e.Errorf("%+v came; want %v", got, m)
			}
			if (got.Defect != nil) != (m.GetAttributes()[driver.AttributeCarry] != "") {
				e.Errorf("defect %v", got.Defect)
			}
			e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "undecodable"}))
			d := e.lease(e.queue.DeadLetter(), 1)[0]
			var native *pubsubpb.ReceivedMessage
			d.As(&native)
			if dead := d.Message(); !bytes.Equal(dead.Body, m.GetData()) || dead.Death == nil || dead.Death.Reason != "undecodable" ||
				native.GetMessage().GetOrderingKey() != m.GetOrderingKey() {
				e.Errorf("dead: %+v, key %q; want %v", dead, native.GetMessage().GetOrderingKey(), m)
			}
			e.must(e.settle(e.queue.DeadLetter(), driver.Settlement{Lease: d, Verdict: driver.Redrive}))
			l = e.lease(e.queue, 1)[0]
			if !bytes.Equal(l.Message().Body, m.GetData()) || l.Message().Death != nil || l.Message().Carry.Redrives != 1 {
				e.Errorf("redriven: %+v; want %v", l.Message(), m)
			}
			e.must(e.settle(e.queue, driver.Settlement{Lease: l, Verdict: driver.Ack}))
		}
	})
}
