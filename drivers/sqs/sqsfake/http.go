package sqsfake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A message of 1 MiB whose every byte JSON escapes to six, and ten such entries
// are no more than this.
const maxRequest = 8 << 20

const contentType = "application/x-amz-json-1.0"

// call is one request on its way through an operation.
type call struct {
	*http.Request
	op    string
	fault *Fault // the fault that strikes it, or nil
}

// handle serves AWS JSON 1.0: the operation in a header, input and output as JSON.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	op, known := operations[name]
	if r.Method != http.MethodPost || !ok || !known {
		s.answer(w, failf(codeUnknownOperation, "The action or operation requested is not known: POST with X-Amz-Target: AmazonSQS.Operation is."), nil)
		return
	}
	body, err := readAll(w, r)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		s.answered[name].Add(1)
		s.answer(w, failf(codeTooLarge, "The request is larger than %d bytes.", maxRequest), nil)
		return
	} else if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	out, err := s.run(&call{Request: r, op: name}, op, body)
	if errors.Is(err, errCut) {
		panic(http.ErrAbortHandler) // net/http's way to close the connection without an answer
	}
	s.answered[name].Add(1)
	s.answer(w, err, out)
}

func readAll(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var buf bytes.Buffer
	if n := r.ContentLength; n > 0 && n <= maxRequest {
		buf.Grow(int(n) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, maxRequest))
	return buf.Bytes(), err
}

// run decodes the input, lets a fault strike, and runs the operation.
func (s *Server) run(c *call, op operation, body []byte) (any, error) {
	in := op.input()
	if err := json.Unmarshal(body, in); err != nil {
		return nil, failf(codeMalformed, "The request is not valid JSON for %s: %v", c.op, err)
	}
	queue := queueOf(in)
	f := s.match(c.op, queue)
	if f == nil {
		return s.apply(c, op, in)
	}
	c.fault = f
	if f.Delay > 0 && !f.AfterEffect {
		if err := s.sleep(c, f.Delay); err != nil {
			return nil, err
		}
	}
	whole := f.Items == nil || f.Cut
	if !f.AfterEffect && whole {
		if err := f.failure(s, c.op, queue); err != nil {
			return nil, err
		}
	}
	out, err := s.apply(c, op, in)
	if f.AfterEffect {
		if f.Delay > 0 {
			if err := s.sleep(c, f.Delay); err != nil {
				return nil, err
			}
		}
		if whole {
			if err := f.failure(s, c.op, queue); err != nil {
				return nil, err
			}
		}
	}
	return out, err
}

func (s *Server) apply(c *call, op operation, in any) (any, error) {
	if region := signedRegion(c.Header.Get("Authorization")); region != "" && region != s.region {
		return nil, errNoQueue
	}
	return op.run(s, c, in)
}

// signedRegion is the region in the credential scope of a signature of version 4;
// empty when there is none. Nothing else of the signature is looked at.
func signedRegion(authorization string) string {
	_, scope, ok := strings.Cut(authorization, "Credential=")
	if !ok {
		return ""
	}
	parts := strings.SplitN(scope, "/", 4) // key, date, region, the rest
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

// sleep waits; it fails when the client or the server goes.
func (s *Server) sleep(c *call, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-c.Context().Done():
		return errCut
	case <-s.done:
		return errCut
	}
}

func (s *Server) answer(w http.ResponseWriter, err error, out any) {
	status := http.StatusOK
	if err != nil {
		var e *apiError
		if !errors.As(err, &e) {
			e = failf(InternalError, "%v", err)
		}
		sh := shapeOf(e.code)
		status = sh.status
		fault := "Sender"
		if status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		w.Header().Set("X-Amzn-Query-Error", e.code+";"+fault)
		out = &errorOut{Type: sh.typ, Message: e.message}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if out == nil {
		out = struct{}{}
	}
	if err := enc.Encode(out); err != nil {
		panic(fmt.Sprintf("sqsfake: encode %T: %v", out, err)) // only strings and numbers are encoded
	}
	body := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", newID())
	w.WriteHeader(status)
	_, _ = io.Copy(w, bytes.NewReader(body)) // the client may have gone
}

type errorOut struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}
