package envelope

// own reads the members that Append writes, in its order, for as long as the text
// is what Append writes for plain values: nearly every event comes from there. It
// leaves the rest to the loop of Decode, and false says that this is to start anew.
// old is the event whose strings may be kept.
func (d *decoder) own(old *Event) bool {
	d.versioned = d.take(`{"specversion":"1.0","id":"`)
	if !d.versioned || !d.plain(id, old) ||
		!d.take(`,"source":"`) || !d.plain(source, old) ||
		!d.take(`,"type":"`) || !d.plain(kind, old) {
		return false
	}
	if d.take(`,"time":"`) && !d.plainTime() ||
		d.take(`,"traceparent":"`) && !d.plainTraceParent() ||
		d.take(`,"datacontenttype":"`) && !d.plain(dataContentType, old) {
		return false
	}
	if d.take(`,"data":`) {
		d.next()
		start := d.pos
		if !d.value(0) {
			return false
		}
		d.data = span{start, d.pos}
		d.seen |= 1 << data
	}
	d.seen |= 1 << specVersion
	return true
}

// take goes past s if that is what comes next.
func (d *decoder) take(s string) bool {
	if len(d.text)-d.pos < len(s) || string(d.text[d.pos:d.pos+len(s)]) != s {
		return false
	}
	d.pos += len(s)
	return true
}

// plain reads the string member m, whose opening quotation mark is behind.
func (d *decoder) plain(m member, old *Event) bool {
	raw, ok := d.rest()
	if !ok || checkLimit(m, len(raw)) != "" {
		return false
	}
	field, known := d.event.text(m), old.text(m)
	if string(raw) == *known {
		*field = *known
	} else {
		*field = string(raw)
	}
	d.seen |= 1 << m
	return true
}

func (d *decoder) plainTime() (ok bool) {
	raw, ok := d.rest()
	if ok {
		d.event.Time, ok = parseTime(raw)
		d.seen |= 1 << timestamp
	}
	return ok
}

func (d *decoder) plainTraceParent() bool {
	raw, ok := d.rest()
	d.setTraceParent(raw)
	d.seen |= 1 << traceParent
	return ok
}

// rest is what is left of a string of printable ASCII without escapes; it goes past
// the closing quotation mark.
func (d *decoder) rest() (raw []byte, ok bool) {
	n := plainLen(d.text[d.pos:])
	end := d.pos + n
	if end == len(d.text) || d.text[end] != '"' {
		return nil, false
	}
	raw = d.text[d.pos:end]
	d.pos = end + 1
	return raw, true
}
