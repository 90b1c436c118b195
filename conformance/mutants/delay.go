package mutants

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func delayMutants() []Mutant {
	delay := func(f func(time.Duration) time.Duration) breaker {
		return messages(func(m *driver.Message) { m.Delay = f(m.Delay) })
	}
	none := delay(func(time.Duration) time.Duration { return 0 })
	return []Mutant{
		{Name: "ignores the delay of a send", On: onMem, CaughtBy: by("send-delay", "hop"), Break: none},
		{Name: "delivers a delayed message early", On: onMem, CaughtBy: by("send-delay", "hop"),
			Break: delay(func(d time.Duration) time.Duration { return d * 99 / 100 })},
		{Name: "delivers the delay with the message", On: onMem, CaughtBy: by("send-delay"),
			Break: views(func(_ *fq.Call, v *fq.View) { v.Message.Delay = time.Since(v.Message.SentAt) })},
		{Name: "delivers a delayed message late", On: onMem, CaughtBy: by("send-delay"),
			Break: delay(func(d time.Duration) time.Duration { return d * 101 / 100 })},
		{Name: "delays a whole batch by its shortest delay", On: onMem, CaughtBy: by("send-delay"),
			Break: messagesOf(func(batch []driver.Message) {
				for i := range batch {
					if batch[i].Delay > 0 && len(batch) == 3 {
						batch[i].Delay = batch[2].Delay
					}
				}
			})},
		{Name: "ignores a send delay that it cannot give", On: onLimited, CaughtBy: by("send-delay"), Break: none},
		{Name: "clamps the delay of a send", On: onMem, CaughtBy: by("send-delay-limit"),
			Break: delay(func(d time.Duration) time.Duration { return min(max(d, 0), 24*time.Hour) })},
		{Name: "keeps no delay longer than an hour", On: onMem, CaughtBy: by("send-delay-limit"),
			Break: delay(func(d time.Duration) time.Duration {
				if d <= 24*time.Hour {
					return min(d, time.Hour)
				}
				return d
			})},
		{Name: "takes a negative delay for none", On: onLimited, CaughtBy: by("send-delay-limit"),
			Break: delay(func(d time.Duration) time.Duration { return max(d, 0) })},
		{Name: "swallows the copy of a hop", On: onMem, CaughtBy: by("hop"), Break: swallowHop},
		{Name: "forgets the hops of a copy", On: onMem, CaughtBy: by("hop"),
			Break: messages(func(m *driver.Message) { m.Carry.Hops = min(m.Carry.Hops, 3) })},
	}
}
