package runtime

import (
	"context"
	"encoding/hex"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Trace context in a task: the members traceparent and tracestate of its event, as
// the W3C recommendation "Trace Context" has them.

const (
	traceParentLength = 55
	// maxTraceParent is the most bytes of a traceparent that are looked at: a later
	// version of it may have more members.
	maxTraceParent = 256
	// maxTraceState is the most bytes of a tracestate that travel: as many as the
	// recommendation asks for.
	maxTraceState = 512
	// longTraceState is the length of a member of a tracestate that goes first when
	// there is too much.
	longTraceState = 128
)

// carrier is the trace context of a task. It is a propagation.TextMapCarrier.
type carrier struct {
	parent []byte
	state  string
}

// Get is the value of a member.
func (c *carrier) Get(key string) string {
	switch key {
	case "traceparent":
		return string(c.parent)
	case "tracestate":
		return c.state
	}
	return ""
}

// Set sets a member. Others than these two do not travel.
func (c *carrier) Set(key, value string) {
	switch key {
	case "traceparent":
		c.parent = []byte(value)
	case "tracestate":
		c.state = value
	}
}

// Keys are the members that are there.
func (c *carrier) Keys() []string {
	var keys []string
	for _, key := range []string{"traceparent", "tracestate"} {
		if c.Get(key) != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// inject has tasks travel with the trace context of ctx.
func (s *sending) inject(ctx context.Context, by propagation.TextMapPropagator) {
	if by != nil {
		s.carrier = injectBy(ctx, by)
		return
	}
	sc := trace.SpanContextFromContext(ctx)
	if s.traced = sc.IsValid(); s.traced {
		formatTraceParent(&s.traceParent, sc)
		s.state = formatTraceState(sc.TraceState())
	}
}

// parentOf is the traceparent that t travels with.
func (s *sending) parentOf(t *Outgoing) []byte {
	if !s.traced {
		return s.parent
	}
	t.traceParent = s.traceParent // which may be on the stack
	return t.traceParent[:]
}

// injectBy is what an application's propagator writes. What cannot travel is left out,
// so that the task can.
func injectBy(ctx context.Context, p propagation.TextMapPropagator) carrier {
	c := new(carrier)
	p.Inject(ctx, c)
	if len(c.parent) > maxTraceParent || !visibleASCII(c.parent) {
		return carrier{}
	}
	if len(c.state) > maxTraceState || !visibleASCII(c.state) {
		c.state = ""
	}
	return *c
}

// visibleASCII says whether s has nothing but printable ASCII.
func visibleASCII[T []byte | string](s T) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// extract is the trace context that a task has travelled with; not valid when it has
// none, or one that is not legal.
func (t *Telemetry) extract(c carrier) trace.SpanContext {
	if len(c.parent) == 0 && c.state == "" {
		return trace.SpanContext{}
	}
	if t.options.Propagator == nil {
		return parseTraceContext(c)
	}
	return trace.SpanContextFromContext(t.options.Propagator.Extract(context.Background(), &carrier{c.parent, c.state}))
}

func formatTraceParent(b *[traceParentLength]byte, sc trace.SpanContext) {
	id, span, flags := sc.TraceID(), sc.SpanID(), [1]byte{byte(sc.TraceFlags() & trace.FlagsSampled)}
	copy(b[:], "00-")
	hex.Encode(b[3:], id[:])
	b[35] = '-'
	hex.Encode(b[36:], span[:])
	b[52] = '-'
	hex.Encode(b[53:], flags[:])
}

// formatTraceState is a tracestate in at most maxTraceState bytes. Long members go
// first, then those at the end, which are the oldest.
func formatTraceState(s trace.TraceState) string {
	if s.Len() == 0 {
		return ""
	}
	text := s.String()
	if len(text) <= maxTraceState {
		return text
	}
	type member struct {
		key    string
		length int // with its = and a comma
	}
	var members []member
	size := -1 // one comma fewer than members
	s.Walk(func(key, value string) bool {
		m := member{key, len(key) + len(value) + 2}
		members = append(members, m)
		size += m.length
		return true
	})
	for _, least := range []int{longTraceState + 2, 0} {
		for i := len(members) - 1; i >= 0 && size > maxTraceState; i-- {
			if m := &members[i]; m.length > least {
				s = s.Delete(m.key)
				size -= m.length
				m.length = 0
			}
		}
	}
	return s.String()
}

// parseTraceContext reads a trace context. A tracestate that is not legal is ignored,
// as the recommendation asks.
func parseTraceContext(c carrier) trace.SpanContext {
	p := c.parent
	if len(p) < traceParentLength || len(p) > maxTraceParent || p[2] != '-' || p[35] != '-' || p[52] != '-' {
		return trace.SpanContext{}
	}
	var version, flags [1]byte
	var config trace.SpanContextConfig
	ok := lowerHex(version[:], p[:2]) && lowerHex(config.TraceID[:], p[3:35]) &&
		lowerHex(config.SpanID[:], p[36:52]) && lowerHex(flags[:], p[53:55])
	switch {
	case !ok, version[0] == 0xff:
		return trace.SpanContext{}
	case version[0] == 0 && len(p) != traceParentLength, len(p) > traceParentLength && p[traceParentLength] != '-':
		return trace.SpanContext{}
	}
	config.TraceFlags = trace.TraceFlags(flags[0]) & trace.FlagsSampled
	config.Remote = true
	if c.state != "" {
		if state, err := trace.ParseTraceState(c.state); err == nil {
			config.TraceState = state
		}
	}
	return trace.NewSpanContext(config)
}

// lowerHex decodes s, which must be lower case.
func lowerHex(dst, s []byte) bool {
	var wrong byte
	for i := range dst {
		high, low := hexDigits[s[2*i]], hexDigits[s[2*i+1]]
		wrong |= high | low
		dst[i] = high<<4 | low
	}
	return wrong < 16
}

// hexDigits are the values of lower-case digits, and 255 of what is none.
var hexDigits = func() (table [256]byte) {
	for i := range table {
		table[i] = 0xff
	}
	for i, c := range []byte("0123456789abcdef") {
		table[c] = byte(i)
	}
	return table
}()

var _ propagation.TextMapCarrier = (*carrier)(nil)
