package pushentry

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
)

// bodies are buffers for envelopes, of which nothing is kept.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const (
	// firstRead is at most what is set aside for a body before any of it has come.
	firstRead = 64 << 10
	// maxPooled is the largest buffer that is kept for another request.
	maxPooled = 1 << 20
)

// read reads a push and checks that it is one of the queue's subscription.
func (q *route) read(w http.ResponseWriter, r *http.Request, limit int64) (push, *answer) {
	if r.ContentLength > limit {
		return push{}, tooLarge(limit)
	}
	buffer := new(bytes.Buffer)
	if !q.unwrapped {
		buffer = bodies.Get().(*bytes.Buffer)
		buffer.Reset()
		defer func() {
			if buffer.Cap() <= maxPooled {
				bodies.Put(buffer)
			}
		}()
	}
	if r.ContentLength > 0 {
		buffer.Grow(int(min(r.ContentLength, firstRead)) + bytes.MinRead)
	}
	if _, err := buffer.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		_, large := errors.AsType[*http.MaxBytesError](err)
		switch {
		case large:
			return push{}, tooLarge(limit)
		case errors.Is(err, os.ErrDeadlineExceeded):
			return push{}, &answer{status: http.StatusRequestTimeout, text: "the body did not come in time"}
		}
		return push{}, malformed("its body did not come in full")
	}
	var p push
	var err error
	if q.unwrapped {
		p, err = decodeUnwrapped(buffer.Bytes(), r.Header, q.attributes)
	} else {
		p, err = decodeEnvelope(buffer.Bytes())
	}
	if err != nil {
		return push{}, malformed(err.Error())
	}
	if n := len(p.subscription); n > maxSubscription {
		return push{}, malformed(fmt.Sprintf("the name of its subscription has %d bytes, more than %d", n, maxSubscription))
	}
	if !q.isOwn(p.subscription) {
		return push{}, malformed(fmt.Sprintf("it is of subscription %q, and queue %q is %q; correct the push endpoint or the queue's URL",
			p.subscription, q.queue.Name, q.subscription))
	}
	return p, nil
}

func tooLarge(limit int64) *answer {
	return &answer{status: http.StatusRequestEntityTooLarge, text: fmt.Sprintf("the body exceeds %d bytes", limit)}
}

func malformed(why string) *answer {
	return &answer{status: http.StatusBadRequest, text: "the request is no push for here: " + why}
}
