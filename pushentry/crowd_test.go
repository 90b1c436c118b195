package pushentry_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/pushentry"
	"github.com/longshore-dev/longshore/runtime"
)

// Ten thousand connections push at the same time: as many as the limit run, the others
// are told at once, and while thousands more are silent in the middle of a header those
// that speak are served.
func TestACrowdOfConnections(t *testing.T) {
	const limit = 80
	var running, most atomic.Int64
	serving(t, setup{
		handle: func(context.Context, *runtime.Task[job]) error {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			time.Sleep(5 * time.Second)
			return nil
		},
		options: pushentry.Options{Concurrency: limit},
	}, func(v *served) {
		conns := make([]net.Conn, crowd)
		for i := range conns {
			var err error
			conns[i], err = v.listener.dial()
			v.must(err)
		}
		silent, loud := conns[:crowd/2], conns[crowd/2:]
		for _, c := range silent {
			_, err := fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: push\r\nX-")
			v.must(err)
		}
		for i, c := range loud {
			id := fmt.Sprint(i)
			body := wrapped(id, event(id, id), 1)
			_, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: push\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			v.must(err)
		}
		answers := make(map[int]int)
		for _, c := range loud {
			response, err := http.ReadResponse(bufio.NewReader(c), nil)
			v.must(err)
			text(v.T, response)
			answers[response.StatusCode]++
		}
		if answers[204] != limit || answers[429] != len(loud)-limit || most.Load() != limit {
			v.Errorf("answers %v, %d at a time; want %d that run", answers, most.Load(), limit)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for _, c := range silent {
			if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
				v.Fatal(err)
			}
			if response, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
				text(v.T, response)
				if response.StatusCode < 400 {
					v.Fatalf("a silent connection was answered %s", response.Status)
				}
			} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
				v.Fatal("a silent connection is still there")
			}
		}
		for _, c := range conns {
			_ = c.Close()
		}
		if got := v.send("last"); got != 204 {
			v.Errorf("a push after the crowd: %d", got)
		}
	})
}
