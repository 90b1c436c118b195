package lambdaentry

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/longshore-dev/longshore/driver"
)

const eventSource = "aws:sqs"

// source finds the queue of a record. The identifiers of a record are what the answer
// is made of: without them all that is left is to fail the whole batch.
func (h *Handler) source(i int, r *events.SQSMessage) (*source, error) {
	const op = "lambdaentry: invoke"
	switch {
	case r.EventSource != eventSource:
		return nil, invalid(op, "record %d is of event source %q; map the function to a queue of Amazon SQS only", i, driver.CutText(r.EventSource, 100))
	case r.MessageId == "":
		return nil, invalid(op, "record %d has no messageId, so that nothing can be said of it", i)
	case r.ReceiptHandle == "":
		return nil, invalid(op, "record %d has no receiptHandle, so that nothing can be done to it", i)
	}
	// arn:aws:sqs:eu-west-1:123456789012:orders
	parts := strings.Split(r.EventSourceARN, ":")
	s := h.sources[parts[len(parts)-1]]
	if len(parts) != 6 || parts[2] != "sqs" || s == nil {
		return nil, invalid(op, "record %d is of %q; the function has the queues %s", i, driver.CutText(r.EventSourceARN, 200), h.names())
	}
	return s, nil
}

// adopt makes a lease of a record.
func (s *source) adopt(r *events.SQSMessage, now time.Time) driver.Lease {
	m := driver.Message{
		ID: r.MessageId, Body: []byte(r.Body), SendID: r.Attributes["MessageDeduplicationId"],
		GroupKey: r.Attributes["MessageGroupId"], SentAt: milliseconds(r.Attributes["SentTimestamp"]),
	}
	if len(r.MessageAttributes) > 0 {
		m.Attributes = make(map[string]string, len(r.MessageAttributes))
		for name, a := range r.MessageAttributes {
			if a.StringValue != nil {
				m.Attributes[name] = *a.StringValue
			} else {
				m.Attributes[name] = base64.StdEncoding.EncodeToString(a.BinaryValue)
			}
		}
	}
	attempt, err := strconv.Atoi(r.Attributes["ApproximateReceiveCount"])
	if err != nil {
		attempt = 0
	}
	// When Lambda received it is told of the first receive only, and it may have
	// waited for the function since.
	if attempt == 1 {
		if first := milliseconds(r.Attributes["ApproximateFirstReceiveTimestamp"]); !first.IsZero() && first.Before(now) {
			if l := s.adopter.Adopt(r.ReceiptHandle, m, attempt, now.Add(-now.Sub(first))); l.Expires().After(now.Add(time.Second)) {
				return l
			}
		}
	}
	return s.adopter.Adopt(r.ReceiptHandle, m, max(0, attempt), now)
}

// milliseconds is a time of Amazon SQS; the zero time for what is none.
func milliseconds(text string) time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// waited is how many deliveries of a message ended before a run, as far as this
// process has seen them.
func (s *source) waited(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, _ := s.behind.Get(id)
	return n
}

// note remembers that a delivery of a message ended before a run.
func (s *source) note(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, _ := s.behind.Get(id)
	s.behind.Put(id, n+1)
}

// pause has nothing of the queue started for d.
func (s *source) pause(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := time.Now().Add(d); until.After(s.paused) {
		s.paused = until
	}
}

// pausedFor is for how long nothing of the queue is to be started.
func (s *source) pausedFor() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused.IsZero() {
		return 0
	}
	return max(0, time.Until(s.paused))
}

// finish remembers a message that is only to be deleted: it is done, or a copy has taken
// its place. Lambda may fail to delete it.
func (s *source) finish(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind.Remove(id)
	s.done.Put(id, struct{}{})
}

// finished says whether a message is only to be deleted.
func (s *source) finished(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.done.Get(id)
	return ok
}
