package pubsubfake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"sync"
)

// HandlerClient makes a client for Options.PushClient that has every request served
// by h, whatever its URL, without a connection: what makes push subscriptions usable
// in a testing/synctest bubble.
//
// Each request is served in a goroutine of its own. As over a connection, the context
// of h's request knows neither values nor deadline of the client's, but ends when that
// ends; the client then gets its error at once, and h may go on. The answer comes when
// h returns. A panic of h is an error of the request.
//
// CloseIdleConnections of the client waits until h has returned from all requests;
// none may begin meanwhile. Call it after Close of the server, which does not wait for
// h, no more than the service waits for workers. The client is safe for concurrent use
// if h is.
func HandlerClient(h http.Handler) *http.Client {
	return &http.Client{Transport: &handlerTransport{handler: h}}
}

type handlerTransport struct {
	handler http.Handler
	serving sync.WaitGroup
}

// RoundTrip implements http.RoundTripper.
func (t *handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // nobody reads it
		}
		return nil, err
	}
	w := &memoryAnswer{header: http.Header{}, trace: httptrace.ContextClientTrace(ctx)}
	done := make(chan error, 1)
	t.serving.Go(func() { t.serve(w, r, done) })
	select {
	case err := <-done:
		if err != nil {
			return nil, err
		}
		return w.response(r), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// CloseIdleConnections waits for the handler.
func (t *handlerTransport) CloseIdleConnections() { t.serving.Wait() }

var errHandler = errors.New("pubsubfake: the handler did not return")

// serve calls the handler and tells done how it ended.
func (t *handlerTransport) serve(w *memoryAnswer, r *http.Request, done chan<- error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(r.Context(), cancel)()
	err := errHandler // when the goroutine is ended
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("pubsubfake: the handler panicked: %v", v)
		}
		done <- err
	}()
	in := served(ctx, r)
	defer in.Body.Close()
	t.handler.ServeHTTP(w, in)
	err = nil
}

// served is the request as a server has it.
func served(ctx context.Context, r *http.Request) *http.Request {
	in := r.Clone(ctx)
	in.Response, in.GetBody = nil, nil
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	in.RemoteAddr = "192.0.2.1:1024" // of RFC 5737
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	in.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	return in
}

// memoryAnswer is a http.ResponseWriter that keeps the answer. Only the handler's
// goroutine uses it until the handler has returned.
type memoryAnswer struct {
	header http.Header
	trace  *httptrace.ClientTrace // of the client; may be nil
	sent   http.Header            // nil before the status
	status int
	body   bytes.Buffer
}

func (w *memoryAnswer) Header() http.Header { return w.header }

func (w *memoryAnswer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("status %d is none", status))
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		if w.sent == nil && w.trace != nil && w.trace.Got1xxResponse != nil {
			_ = w.trace.Got1xxResponse(status, textproto.MIMEHeader(w.header.Clone())) // the request is served to its end
		}
		return
	}
	if w.sent == nil {
		w.sent, w.status = w.header.Clone(), status
	}
}

func (w *memoryAnswer) Write(b []byte) (int, error) {
	if w.sent == nil {
		w.WriteHeader(http.StatusOK)
	}
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(b)
}

// response gives the answer, after the handler has returned.
func (w *memoryAnswer) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK) // if there is none
	if r.Method == http.MethodHead {
		w.body.Reset()
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}
}
