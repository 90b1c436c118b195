package runtimetest

import (
	"bytes"
	"fmt"
	"reflect"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// Match is something to ask of a task that was enqueued.
type Match struct {
	want string                       // in words
	not  func(k *Kit, t *sent) string // why t does not match; "" when it does
}

// Args asks for these arguments: those that encode to the same bytes, or decode
// to values that are deeply equal.
func Args[T runtime.Args](want T) Match {
	text := fmt.Sprintf("%+v", want)
	return Match{"args " + driver.CutText(text, maxArgs), func(k *Kit, t *sent) string {
		e, err := read[T](k, t)
		if err != nil {
			return fmt.Sprintf("its args do not decode as %T", want)
		}
		data, err := k.codec.Marshal(want)
		if err == nil && bytes.Equal(data, t.event.Data) || reflect.DeepEqual(e.Args, want) {
			return ""
		}
		return "its args differ"
	}}
}

// Where asks what the arguments are for.
func Where[T runtime.Args](f func(args T) bool) Match {
	return Match{"args for which the function answers true", func(k *Kit, t *sent) string {
		e, err := read[T](k, t)
		switch {
		case err != nil:
			return fmt.Sprintf("its args do not decode as %T", e.Args)
		case !f(e.Args):
			return "the function answers false for its args"
		}
		return ""
	}}
}

// Delay asks for exactly this delay; 0 for none.
func Delay(want time.Duration) Match {
	return equal("delay", want, func(t *sent) time.Duration { return t.delay })
}

// RunAt asks for a task that is due at this time, give or take a second.
func RunAt(want time.Time) Match {
	return Match{"due at " + want.Format(time.RFC3339), func(_ *Kit, t *sent) string {
		due := t.event.Time.Add(t.delay)
		if d := due.Sub(want); d < -time.Second || d > time.Second {
			return "it is due at " + due.In(want.Location()).Format(time.RFC3339)
		}
		return ""
	}}
}

// TTL asks for exactly this time to live; 0 for none.
func TTL(want time.Duration) Match { return equal("ttl", want, (*sent).ttl) }

// ID asks for the task of this id.
func ID(want runtime.TaskID) Match {
	return equal("id", want, func(t *sent) runtime.TaskID { return runtime.TaskID(t.event.ID) })
}

// ToQueue asks for a task that went to the named queue, by a route too.
func ToQueue(want string) Match {
	return equal("queue", want, func(t *sent) string { return t.queue })
}

// Group asks for this key of a group; "" for none.
func Group(want string) Match {
	return equal("group", want, func(t *sent) string { return t.message.GroupKey })
}

// Fairness asks for this fairness key; "" for none.
func Fairness(want string) Match {
	return equal("fairness", want, func(t *sent) string { return t.message.FairnessKey })
}

// Dedup asks for this deduplication key; "" for none. A task that the queue
// dropped as a duplicate does not count as enqueued.
func Dedup(want string) Match {
	return equal("dedup", want, func(t *sent) string { return t.message.DedupKey })
}

// Attribute asks for this value of an attribute.
func Attribute(name, want string) Match {
	return equal("attribute "+name, want, func(t *sent) string { return t.message.Attributes[name] })
}

// equal asks for one value.
func equal[V comparable](name string, want V, of func(*sent) V) Match {
	return Match{name + " " + show(want), func(_ *Kit, t *sent) string {
		if got := of(t); got != want {
			return fmt.Sprintf("its %s is %s", name, show(got))
		}
		return ""
	}}
}

func show(v any) string {
	if reflect.TypeOf(v).Kind() == reflect.String {
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprint(v)
}
