package sqsfake

import (
	"errors"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/drivers/internal/alarm"
	"github.com/longshore-dev/longshore/drivers/internal/armed"
)

// Options are what a Server is made with. The zero value is valid.
type Options struct {
	// Region is the only region that has queues; empty means us-east-1. A
	// request signed for another finds no queue.
	Region string
	// Account owns every queue; empty means 000000000000.
	Account string
}

// Server is an Amazon SQS of its own, with its own queues and faults. It is safe
// for concurrent use.
type Server struct {
	region, account string
	start           time.Time // message times count from it
	secret          uint64    // marks the receipt handles of this server
	inflightLimit   int       // for each queue

	http   *http.Server
	pipe   *pipeListener
	memory sync.Once // starts serving pipe
	done   chan struct{}
	ending sync.Once
	work   sync.WaitGroup // connections and the accept loop of pipe

	faults   armed.Faults[Fault]
	answered map[string]*atomic.Int64 // by operation; complete from the start

	alarms *alarm.Set // guarded by mu

	mu        sync.Mutex // guards what follows, and the queues
	closed    bool
	queues    map[string]*queue
	deleted   map[string]time.Duration // when a queue of that name was deleted
	number    uint64                   // of the last message
	sequences uint64                   // of the last message of a FIFO queue
	tasks     []*moveTask              // in the order of their start
	clients   []*http.Transport
}

// New makes a Server without queues. It starts nothing: requests come by Serve or
// HTTPClient. Nil options mean the defaults. A Server that is used in a
// testing/synctest bubble is made in it.
func New(opts *Options) *Server {
	if opts == nil {
		opts = &Options{}
	}
	s := &Server{
		region:        opts.Region,
		account:       opts.Account,
		start:         time.Now(),
		secret:        rand.Uint64(),
		inflightLimit: maxInflight,
		pipe:          newPipeListener(),
		done:          make(chan struct{}),
		queues:        map[string]*queue{},
		deleted:       map[string]time.Duration{},
		answered:      map[string]*atomic.Int64{},
	}
	s.alarms = alarm.NewSet(&s.mu, s.start)
	if s.region == "" {
		s.region = "us-east-1"
	}
	if s.account == "" {
		s.account = "000000000000"
	}
	for op := range operations {
		s.answered[op] = new(atomic.Int64)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	s.http = &http.Server{
		Handler:   http.HandlerFunc(s.handle),
		ErrorLog:  log.New(io.Discard, "", 0),
		Protocols: protocols,
		ConnState: s.connState,
	}
	return s
}

// Serve answers requests that come by l until Close, then returns
// http.ErrServerClosed, or until l fails, then returns its error. It may be
// called for several listeners at once. It closes l.
func (s *Server) Serve(l net.Listener) error {
	if !s.begin() {
		_ = l.Close()
		return http.ErrServerClosed
	}
	defer s.work.Done()
	return s.http.Serve(l)
}

// begin adds to what Close waits for, unless it was called.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Add(1)
	}
	return !s.closed
}

// HTTPClient gives a client whose connections are in memory and lead to this
// server, whatever address it is asked for. It is what makes the server usable
// in a testing/synctest bubble. After Close its requests fail, and none of its
// goroutines stays.
func (s *Server) HTTPClient() *http.Client {
	s.memory.Do(func() {
		go func() { _ = s.Serve(s.pipe) }() // it ends by Close, which waits for it
	})
	t := &http.Transport{
		DialContext:         s.pipe.dial,
		MaxIdleConnsPerHost: 1024,
		DisableCompression:  true,
	}
	s.mu.Lock()
	s.clients = append(s.clients, t)
	s.mu.Unlock()
	return &http.Client{Transport: memoryTransport{t}}
}

// URL is the endpoint to give to a client that uses HTTPClient. Queue URLs begin
// with the address by which their request came, so with Serve the endpoint is
// "http://" and the listener's address.
func (s *Server) URL() string { return "http://sqs.test" }

// Requests gives how many requests of each operation were answered, errors
// included. A request whose connection was cut is not.
func (s *Server) Requests() map[string]int {
	n := map[string]int{}
	for op, c := range s.answered {
		if v := int(c.Load()); v > 0 {
			n[op] = v
		}
	}
	return n
}

// Close ends listeners, connections, long polls and move tasks and waits for the
// server's goroutines. Requests after it fail. It returns nil; further calls wait
// too.
func (s *Server) Close() error {
	s.ending.Do(func() {
		s.mu.Lock()
		s.closed = true
		close(s.done)
		s.alarms.Close()
		clients := s.clients
		s.mu.Unlock()
		_ = s.pipe.Close()
		_ = s.http.Close() // the errors are those of listeners which are closed already
		for _, c := range clients {
			c.CloseIdleConnections()
		}
	})
	s.work.Wait()
	s.alarms.Wait()
	return nil
}

// connState counts the connections, as http.Server.Close does not wait for them.
// One that is accepted while Close runs may have been missed by it.
func (s *Server) connState(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.work.Add(1)
		select {
		case <-s.done:
			_ = c.Close()
		default:
		}
	case http.StateClosed, http.StateHijacked:
		s.work.Done()
	case http.StateActive, http.StateIdle:
	}
}

// now is the time since the server was made.
func (s *Server) now() time.Duration { return time.Since(s.start) }

// epoch is t as Amazon SQS gives times: milliseconds since 1970.
func (s *Server) epoch(t time.Duration) int64 { return s.start.Add(t).UnixMilli() }

func (s *Server) arn(queue string) string {
	return "arn:aws:sqs:" + s.region + ":" + s.account + ":" + queue
}

var errClosed = errors.New("sqsfake: the server is closed")
