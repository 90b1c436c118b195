package sqsfake

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxHold is the longest visibility timeout, and the longest that a message may
// be hidden after a receive in all (Amazon SQS Developer Guide, "Amazon SQS
// visibility timeout").
const maxHold = 12 * time.Hour

type receiveIn struct {
	target
	Max                  *int     `json:"MaxNumberOfMessages"`
	Wait                 *int     `json:"WaitTimeSeconds"`
	Visibility           *int     `json:"VisibilityTimeout"`
	AttributeNames       []string `json:"AttributeNames"`
	SystemAttributeNames []string `json:"MessageSystemAttributeNames"`
	MessageAttributes    []string `json:"MessageAttributeNames"`
	AttemptID            *string  `json:"ReceiveRequestAttemptId"`
}

type receiveOut struct {
	Messages []receivedMessage `json:"Messages"`
}

type receivedMessage struct {
	MessageID         string               `json:"MessageId"`
	ReceiptHandle     string               `json:"ReceiptHandle"`
	BodyMD5           string               `json:"MD5OfBody"`
	Body              string               `json:"Body"`
	Attributes        map[string]string    `json:"Attributes,omitempty"`
	AttributesMD5     string               `json:"MD5OfMessageAttributes,omitempty"`
	MessageAttributes map[string]attribute `json:"MessageAttributes,omitempty"`
}

func (in *receiveIn) check() error {
	if n := in.Max; n != nil && (*n < 1 || *n > maxBatch) {
		return invalid(*n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
	}
	if n := in.Wait; n != nil && (*n < 0 || *n > 20) {
		return invalid(*n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
	}
	if n := in.Visibility; n != nil {
		if err := checkVisibility(*n); err != nil {
			return err
		}
	}
	if in.AttemptID != nil && !validToken(*in.AttemptID) {
		return invalid(*in.AttemptID, "ReceiveRequestAttemptId", "ReceiveRequestAttemptId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	for _, name := range slices.Concat(in.AttributeNames, in.SystemAttributeNames) {
		if !slices.Contains(systemAttributes, name) {
			return failf(codeInvalidAttributeName, "Unknown Attribute %s.", name)
		}
	}
	return nil
}

func checkVisibility(seconds int) error {
	if seconds < 0 || seconds > int(maxHold/time.Second) {
		return invalid(seconds, "VisibilityTimeout", "VisibilityTimeout must be an integer between 0 and 43200.")
	}
	return nil
}

// receiveMessage answers at once when there are messages, else after the wait, or
// as soon as there is one.
func (s *Server) receiveMessage(c *call, in *receiveIn) (*receiveOut, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	limit := 1
	if in.Max != nil {
		limit = *in.Max
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	wait := q.settings.wait
	if in.Wait != nil {
		wait = time.Duration(*in.Wait) * time.Second
	}
	end := s.now() + wait
	w := &waiter{}
	for {
		now := s.now()
		ms := q.receive(limit, in.Visibility, now)
		if len(ms) > 0 || wait == 0 {
			if len(ms) == 0 && !q.fifo && q.full() {
				return nil, failf(codeOverLimit, "Too many messages in flight for the queue: %d.", s.inflightLimit)
			}
			q.wake(now)
			return s.deliver(q, ms, in), nil
		}
		if now >= end {
			return &receiveOut{Messages: []receivedMessage{}}, nil
		}
		if w.woken == nil {
			w.woken = make(chan struct{}, 1)
		}
		q.wait(w)
		q.wake(now)
		s.mu.Unlock()
		woken := s.pause(c.Context(), w, end)
		s.mu.Lock()
		q.unwait(w, s.now())
		switch {
		case q.deleted:
			return nil, errNoQueue
		case !woken && s.now() < end: // the client or the server has gone
			return nil, errCut
		}
	}
}

func (q *queue) full() bool { return q.count[inflight] >= q.s.inflightLimit }

// receive takes messages for a consumer, at most limit.
func (q *queue) receive(limit int, visibility *int, now time.Duration) []*message {
	q.advance(now)
	hold := q.settings.visibility
	if visibility != nil {
		hold = time.Duration(*visibility) * time.Second
	}
	var got []*message
	for len(got) < limit && !q.full() {
		found := q.next(limit - len(got))
		if len(found) == 0 {
			break
		}
		for _, m := range found {
			if dead := q.deadLetter(m); dead != nil {
				q.bury(m, dead, now)
				continue
			}
			m.receives++
			m.here++
			m.receipt++
			m.received = now
			if m.receives == 1 {
				m.first = now
			}
			q.hide(m, inflight, now+hold)
			got = append(got, m)
		}
	}
	return got
}

// next finds messages that may be received: one, or several of one group.
func (q *queue) next(limit int) []*message {
	if q.fifo {
		return q.take(limit)
	}
	if q.visible.First() == nil {
		return nil
	}
	return []*message{q.visible.First()}
}

func (s *Server) deliver(q *queue, ms []*message, in *receiveIn) *receiveOut {
	names := in.AttributeNames
	if len(in.SystemAttributeNames) > 0 {
		names = in.SystemAttributeNames
	}
	out := &receiveOut{Messages: make([]receivedMessage, 0, len(ms))}
	for _, m := range ms {
		attributes := wanted(m.attributes, in.MessageAttributes)
		digest := m.attrsMD5
		if len(attributes) != len(m.attributes) {
			digest = md5OfAttributes(attributes)
		}
		out.Messages = append(out.Messages, receivedMessage{
			MessageID:         m.id,
			ReceiptHandle:     s.receiptHandle(m, q),
			BodyMD5:           m.bodyMD5,
			Body:              m.body,
			Attributes:        s.system(m, names),
			AttributesMD5:     digest,
			MessageAttributes: attributes,
		})
	}
	return out
}

// wanted picks message attributes by names, "All", ".*" and prefixes like "a.*".
func wanted(attributes map[string]attribute, names []string) map[string]attribute {
	if len(attributes) == 0 || len(names) == 0 {
		return nil
	}
	if slices.Contains(names, "All") || slices.Contains(names, ".*") {
		return attributes
	}
	picked := map[string]attribute{}
	for _, name := range names {
		if a, ok := attributes[name]; ok {
			picked[name] = a
		}
		if prefix, ok := strings.CutSuffix(name, ".*"); ok {
			for n, a := range attributes {
				if strings.HasPrefix(n, prefix) {
					picked[n] = a
				}
			}
		}
	}
	return picked
}

var systemAttributes = []string{
	"All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
	"SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
}

// system gives the system attributes of m that are asked for and that it has.
func (s *Server) system(m *message, names []string) map[string]string {
	if len(names) == 0 {
		return nil
	}
	if slices.Contains(names, "All") {
		names = systemAttributes
	}
	out := make(map[string]string, len(names))
	for _, name := range names {
		var v string
		switch name {
		case "SenderId":
			v = "AIDA00000000000000000"
		case "SentTimestamp":
			v = strconv.FormatInt(s.epoch(m.sent), 10)
		case "ApproximateReceiveCount":
			v = strconv.Itoa(m.receives)
		case "ApproximateFirstReceiveTimestamp":
			v = strconv.FormatInt(s.epoch(m.first), 10)
		case "SequenceNumber":
			v = m.sequence
		case "MessageDeduplicationId":
			v = m.dedup
		case "MessageGroupId":
			v = m.group
		case "AWSTraceHeader":
			v = m.trace
		case "DeadLetterQueueSourceArn":
			v = m.source
		}
		if v != "" {
			out[name] = v
		}
	}
	return out
}
