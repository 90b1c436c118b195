package sqsfake

import "time"

type deleteMessageIn struct {
	target
	ReceiptHandle string `json:"ReceiptHandle"`
}

type deleteMessageBatchIn struct {
	target
	Entries []deleteEntry `json:"Entries"`
}

type deleteEntry struct {
	identified
	ReceiptHandle string `json:"ReceiptHandle"`
}

type changeVisibilityIn struct {
	target
	ReceiptHandle string `json:"ReceiptHandle"`
	Visibility    *int   `json:"VisibilityTimeout"`
}

type changeVisibilityBatchIn struct {
	target
	Entries []changeEntry `json:"Entries"`
}

type changeEntry struct {
	identified
	ReceiptHandle string `json:"ReceiptHandle"`
	Visibility    *int   `json:"VisibilityTimeout"`
}

func (s *Server) deleteMessage(c *call, in *deleteMessageIn) (*none, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	now := s.now()
	if err := q.delete(in.ReceiptHandle, c.stale(0), now); err != nil {
		return nil, err
	}
	q.wake(now)
	return nil, nil
}

func (s *Server) deleteMessageBatch(c *call, in *deleteMessageBatchIn) (*batchOut[identified], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	now := s.now()
	out, err := batch(s, c, q.name, "DeleteMessageBatchRequestEntry", in.Entries, func(i int, e *deleteEntry) (identified, error) {
		return e.identified, q.delete(e.ReceiptHandle, c.stale(i), now)
	})
	q.wake(now)
	return out, err
}

func (s *Server) changeVisibility(c *call, in *changeVisibilityIn) (*none, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	now := s.now()
	if err := q.change(in.ReceiptHandle, in.Visibility, c.stale(0), now); err != nil {
		return nil, err
	}
	q.wake(now)
	return nil, nil
}

func (s *Server) changeVisibilityBatch(c *call, in *changeVisibilityBatchIn) (*batchOut[identified], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	now := s.now()
	out, err := batch(s, c, q.name, "ChangeMessageVisibilityBatchRequestEntry", in.Entries, func(i int, e *changeEntry) (identified, error) {
		return e.identified, q.change(e.ReceiptHandle, e.Visibility, c.stale(i), now)
	})
	q.wake(now)
	return out, err
}

// find gives the message of a handle, nil when it is in the queue no more, and
// whether the handle is of its last receive.
func (q *queue) find(handle string, now time.Duration) (m *message, current bool, err error) {
	if handle == "" {
		return nil, false, missing("ReceiptHandle")
	}
	r, ok := q.s.parseHandle(handle)
	if !ok {
		return nil, false, failf(codeReceiptHandle, "The input receipt handle %q is not a valid receipt handle.", handle)
	}
	if r.queue != q.uid {
		return nil, false, invalid(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	}
	q.advance(now)
	m = q.messages[r.message]
	return m, m != nil && r.receipt == m.receipt, nil
}

func expired(handle string) error {
	return invalid(handle, "ReceiptHandle", "The receipt handle has expired.")
}

// delete deletes the message of a handle. That it is gone already is no error. A
// standard queue answers no error for a superseded handle either, and keeps the
// message; one whose timeout has ended still deletes there.
func (q *queue) delete(handle string, stale bool, now time.Duration) error {
	m, current, err := q.find(handle, now)
	if err != nil || m == nil {
		return err
	}
	current = current && !stale
	if q.fifo && (!current || m.state != inflight) || current && now-m.received > maxHold {
		return expired(handle)
	}
	if current {
		q.drop(m)
	}
	return nil
}

// change moves the end of the visibility timeout to visibility seconds from now.
func (q *queue) change(handle string, visibility *int, stale bool, now time.Duration) error {
	if visibility == nil {
		return missing("VisibilityTimeout")
	}
	if err := checkVisibility(*visibility); err != nil {
		return err
	}
	m, current, err := q.find(handle, now)
	switch {
	case err != nil:
		return err
	case m == nil:
		return invalid(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	case q.fifo && (!current || stale || m.state != inflight):
		return expired(handle)
	case !current || stale:
		return invalid(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	case m.state != inflight:
		return failf(codeNotInflight, "The specified message isn't in flight.")
	}
	hold := time.Duration(*visibility) * time.Second
	if now-m.received+hold > maxHold {
		return invalid(*visibility, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
	}
	if hold == 0 {
		q.show(m)
	} else {
		q.hide(m, inflight, now+hold)
	}
	return nil
}
