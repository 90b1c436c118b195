package envelope

import (
	"encoding/base64"
	"fmt"
	"slices"
	"time"
)

// overhead is more than all the names and punctuation in an event, and its
// specversion.
const overhead = 256

// Append appends e to dst as a structured-mode event: one line of JSON. When
// IsJSON(e.DataContentType), Data must be one JSON value, which is embedded as
// it is, without the white space around it; other data is written in base64.
// Empty data writes no member.
//
// The error says what is wrong with e; then dst is returned unchanged. What
// Append writes is always a valid event.
func Append(dst []byte, e *Event) ([]byte, error) {
	length, escapes, err := measure(e)
	if err != nil {
		return dst, err
	}
	payload := e.Data
	isJSON := IsJSON(e.DataContentType)
	if isJSON && len(payload) > 0 {
		if payload, err = trimJSON(payload); err != nil {
			return dst, err
		}
	}
	escaped := escapes > 0
	b := slices.Grow(dst, length)
	b = append(b, `{"specversion":"1.0","id":"`...)
	b = appendText(b, e.ID, escaped)
	b = append(b, `","source":"`...)
	b = appendText(b, e.Source, escaped)
	b = append(b, `","type":"`...)
	b = appendText(b, e.Type, escaped)
	b = append(b, '"')
	b = appendMember(b, `,"subject":"`, e.Subject, escaped)
	b = appendTime(b, `,"time":"`, e.Time)
	b = appendTime(b, `,"expirytime":"`, e.Expiry)
	b = appendMember(b, `,"partitionkey":"`, e.PartitionKey, escaped)
	b = appendMember(b, `,"traceparent":"`, e.TraceParent, escaped)
	b = appendMember(b, `,"tracestate":"`, e.TraceState, escaped)
	b = appendMember(b, `,"dataref":"`, e.DataRef, escaped)
	b = appendMember(b, `,"datacontenttype":"`, e.DataContentType, escaped)
	switch {
	case len(payload) == 0:
	case isJSON:
		b = append(b, `,"data":`...)
		b = append(b, payload...)
	default:
		b = append(b, `,"data_base64":"`...)
		b = base64.StdEncoding.AppendEncode(b, payload)
		b = append(b, '"')
	}
	return append(b, '}'), nil
}

func appendMember(b []byte, before, value string, escaped bool) []byte {
	if value == "" {
		return b
	}
	b = append(b, before...)
	b = appendText(b, value, escaped)
	return append(b, '"')
}

func appendTime(b []byte, before string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = append(b, before...)
	b = t.UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

// Size is an upper bound of the bytes that Append adds for e. It means nothing
// for an event that Append refuses.
func Size(e *Event) int {
	length, _, _ := measure(e)
	return length
}

// measure checks all of e but its data.
func measure(e *Event) (length, escapes int, err error) {
	length = overhead
	for m := id; m < data; m++ {
		if field := e.text(m); field != nil {
			n, wrong := checkText(*field)
			if wrong == "" && m.limit() > 0 {
				wrong = checkLimit(m, len(*field))
			}
			if wrong != "" {
				return 0, 0, encodeError(m, wrong)
			}
			escapes += n
			length += len(*field)
		}
		if field := e.moment(m); field != nil && !field.IsZero() {
			if !validYear(*field) {
				return 0, 0, encodeError(m, "its year is not within 1 to 9999")
			}
			length += timeLen
		}
	}
	if m := e.missing(); m != unknown {
		return 0, 0, encodeError(m, "it is empty")
	}
	length += escapes
	if IsJSON(e.DataContentType) {
		length += len(e.Data)
	} else {
		length += base64.StdEncoding.EncodedLen(len(e.Data))
	}
	return length, escapes, nil
}

// checkLimit says what is wrong with n bytes in m, or "".
func checkLimit(m member, n int) string {
	if limit := m.limit(); limit > 0 && n > limit {
		return fmt.Sprintf("%d bytes exceed %d", n, limit)
	}
	return ""
}

// trimJSON is the one JSON value in payload.
func trimJSON(payload []byte) ([]byte, error) {
	s := scanner{text: payload}
	s.space()
	start := s.pos
	if !s.value(0) {
		return nil, encodeError(data, fmt.Sprintf("not JSON: at byte %d %s; correct the codec or its content type", s.pos, s.wrong))
	}
	end := s.pos
	if s.space(); s.pos < len(payload) {
		return nil, encodeError(data, fmt.Sprintf("more follows the JSON value at byte %d; correct the codec or its content type", s.pos))
	}
	return payload[start:end], nil
}

func encodeError(m member, wrong string) error {
	return fmt.Errorf("encode event: %s: %s", m, wrong)
}
