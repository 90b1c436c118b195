package pubsubfake_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	length int64
	body   string
}

// ask makes a request.
func ask(ctx context.Context, t *testing.T, client *http.Client) (answer, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://worker.example.com/a%2Fb?c=d", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer got.Body.Close()
	all, err := io.ReadAll(got.Body)
	return answer{got.StatusCode, got.Header, got.ContentLength, string(all)}, err
}

func serveOnce(ctx context.Context, t *testing.T, h http.HandlerFunc) (answer, error) {
	t.Helper()
	return ask(ctx, t, pubsubfake.HandlerClient(h))
}

func TestHandlerClientServesAsAConnectionDoes(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "x"), time.Hour)
	defer cancel()
	got, err := serveOnce(ctx, t, func(w http.ResponseWriter, r *http.Request) {
		all, err := io.ReadAll(r.Body)
		if err != nil || string(all) != "hello" || r.Host != "worker.example.com" || r.RequestURI != "/a%2Fb?c=d" || r.URL.Path != "/a/b" || r.URL.Host != "" {
			t.Errorf("the request is %v with %q", r, all)
		}
		if _, ok := r.Context().Deadline(); ok || r.Context().Value(key{}) != nil {
			t.Error("the handler knows the client's context")
		}
		w.Header().Set("A", "b")
		w.WriteHeader(http.StatusAccepted)
		w.Header().Set("A", "too late")
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte("done"))
	})
	if err != nil || got.status != http.StatusAccepted || got.header.Get("A") != "b" || got.body != "done" || got.length != 4 {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestHandlerClientFailsWithItsHandler(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"panic": func(http.ResponseWriter, *http.Request) { panic("boom") },
		"abort": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			panic(http.ErrAbortHandler)
		},
		"goexit":     func(http.ResponseWriter, *http.Request) { runtime.Goexit() },
		"bad status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(99) },
	} {
		if got, err := serveOnce(t.Context(), t, h); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestHandlerClientEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		returned := false
		client := pubsubfake.HandlerClient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			time.Sleep(time.Second) // it does not hurry
			returned = true
		}))
		_, err := ask(ctx, t, client)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
		client.CloseIdleConnections()
		if !returned || time.Since(start) != 2*time.Second {
			t.Errorf("CloseIdleConnections has not waited for the handler: %v", time.Since(start))
		}
		if _, err := serveOnce(ctx, t, func(http.ResponseWriter, *http.Request) { t.Error("it was served") }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a request whose context has ended: %v", err)
		}
	})
}

func TestHandlerClientTellsOfInformation(t *testing.T) {
	var got []int
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
		got = append(got, code)
		return nil
	}})
	answered, err := serveOnce(ctx, t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProcessing)
		w.WriteHeader(http.StatusNoContent)
		if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
			t.Errorf("a body of an answer without: %v", err)
		}
	})
	if err != nil || answered.status != http.StatusNoContent || len(got) != 1 || got[0] != http.StatusProcessing {
		t.Errorf("got %+v and %v, error %v", answered, got, err)
	}
}
