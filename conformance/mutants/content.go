package mutants

import (
	"bytes"
	"maps"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
	fq "github.com/longshore-dev/longshore/internal/faultqueue"
)

func contentMutants() []Mutant {
	return []Mutant{
		{Name: "takes an empty body", On: onMem, CaughtBy: by("body-empty", "send-one-bad-item"),
			Break: messages(func(m *driver.Message) {
				if len(m.Body) == 0 {
					m.Body = []byte(" ")
				}
			})},
		{Name: "trims a body", On: onMem, CaughtBy: by("body-text"),
			Break: messages(func(m *driver.Message) { m.Body = bytes.TrimSpace(m.Body) })},
		{Name: "makes every line end a line feed", On: onMem, CaughtBy: by("body-text"),
			Break: messages(func(m *driver.Message) { m.Body = bytes.ReplaceAll(m.Body, []byte("\r\n"), []byte("\n")) })},
		{Name: "replaces what is no text in a body", On: onMem, CaughtBy: by("body-binary"),
			Break: messages(func(m *driver.Message) { m.Body = bytes.ToValidUTF8(m.Body, []byte("\uFFFD")) })},
		{Name: "replaces what the broker cannot take in a body", On: onLimited, CaughtBy: by("body-binary"),
			Break: messages(func(m *driver.Message) { m.Body = []byte(driver.CutText(string(m.Body), len(m.Body)*3)) })},
		{Name: "loses zero bytes on bury", On: onMem, CaughtBy: by("body-binary"),
			Break: settlements(func(_ *fq.Call, v *driver.Settlement) {
				if v.Verdict == driver.Bury && v.Lease != nil {
					v.Lease = fq.Wrap(v.Lease, func(v *fq.View) { v.Message.Body = bytes.ReplaceAll(v.Message.Body, []byte{0}, nil) })
				}
			})},
		{Name: "cuts a body over the limit", On: onMem, CaughtBy: by("body-limit", "send-after-refusal"),
			Break: messages(func(m *driver.Message) { m.Body = m.Body[:min(len(m.Body), 1<<20)] })},
		{Name: "refuses a body at the limit", On: onMem, CaughtBy: by("body-limit"),
			Break: messages(func(m *driver.Message) {
				if len(m.Body) == 1<<20 {
					m.Body = append(bytes.Clone(m.Body), 'x')
				}
			})},
		{Name: "lower-cases attribute names", On: onMem, CaughtBy: by("attribute-characters"),
			Break: messages(func(m *driver.Message) { m.Attributes = rename(m.Attributes, strings.ToLower) })},
		{Name: "trims attribute values", On: onMem, CaughtBy: by("attribute-characters"),
			Break: messages(func(m *driver.Message) { m.Attributes = revalue(m.Attributes, strings.TrimSpace) })},
		{Name: "drops illegal attributes", On: onMem, CaughtBy: by("attribute-refusals"),
			Break: messages(func(m *driver.Message) {
				m.Attributes = maps.Clone(m.Attributes)
				maps.DeleteFunc(m.Attributes, func(name, value string) bool {
					return driver.CheckAttributeName(name) != nil || value == "" || !driver.IsText(value)
				})
			})},
		{Name: "lets applications write reserved attributes", On: onMem, CaughtBy: by("attribute-refusals"),
			Break: messages(func(m *driver.Message) {
				m.Attributes = rename(m.Attributes, func(s string) string { return strings.Replace(s, driver.AttributeCarry, "l", 1) })
			})},
		{Name: "drops attributes over the limit", On: onMem, CaughtBy: by("attribute-limits"),
			Break: messages(func(m *driver.Message) {
				m.Attributes = maps.Clone(m.Attributes)
				for name := range m.Attributes {
					if len(m.Attributes) > 8 {
						delete(m.Attributes, name)
					}
				}
			})},
		{Name: "cuts a long attribute value", On: onMem, CaughtBy: by("attribute-limits"),
			Break: messages(func(m *driver.Message) {
				m.Attributes = revalue(m.Attributes, func(s string) string { return s[:min(len(s), 4096)] })
			})},
		{Name: "cuts a long key", On: onMem, CaughtBy: by("keys"),
			Break: messages(func(m *driver.Message) {
				for _, key := range []*string{&m.SendID, &m.FairnessKey, &m.DedupKey} {
					*key = (*key)[:min(len(*key), driver.MaxKey)]
				}
			})},
		{Name: "cuts a long group key", On: onOrdered, CaughtBy: by("keys"),
			Break: messages(func(m *driver.Message) { m.GroupKey = m.GroupKey[:min(len(m.GroupKey), driver.MaxKey)] })},
		{Name: "drops the fairness key", On: onMem, CaughtBy: by("fairness-key", "send-and-receive"),
			Break: messages(func(m *driver.Message) { m.FairnessKey = "" })},
		{Name: "ignores a fairness key that it cannot keep", On: onLimited, CaughtBy: by("fairness-key"),
			Break: messages(func(m *driver.Message) { m.FairnessKey = "" })},
		{Name: "forgets what a message carries", On: onMem, CaughtBy: by("carry-and-death-travel", "send-and-receive"),
			Break: messages(func(m *driver.Message) { m.Carry = driver.Carry{} })},
		{Name: "forgets the death record of a sent message", On: onMem, CaughtBy: by("carry-and-death-travel"),
			Break: messages(func(m *driver.Message) { m.Death = nil })},
		{Name: "tells another not-before", On: onMem, CaughtBy: by("carry-and-death-travel"),
			Break: views(func(_ *fq.Call, v *fq.View) {
				v.Message.Carry.NotBefore = v.Message.Carry.NotBefore.Add(time.Millisecond)
			})},
		{Name: "shows what it carries among the attributes", On: onMem, CaughtBy: by("carry-and-death-travel"),
			Break: views(func(_ *fq.Call, v *fq.View) { v.Message.Attributes, _ = driver.PackAttributes(v.Message) })},
		{Name: "sends a carry that cannot be encoded without it", On: onMem, CaughtBy: by("carry-refusals"),
			Break: messages(func(m *driver.Message) {
				if _, err := driver.PackAttributes(*m); err != nil {
					m.Carry, m.Death = driver.Carry{}, nil
				}
			})},
	}
}

func rename(all map[string]string, f func(string) string) map[string]string {
	renamed := make(map[string]string)
	for name, value := range all {
		renamed[f(name)] = value
	}
	return renamed
}

func revalue(all map[string]string, f func(string) string) map[string]string {
	changed := make(map[string]string)
	for name, value := range all {
		changed[name] = f(value)
	}
	return changed
}
