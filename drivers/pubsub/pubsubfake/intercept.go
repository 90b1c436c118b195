package pubsubfake

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// requests counts calls by operation.
type requests struct {
	mu       sync.Mutex
	answered map[string]int // guarded by mu
	open     map[string]int // guarded by mu
}

func (r *requests) begin(op string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open, r.answered = map[string]int{}, map[string]int{}
	}
	r.open[op]++
}

func (r *requests) end(op string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[op]--
	r.answered[op]++
}

func positive(m map[string]int) map[string]int {
	out := map[string]int{}
	for op, n := range m {
		if n > 0 {
			out[op] = n
		}
	}
	return out
}

// Requests gives how many calls of each operation, such as "Pull", were answered,
// errors included.
func (s *Server) Requests() map[string]int {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return positive(s.requests.answered)
}

// InFlight gives how many calls of each operation wait for their answer.
func (s *Server) InFlight() map[string]int {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return positive(s.requests.open)
}

type faultKey struct{}

// faultOf is the fault that strikes a call, or nil.
func faultOf(ctx context.Context) *Fault {
	f, _ := ctx.Value(faultKey{}).(*Fault)
	return f
}

// intercept counts a call and lets a fault strike it.
func (s *Server) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	op := info.FullMethod[strings.LastIndexByte(info.FullMethod, '/')+1:]
	s.requests.begin(op)
	defer s.requests.end(op)
	f := s.match(op, resourceOf(req))
	if f == nil {
		return next(ctx, req)
	}
	if !f.AfterEffect {
		if err := s.strike(ctx, f); err != nil {
			return nil, err
		}
	}
	out, err := next(context.WithValue(ctx, faultKey{}, f), req)
	if f.AfterEffect {
		if err := s.strike(ctx, f); err != nil {
			return nil, err
		}
	}
	return out, err
}

// strike waits, and gives the error of f.
func (s *Server) strike(ctx context.Context, f *Fault) error {
	if f.Delay > 0 {
		if err := s.sleep(ctx, f.Delay); err != nil {
			return err
		}
	}
	if f.Cut {
		if p, ok := peer.FromContext(ctx); ok {
			if c, ok := p.AuthInfo.(connection); ok {
				_ = c.conn.Close() // nobody needs it
			}
		}
		return status.Error(codes.Unavailable, "the connection is cut")
	}
	return f.failure()
}

// sleep waits; it fails when the caller or the server goes.
func (s *Server) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-s.done:
		return errClosed
	}
}

var errClosed = status.Error(codes.Unavailable, "pubsubfake: the server is closed")

// cuttable lets a call find its connection.
type cuttable struct {
	credentials.TransportCredentials
}

func (c cuttable) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(conn)
	return conn, connection{info, conn}, err
}

func (c cuttable) Clone() credentials.TransportCredentials {
	return cuttable{c.TransportCredentials.Clone()}
}

// connection is the AuthInfo of a connection.
type connection struct {
	credentials.AuthInfo

	conn net.Conn
}
