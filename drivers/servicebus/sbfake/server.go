package sbfake

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/drivers/internal/armed"
	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/broker"
)

// Options are what a [Server] can be told.
type Options struct {
	// KeyName and Key are those of the connection string; tokens that are made with
	// others are refused. The defaults are "sbfake" and a fixed key.
	KeyName, Key string
}

// Server is a Service Bus namespace. It is safe for concurrent use.
type Server struct {
	opts   Options
	broker *broker.Broker
	faults armed.Faults[Fault]
	counts counters

	ending sync.Once
	work   sync.WaitGroup // of connections and listeners

	mu        sync.Mutex // guards what follows
	closed    bool
	conns     map[*conn]struct{}
	listeners map[net.Listener]struct{}
}

// ErrServerClosed is what Serve answers after Close.
var ErrServerClosed = errors.New("sbfake: the server is closed")

// host is the namespace of connections in memory.
const host = "sbfake.servicebus.windows.net"

// New makes a Server without queues. It starts nothing: connections come by Serve and
// Dial. Nil options mean the defaults. A Server that is used in a testing/synctest
// bubble is made in it.
func New(opts *Options) *Server {
	s := &Server{broker: broker.New(), conns: make(map[*conn]struct{}), listeners: make(map[net.Listener]struct{})}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.KeyName == "" {
		s.opts.KeyName = "sbfake"
	}
	if s.opts.Key == "" {
		s.opts.Key = base64.StdEncoding.EncodeToString([]byte("a key that opens nothing but this"))
	}
	s.counts.init()
	return s
}

// Serve answers connections that come by l until Close, then returns
// [ErrServerClosed], or until l fails, then returns its error. It may be called for
// several listeners at once. It closes l.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrServerClosed
	}
	s.listeners[l] = struct{}{}
	s.work.Add(1)
	s.mu.Unlock()
	defer s.work.Done()
	for {
		nc, err := l.Accept()
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.listeners, l)
			if s.closed {
				return ErrServerClosed
			}
			return err
		}
		s.start(nc)
	}
}

// start serves a connection, unless the server is closed.
func (s *Server) start(nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = nc.Close() // nobody was served
		return
	}
	s.conns[c] = struct{}{}
	s.work.Go(func() {
		c.run()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
	})
}

// Dial gives a new connection in memory to this server, on which a client speaks AMQP.
// It is what makes the server usable in a testing/synctest bubble. After Close the
// connection is closed.
func (s *Server) Dial() net.Conn {
	client, server := net.Pipe()
	s.start(server)
	return client
}

// ConnectionString is that of the namespace for a client with [Server.ClientOptions].
// With a listener, give its address to ConnectionStringFor.
func (s *Server) ConnectionString() string {
	return "Endpoint=sb://" + host + "/;SharedAccessKeyName=" + s.opts.KeyName + ";SharedAccessKey=" + s.opts.Key
}

// ConnectionStringFor is the connection string for a listener at address, HOST:PORT,
// over plain TCP, as that of an emulator.
func (s *Server) ConnectionStringFor(address string) string {
	return "Endpoint=sb://" + address + ";SharedAccessKeyName=" + s.opts.KeyName + ";SharedAccessKey=" + s.opts.Key + ";UseDevelopmentEmulator=true"
}

// ClientOptions are those of a client that has connections in memory.
func (s *Server) ClientOptions() *azservicebus.ClientOptions {
	return &azservicebus.ClientOptions{
		NewWebSocketConn: func(context.Context, azservicebus.NewWebSocketConnArgs) (net.Conn, error) { return s.Dial(), nil },
	}
}

// Cut cuts all connections, as when the network fails. Locks stay until they run out.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.cut()
	}
}

// Close ends listeners and connections and waits for the server's goroutines. It
// returns nil; further calls wait too.
func (s *Server) Close() error {
	s.ending.Do(func() {
		s.mu.Lock()
		s.closed = true
		for l := range s.listeners {
			_ = l.Close() // it may have failed
		}
		for c := range s.conns {
			c.cut()
		}
		s.mu.Unlock()
		s.work.Wait()
		s.broker.Close()
	})
	s.work.Wait()
	return nil
}
