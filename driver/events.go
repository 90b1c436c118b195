package driver

import (
	"maps"
	"slices"
	"strings"
)

// eventPrefixes are how the protocol bindings of CloudEvents 1.0 mark an attribute of
// an event in binary mode, in lower case: HTTP and Pub/Sub, Kafka, and the two forms
// of AMQP.
var eventPrefixes = [...]string{"ce-", "ce_", "cloudevents_", "cloudevents:"}

// EventAttribute is the attribute of an event that a message attribute stands for in
// binary mode, as it is written: "id" for ce-id, ce_id, cloudEvents_id and
// cloudEvents:id in any case, "datacontenttype" for content-type. ok is false for the
// name of any other. Source: the protocol bindings of CloudEvents 1.0.
func EventAttribute(name string) (attribute string, ok bool) {
	if strings.EqualFold(name, "content-type") || strings.EqualFold(name, "datacontenttype") {
		return "datacontenttype", true
	}
	for _, prefix := range eventPrefixes {
		if len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			return name[len(prefix):], true
		}
	}
	return "", false
}

// Expendable are the names of attributes in the order in which a copy that lacks room
// loses them: by name, and last those without which an event in binary mode is none.
func Expendable[V any](attributes map[string]V) []string {
	return slices.SortedFunc(maps.Keys(attributes), func(a, b string) int {
		_, aIsEvent := EventAttribute(a)
		_, bIsEvent := EventAttribute(b)
		if aIsEvent != bIsEvent {
			if bIsEvent {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
}
