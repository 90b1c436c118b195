package runtime

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

func TestExponentialDoublesUpToItsLimit(t *testing.T) {
	b := Exponential(time.Second, time.Minute)
	for n, want := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 1000: time.Minute, 100_000: time.Minute,
	} {
		if got := b(n); got != want {
			t.Errorf("attempt %d: %v, want %v", n, got, want)
		}
	}
}

func TestALimitBeyondAFloatIsKept(t *testing.T) {
	if got := Exponential(time.Second, math.MaxInt64)(60); got != math.MaxInt64 {
		t.Errorf("attempt 60: %v, want the limit", got)
	}
}

func TestFullJitterSpreadsEvenly(t *testing.T) {
	p := RetryPolicy{Backoff: Fixed(10 * time.Second)}
	const n = 20_000
	var buckets [10]int
	for i := range n {
		d := p.delay(TaskID(fmt.Sprintf("task-%d", i)), 1+i%5)
		if d < 0 || d >= 10*time.Second {
			t.Fatalf("delay %v", d)
		}
		buckets[d/time.Second]++
	}
	for i, got := range buckets {
		if got < n/10*9/10 || got > n/10*11/10 {
			t.Errorf("%d of %d delays in second %d, want about %d", got, n, i, n/10)
		}
	}
	if a, b := p.delay("x", 1), p.delay("x", 1); a != b {
		t.Errorf("the same attempt is delayed by %v and by %v", a, b)
	}
}

func TestTheCallBackoffGrowsAndIsNeverZero(t *testing.T) {
	for try, longest := range map[int]time.Duration{1: 100 * time.Millisecond, 3: 400 * time.Millisecond, 20: 10 * time.Second} {
		if d := callBackoff(try, "key"); d < longest/2 || d > longest {
			t.Errorf("try %d: %v, want %v to %v", try, d, longest/2, longest)
		}
	}
}

func TestNewTaskIDIsAVersion7UUID(t *testing.T) {
	seen := make(map[TaskID]bool)
	before := TaskID("")
	for range 1000 {
		id := NewTaskID()
		if len(id) != 36 || id[14] != '7' || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' ||
			id[19] != '8' && id[19] != '9' && id[19] != 'a' && id[19] != 'b' {
			t.Fatalf("id %q", id)
		}
		if seen[id] || id[:13] < before[:min(13, len(before))] {
			t.Fatalf("id %q after %q", id, before)
		}
		if err := driver.CheckKey(string(id)); err != nil {
			t.Fatal(err)
		}
		seen[id], before = true, id
	}
}

func TestQueueNames(t *testing.T) {
	for url, want := range map[string]string{
		"mem://orders?hold=3s": "orders", "sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders": "orders",
		"pubsub://PROJECT/orders": "orders", "servicebus:///orders": "orders", "sqs://orders/": "orders",
	} {
		if got := QueueName(url); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}
