package envelope

import (
	"fmt"
	"strings"

	"github.com/longshore-dev/longshore/driver"
)

// DecodeBinary reads a binary-mode event into e: context attributes from the
// message's attributes, named ce-X, ce_X, cloudEvents_X or cloudEvents:X, the
// content type from content-type or datacontenttype, all in any case; body is
// the data, as it is, and shares its memory. Values are taken as they are,
// without the percent-decoding of the HTTP binding.
//
// isEvent is false, and e is left alone, when no attribute is called
// specversion. The rules for values are those of Decode; an attribute that comes
// under two names with different values is an error. After an error e is left
// as it was.
func DecodeBinary(attributes map[string]string, body []byte, e *Event) (isEvent bool, err error) {
	var values [members]string
	var seen, ambiguous [members]bool
	for name, value := range attributes {
		m := binaryMember(name)
		ambiguous[m] = ambiguous[m] || seen[m] && values[m] != value
		values[m], seen[m] = value, true
	}
	if !seen[specVersion] {
		return false, nil
	}
	event := Event{}
	for m := specVersion; m < data; m++ {
		switch {
		case !seen[m]:
			continue
		case ambiguous[m]:
			return true, binaryError(m, "it comes twice with different values")
		}
		if wrong := event.set(m, values[m]); wrong != "" {
			return true, binaryError(m, wrong)
		}
	}
	if m := event.missing(); m != unknown {
		return true, binaryError(m, "it is missing or empty")
	}
	if len(body) > 0 {
		event.Data = body
	}
	*e = event
	return true, nil
}

// IsBinary says whether attributes make their message an event in binary mode, if its
// body is not one in structured mode: one of them is called specversion. contentType
// is what they say of the body, or "".
func IsBinary(attributes map[string]string) (isEvent bool, contentType string) {
	for name, value := range attributes {
		switch binaryMember(name) {
		case specVersion:
			isEvent = true
		case dataContentType:
			contentType = value
		}
	}
	return isEvent, contentType
}

// BinaryName is the name of a message attribute that stands for the same attribute of
// an event as name does, and that every queue takes; ok is false where name stands for
// none that [DecodeBinary] reads.
func BinaryName(name string) (canonical string, ok bool) {
	switch m := binaryMember(name); m {
	case unknown:
		return "", false
	case dataContentType:
		return "content-type", true
	default:
		return "ce-" + memberNames[m], true
	}
}

// set gives m its value from text, and says what is wrong with it, or "".
func (e *Event) set(m member, value string) (wrong string) {
	if _, wrong = checkText(value); wrong != "" {
		return wrong
	}
	if m == specVersion {
		if value != "1.0" {
			return `only version "1.0" can be read`
		}
		return ""
	}
	if field := e.moment(m); field != nil {
		var ok bool
		if *field, ok = parseTime(value); !ok {
			return "it is not an RFC 3339 time within the years 1 to 9999"
		}
		return ""
	}
	if wrong = checkLimit(m, len(value)); wrong != "" {
		return wrong
	}
	if m == traceParent {
		e.TraceParent = []byte(value)
	} else {
		*e.text(m) = value
	}
	return ""
}

// binaryMember is the attribute that a message attribute's name stands for.
func binaryMember(name string) member {
	if attribute, ok := driver.EventAttribute(name); ok {
		return lookupFold(attribute)
	}
	return unknown
}

// lookupFold is lookup for an attribute's name in any case.
func lookupFold(name string) member {
	for m := specVersion; m < data; m++ {
		if strings.EqualFold(name, memberNames[m]) {
			return m
		}
	}
	return unknown
}

func binaryError(m member, wrong string) error {
	return fmt.Errorf("decode binary event: %s: %s", m, wrong)
}
