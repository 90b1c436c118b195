package sqsfake

import (
	"fmt"
	"time"
)

// outgoing is what SendMessage and an entry of SendMessageBatch have in common.
type outgoing struct {
	Body             *string              `json:"MessageBody"`
	DelaySeconds     *int                 `json:"DelaySeconds"`
	Attributes       map[string]attribute `json:"MessageAttributes"`
	SystemAttributes map[string]attribute `json:"MessageSystemAttributes"`
	DedupID          *string              `json:"MessageDeduplicationId"`
	GroupID          *string              `json:"MessageGroupId"`
}

type sendMessageIn struct {
	target
	outgoing
}

type sendOut struct {
	MessageID           string `json:"MessageId"`
	BodyMD5             string `json:"MD5OfMessageBody"`
	AttributesMD5       string `json:"MD5OfMessageAttributes,omitempty"`
	SystemAttributesMD5 string `json:"MD5OfMessageSystemAttributes,omitempty"`
	SequenceNumber      string `json:"SequenceNumber,omitempty"`
}

type sendMessageBatchIn struct {
	target
	Entries []sendEntry `json:"Entries"`
}

type sendEntry struct {
	identified
	outgoing
}

type sentEntry struct {
	ID string `json:"Id"`
	sendOut
}

func (s *Server) sendMessage(_ *call, in *sendMessageIn) (*sendOut, error) {
	p := prepare(&in.outgoing)
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	now := s.now()
	out, err := q.send(p, now)
	if err != nil {
		return nil, err
	}
	q.wake(now)
	return &out, nil
}

func (s *Server) sendMessageBatch(c *call, in *sendMessageBatchIn) (*batchOut[sentEntry], error) {
	size := 0
	var ps []prepared
	for i := range in.Entries[:min(len(in.Entries), maxBatch)] {
		ps = append(ps, prepare(&in.Entries[i].outgoing))
		size += ps[i].size
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if err := checkBatch("SendMessageBatchRequestEntry", in.Entries); err != nil {
		return nil, err
	}
	if q.fifo {
		if err := q.checkFIFOBatch(ps); err != nil {
			return nil, err
		}
	}
	if size > maxMessage {
		return nil, failf(codeBatchTooLong, "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessage, size)
	}
	now := s.now()
	out, err := batch(s, c, q.name, "SendMessageBatchRequestEntry", in.Entries, func(i int, e *sendEntry) (sentEntry, error) {
		out, err := q.send(ps[i], now)
		return sentEntry{e.ID, out}, err
	})
	q.wake(now)
	return out, err
}

// checkFIFOBatch fails a whole batch of which an entry lacks a group or a dedup
// id, as Amazon SQS does.
func (q *queue) checkFIFOBatch(batch []prepared) error {
	for _, p := range batch {
		if value(p.GroupID) == "" {
			return failf(codeInvalidParameter, "The request must contain the parameter MessageGroupId.")
		}
		if value(p.DedupID) == "" && !q.settings.contentDedup {
			return errNoDedup
		}
	}
	return nil
}

var errNoDedup = &apiError{codeInvalidParameter, "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"}

// prepared is a message whose checks that need no queue are done.
type prepared struct {
	*outgoing
	size      int
	content   content
	systemMD5 string
	err       error
}

func prepare(o *outgoing) prepared {
	p := prepared{outgoing: o, size: sizeOf(value(o.Body), o.Attributes)}
	if p.err = o.check(); p.err != nil {
		return p
	}
	p.content = content{
		id:         newID(),
		body:       *o.Body,
		bodyMD5:    md5Hex(*o.Body),
		attributes: o.Attributes,
		attrsMD5:   md5OfAttributes(o.Attributes),
		group:      value(o.GroupID),
		dedup:      value(o.DedupID),
	}
	if h, ok := o.SystemAttributes["AWSTraceHeader"]; ok {
		p.content.trace = value(h.StringValue)
		p.systemMD5 = md5OfAttributes(o.SystemAttributes)
	}
	return p
}

func (o *outgoing) check() error {
	if err := checkBody(o.Body); err != nil {
		return err
	}
	if err := checkAttributes(o.Attributes); err != nil {
		return err
	}
	for name, a := range o.SystemAttributes {
		if name != "AWSTraceHeader" || a.DataType != "String" {
			return failf(codeInvalidParameter, "Message system attribute name '%s' is invalid or not a String: only AWSTraceHeader is supported.", name)
		}
		if err := a.check(name); err != nil {
			return err
		}
	}
	if d := o.DelaySeconds; d != nil && (*d < 0 || *d > 900) {
		return invalid(*d, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	}
	const allowed = "can only include alphanumeric and punctuation characters. 1 to 128 in length."
	if o.GroupID != nil && !validToken(*o.GroupID) {
		return invalid(*o.GroupID, "MessageGroupId", "MessageGroupId "+allowed)
	}
	if o.DedupID != nil && !validToken(*o.DedupID) {
		return invalid(*o.DedupID, "MessageDeduplicationId", "MessageDeduplicationId "+allowed)
	}
	return nil
}

// send stores a message, or finds that it was sent before.
func (q *queue) send(p prepared, now time.Duration) (sendOut, error) {
	if p.err != nil {
		return sendOut{}, p.err
	}
	if p.size > q.settings.maxSize {
		return sendOut{}, failf(codeInvalidParameter, "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.settings.maxSize)
	}
	delay := q.settings.delay
	if p.DelaySeconds != nil {
		delay = time.Duration(*p.DelaySeconds) * time.Second
	}
	c := &p.content
	var key dedupKey
	if q.fifo {
		if d := p.DelaySeconds; d != nil && *d != 0 {
			return sendOut{}, invalid(*d, "DelaySeconds", "The request include parameter that is not valid for this queue type.")
		}
		delay = q.settings.delay
		if c.group == "" {
			return sendOut{}, missing("MessageGroupId")
		}
		if c.dedup == "" {
			if !q.settings.contentDedup {
				return sendOut{}, errNoDedup
			}
			c.dedup = contentDedupID(c.body)
		}
		key = dedupKey{id: c.dedup}
		if q.settings.dedupScope == scopeGroup {
			key.group = c.group
		}
		if first := q.dedup.find(key, now); first != nil {
			return sent(first, c, p.systemMD5), nil
		}
		c.sequence = q.s.sequence()
		q.dedup.add(key, c, now)
	} else if c.dedup != "" {
		return sendOut{}, invalid(c.dedup, "MessageDeduplicationId", "The request include parameter that is not valid for this queue type.")
	}
	q.add(c, now, now, delay)
	return sent(c, c, p.systemMD5), nil
}

// sent answers with the id of the stored message and the digests of the given
// one.
func sent(stored, given *content, systemMD5 string) sendOut {
	return sendOut{
		MessageID:           stored.id,
		SequenceNumber:      stored.sequence,
		BodyMD5:             given.bodyMD5,
		AttributesMD5:       given.attrsMD5,
		SystemAttributesMD5: systemMD5,
	}
}

// sequence gives the next sequence number, one of 20 digits that grows.
func (s *Server) sequence() string {
	s.sequences++
	return fmt.Sprintf("188%017d", s.sequences)
}
