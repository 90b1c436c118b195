package pubsubfake_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// ledger is what workers saw of messages that are numbered within their key.
type ledger struct {
	*testing.T
	mu    sync.Mutex
	acked map[string]int // guarded by mu; acks that succeeded, by key and number
	next  map[string]int // guarded by mu; the lowest number of a key that never came
}

// delivered notes the messages of a Pull, in which no number may come before the
// one below it did.
func (l *ledger) delivered(ms []*pubsubpb.ReceivedMessage, ordered bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := map[string]int{}
	for _, m := range ms {
		key, n := m.GetMessage().GetAttributes()["key"], int(m.GetMessage().GetData()[0])
		if before, again := last[key]; ordered && (n > l.next[key] || again && n <= before) {
			l.Errorf("message %d of key %s came in a Pull after %d; up to %d came before", n, key, before, l.next[key]-1)
		}
		last[key] = n
		l.next[key] = max(l.next[key], n+1)
	}
}

func (l *ledger) ack(m *pubsubpb.ReceivedMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[fmt.Sprint(m.GetMessage().GetAttributes()["key"], m.GetMessage().GetData()[0])]++
}

// TestNothingIsLost has workers acknowledge, nack, extend and forget messages at
// random until all are done.
func TestNothingIsLost(t *testing.T) {
	const keys, each = 6, 30
	profiles := []struct {
		name    string
		opts    pubsubfake.Options
		change  []func(*pubsubpb.Subscription)
		ordered bool
		once    bool
	}{
		{name: "plain"},
		{name: "retry", change: []func(*pubsubpb.Subscription){retry(time.Second, 20*time.Second)}},
		{name: "exactly once", change: []func(*pubsubpb.Subscription){exactlyOnce}, once: true},
		{name: "ordered", change: []func(*pubsubpb.Subscription){ordered}, ordered: true},
		{name: "ordered retry", change: []func(*pubsubpb.Subscription){ordered, retry(time.Second, 20*time.Second)}, ordered: true},
		{name: "ordered batches", opts: pubsubfake.Options{KeepBatch: true}, change: []func(*pubsubpb.Subscription){ordered}, ordered: true},
		{name: "ordered exactly once", change: []func(*pubsubpb.Subscription){ordered, exactlyOnce}, ordered: true, once: true},
	}
	for _, p := range profiles {
		for seed := range uint64(2) {
			t.Run(fmt.Sprint(p.name, " ", seed), func(t *testing.T) {
				bubbleWith(t, &p.opts, func(e *env) {
					e.queue("orders", p.change...)
					for n := range each {
						for key := range keys {
							m := &pubsubpb.PubsubMessage{Data: []byte{byte(n)}, Attributes: map[string]string{"key": fmt.Sprint(key, "/")}}
							if p.ordered {
								m.OrderingKey = fmt.Sprint(key)
							}
							_, err := e.topics.Publish(e.Context(), &pubsubpb.PublishRequest{Topic: topicName("orders"), Messages: []*pubsubpb.PubsubMessage{m}})
							e.must(err)
						}
					}
					l := &ledger{T: t, acked: map[string]int{}, next: map[string]int{}}
					var workers sync.WaitGroup
					for w := range uint64(4) {
						workers.Go(func() { e.work(l, rand.New(rand.NewPCG(seed, w)), p.ordered) })
					}
					workers.Wait()
					e.wantCount("orders", pubsubfake.Count{})
					if len(l.acked) != keys*each {
						t.Errorf("%d messages were acknowledged, want %d", len(l.acked), keys*each)
					}
					for id, n := range l.acked {
						if p.once && n != 1 {
							t.Errorf("message %s was acknowledged %d times", id, n)
						}
					}
				})
			})
		}
	}
}

// work settles messages until none came for a minute. Each worker makes a mistake
// with one message in three, but in the end with none.
func (e *env) work(l *ledger, r *rand.Rand, ordered bool) {
	for round := 0; ; round++ {
		ms, err := e.tryPull("orders", 1+r.Int32N(20), time.Minute)
		if err != nil {
			e.Error(err)
			return
		}
		if len(ms) == 0 {
			return
		}
		l.delivered(ms, ordered)
		for _, m := range ms {
			chance := r.IntN(9)
			if round > 100 {
				chance = 8
			}
			var err error
			switch chance {
			case 0:
				err = e.modack("orders", 0, m)
			case 1: // forgotten
			case 2:
				err = e.modack("orders", 30, m)
				time.Sleep(time.Duration(r.IntN(12)) * time.Second)
			default:
				if err = e.ack("orders", m); err == nil {
					l.ack(m)
				}
			}
			if err != nil && status.Code(err) != codes.InvalidArgument { // exactly once
				e.Error(err)
			}
		}
	}
}
