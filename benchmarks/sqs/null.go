package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// nullServer speaks as much of the protocol of Amazon SQS (AWS JSON 1.0) as a
// worker needs, and costs as little as possible, so that the worker is what is
// measured. It has no queue: a receive is answered at once with tasks that were
// prepared before, under new ids, and every other request with success. It reads
// HTTP by hand: POST requests with a Content-Length. Safe for concurrent use.
type nullServer struct {
	messages []driver.Message
	started  time.Time
	counts   counts
	last     atomic.Uint64 // id that a message got
	receives sync.Map      // *receiveAnswer by the body of the request

	mu      sync.Mutex
	address string            // guarded by mu; of the listener
	open    map[net.Conn]bool // guarded by mu
	closed  bool              // guarded by mu
	conns   sync.WaitGroup
}

// newNullServer makes a server that answers receives with these messages, ten at
// most.
func newNullServer(messages []driver.Message) *nullServer {
	return &nullServer{messages: messages, started: time.Now(), open: make(map[net.Conn]bool)}
}

// Serve answers on l until Close, and then returns http.ErrServerClosed.
func (s *nullServer) Serve(l net.Listener) error {
	s.mu.Lock()
	s.address = l.Addr().String()
	s.mu.Unlock()
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = conn.Close()
			return http.ErrServerClosed
		}
		s.open[conn] = true
		s.conns.Go(func() {
			_ = s.serve(conn) // a client that goes is no failure
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.open, conn)
			_ = conn.Close()
		})
		s.mu.Unlock()
	}
}

// Close ends all connections and waits for what serves them. The listener is
// closed by whoever has opened it.
func (s *nullServer) Close() error {
	s.mu.Lock()
	s.closed = true
	var errs []error
	for conn := range s.open {
		errs = append(errs, conn.Close())
	}
	s.mu.Unlock()
	s.conns.Wait()
	return errors.Join(errs...)
}

// Counts are how many requests there were by operation.
func (s *nullServer) Counts() map[string]opCount { return s.counts.all() }

// serve answers what comes on conn, one request after the other.
func (s *nullServer) serve(conn net.Conn) error {
	r := bufio.NewReaderSize(conn, 64<<10)
	var request, answer, out []byte
	for {
		op, body, err := readRequest(r, request)
		if err != nil {
			return err
		}
		request = body
		status := "200 OK"
		if answer, err = s.answer(answer[:0], op, body); err != nil {
			status = "400 Bad Request"
			answer = fmt.Appendf(answer[:0], `{"__type":"com.amazonaws.sqs#InvalidParameterValue","message":%q}`, err.Error())
		}
		out = append(append(append(out[:0], "HTTP/1.1 "...), status...), "\r\nContent-Type: application/x-amz-json-1.0\r\nDate: "...)
		out = time.Now().UTC().AppendFormat(out, http.TimeFormat)
		out = append(out, "\r\nX-Amzn-Requestid: 00000000-0000-0000-0000-000000000000\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(answer)), 10)
		out = append(append(out, "\r\n\r\n"...), answer...)
		if _, err := conn.Write(out); err != nil {
			return err
		}
	}
}

const (
	maxRequest   = 2 << 20
	targetHeader = "x-amz-target:"
	targetPrefix = "AmazonSQS."
	lengthHeader = "content-length:"
)

// readRequest reads one request into buf, which may grow, and answers the name of
// the operation.
func readRequest(r *bufio.Reader, buf []byte) (op string, body []byte, err error) {
	length := -1
	for line := 0; ; line++ {
		text, err := r.ReadSlice('\n')
		if err != nil {
			return "", nil, err
		}
		if text = bytes.TrimRight(text, "\r\n"); len(text) == 0 && line > 0 {
			break
		}
		if v, ok := header(text, targetHeader); ok {
			op = operation(bytes.TrimPrefix(v, []byte(targetPrefix)))
		} else if v, ok := header(text, lengthHeader); ok {
			if length, err = strconv.Atoi(string(v)); err != nil {
				return "", nil, err
			}
		}
	}
	if length < 0 || length > maxRequest {
		return "", nil, fmt.Errorf("a request of %d bytes is not within 0 to %d", length, maxRequest)
	}
	if cap(buf) < length {
		buf = make([]byte, length)
	}
	body = buf[:length]
	_, err = io.ReadFull(r, body)
	return op, body, err
}

// header is what follows the name in a line that begins with it, in any case.
func header(line []byte, name string) (value []byte, ok bool) {
	if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name):]), true
}

// counts are how many requests there were by operation. It is safe for concurrent
// use.
type counts struct {
	receive, send, remove, change, other opCounter
}

// opCount is how many requests of one operation there were, and of how many
// messages together; messages are 0 where the server does not count them.
type opCount struct{ Requests, Messages int64 }

type opCounter struct{ requests, messages atomic.Int64 }

func (c *opCounter) add(messages int) {
	c.requests.Add(1)
	c.messages.Add(int64(messages))
}

func (c *counts) all() map[string]opCount {
	all := make(map[string]opCount)
	for op, counter := range map[string]*opCounter{
		opReceive: &c.receive, opSend: &c.send, opDelete: &c.remove, opChange: &c.change, "other": &c.other,
	} {
		all[op] = opCount{counter.requests.Load(), counter.messages.Load()}
	}
	return all
}
