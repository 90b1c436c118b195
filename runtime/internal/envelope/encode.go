package envelope

import (
	"encoding/base64"
	"fmt"
	"slices"
	"time"
)

const (
	// frame is what every event has around its members.
	frame = len(`{"specversion":"1.0"}`)
	// quoting is what a member takes beside its name and value.
	quoting = len(`,"":""`)
)

// Append appends e to dst as a structured-mode event. When
// IsJSON(e.DataContentType), Data must be one JSON value in UTF-8, nested at
// most 1,000 deep; it is embedded as it is, without the white space around it.
// Other data is written in base64. Empty data writes no member.
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
	b = appendMember(b, `,"decodedcontenttype":"`, e.DecodedContentType, escaped)
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

func appendMember[T bytestring](b []byte, before string, value T, escaped bool) []byte {
	if len(value) == 0 {
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
	return append(appendRFC3339(b, t), '"')
}

// Payload is what of payload Append would write for its content type: of JSON the
// one value without the white space around it, else all of it. The error is that
// of Append.
func Payload(contentType string, payload []byte) ([]byte, error) {
	if len(payload) == 0 || !IsJSON(contentType) {
		return payload, nil
	}
	return trimJSON(payload)
}

// Size is an upper bound of the bytes that Append adds for e. It means nothing
// for an event that Append refuses.
func Size(e *Event) int {
	length, _, _ := measure(e)
	return length
}

// measure checks all of e but its data.
func measure(e *Event) (length, escapes int, err error) {
	if m := e.missing(); m != unknown {
		return 0, 0, encodeError(m, "it is empty")
	}
	r := ruler{length: frame}
	r.text(id, e.ID)
	r.text(source, e.Source)
	r.text(kind, e.Type)
	r.text(subject, e.Subject)
	r.time(timestamp, e.Time)
	r.time(expiryTime, e.Expiry)
	r.text(partitionKey, e.PartitionKey)
	measureText(&r, traceParent, e.TraceParent)
	r.text(traceState, e.TraceState)
	r.text(dataRef, e.DataRef)
	r.text(decodedContentType, e.DecodedContentType)
	r.text(dataContentType, e.DataContentType)
	if IsJSON(e.DataContentType) {
		r.length += len(`,"data":`) + len(e.Data)
	} else {
		r.length += len(`,"data_base64":""`) + base64.StdEncoding.EncodedLen(len(e.Data))
	}
	return r.length + r.escapes, r.escapes, r.err
}

// ruler adds up what members take and keeps the first error.
type ruler struct {
	length, escapes int
	err             error
}

func (r *ruler) text(m member, value string) { measureText(r, m, value) }

func measureText[T bytestring](r *ruler, m member, value T) {
	if len(value) == 0 {
		return
	}
	r.length += len(m.String()) + quoting + len(value)
	if plainLen(value) == len(value) && len(value) <= maxName {
		return
	}
	escapes, wrong := checkText(value)
	if wrong == "" {
		wrong = checkLimit(m, len(value))
	}
	if wrong != "" && r.err == nil {
		r.err = encodeError(m, wrong)
	}
	r.escapes += escapes
}

func (r *ruler) time(m member, t time.Time) {
	if t.IsZero() {
		return
	}
	if !validYear(t) && r.err == nil {
		r.err = encodeError(m, "its year is not within 1 to 9999")
	}
	r.length += len(m.String()) + quoting + timeLen
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
	s.next()
	start := s.pos
	if !s.value(0) {
		return nil, encodeError(data, fmt.Sprintf("not JSON: at byte %d %s; correct the codec or its content type", s.pos, s.wrong))
	}
	end := s.pos
	if s.next(); s.pos < len(payload) {
		return nil, encodeError(data, fmt.Sprintf("more follows the JSON value at byte %d; correct the codec or its content type", s.pos))
	}
	return payload[start:end], nil
}

func encodeError(m member, wrong string) error {
	return fmt.Errorf("encode event: %s: %s", m, wrong)
}
