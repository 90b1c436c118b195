package pubsubfake

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/longshore-dev/longshore/drivers/internal/alarm"
	"github.com/longshore-dev/longshore/drivers/internal/armed"
)

// Options are what a Server is made with. The zero value is valid.
type Options struct {
	// PullMargin is how long before the deadline of its call a Pull that found no
	// message is answered. 0 means a second, as of the official emulator; with
	// less than that left a Pull does not wait at all. Negative means that it is
	// not answered: the call ends with DeadlineExceeded.
	PullMargin time.Duration
	// Linger lets a Pull whose caller has gone wait on to its end and take
	// messages, which come back when their ack deadline has passed. The official
	// emulator does so, and the service may.
	Linger bool
	// KeepBatch lets messages that have an ordering key and are outstanding stay so
	// when one before them is nacked or its ack deadline ends: it comes again, and
	// they after it, when none of the key is outstanding. The official emulator
	// does so. Without it they are outstanding no more, and their ack ids are good
	// for nothing. The documentation allows both.
	KeepBatch bool
	// PushClient makes the requests of push subscriptions; its CheckRedirect is not
	// used. Nil means one of the server's own, like http.DefaultClient, which
	// reaches what this process can. HandlerClient makes one for a
	// testing/synctest bubble, where connections must be in memory.
	PushClient *http.Client
	// PushWindow is how many requests of a push subscription are under way at
	// first, from 1 to 3,000; 0 means 4.
	PushWindow int
}

// Server is a Google Pub/Sub of its own, with its own topics, subscriptions and
// faults. It is safe for concurrent use.
type Server struct {
	opts   Options
	start  time.Time // message times count from it
	secret uint64    // marks the ack ids of this server

	grpc   *grpc.Server
	pipe   *bufconn.Listener
	memory sync.Once // starts serving pipe
	done   chan struct{}
	ending sync.Once
	work   sync.WaitGroup // accept loops, pushers and their requests

	client    *http.Client // of pushes
	ownClient bool
	signer    signer

	faults   armed.Faults[Fault]
	requests requests

	alarms *alarm.Set // guarded by mu

	mu            sync.Mutex // guards what follows, the topics and the subscriptions
	closed        bool
	topics        map[string]*topic        // by full name
	subscriptions map[string]*subscription // by full name
	number        uint64                   // of the last message
	turn          uint64                   // of what became ready last
	conns         []*grpc.ClientConn       // of Dial
}

// pipeSize is how many bytes may be under way in one direction of a connection in
// memory.
const pipeSize = 256 << 10

// maxRequest is more than the largest publish request, so that a message that is
// too large is answered, not cut off.
const maxRequest = 64 << 20

// New makes a Server without topics. It starts nothing: requests come by Serve,
// Dial or ClientOptions. Nil options mean the defaults. A Server that is used in a
// testing/synctest bubble is made in it.
func New(opts *Options) *Server {
	if opts == nil {
		opts = &Options{}
	}
	s := &Server{
		opts:          *opts,
		start:         time.Now(),
		secret:        rand.Uint64(),
		pipe:          bufconn.Listen(pipeSize),
		done:          make(chan struct{}),
		topics:        map[string]*topic{},
		subscriptions: map[string]*subscription{},
	}
	s.alarms = alarm.NewSet(&s.mu, s.start)
	if s.opts.PullMargin == 0 {
		s.opts.PullMargin = time.Second
	}
	if s.opts.PushWindow == 0 {
		s.opts.PushWindow = firstWindow
	}
	s.opts.PushWindow = min(max(s.opts.PushWindow, 1), maxWindow)
	s.client, s.ownClient = clientOf(opts.PushClient)
	s.grpc = grpc.NewServer(
		grpc.UnaryInterceptor(s.intercept),
		grpc.Creds(cuttable{insecure.NewCredentials()}),
		grpc.MaxRecvMsgSize(maxRequest),
		grpc.WaitForHandlers(true),
	)
	pubsubpb.RegisterPublisherServer(s.grpc, &service{s: s})
	pubsubpb.RegisterSubscriberServer(s.grpc, &service{s: s})
	return s
}

// service answers the calls. What it does not have is Unimplemented.
type service struct {
	pubsubpb.UnimplementedPublisherServer
	pubsubpb.UnimplementedSubscriberServer

	s *Server
}

// Serve answers calls that come by l until Close, then returns nil, or until l
// fails, then returns its error. It may be called for several listeners at once.
// It closes l. After Close it returns grpc.ErrServerStopped.
func (s *Server) Serve(l net.Listener) error {
	if !s.begin() {
		_ = l.Close() // nobody was served
		return grpc.ErrServerStopped
	}
	defer s.work.Done()
	return s.grpc.Serve(l)
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

// Dial gives a new connection in memory to this server. It is what makes the
// server usable in a testing/synctest bubble. The caller may close it; Close of
// the server does.
func (s *Server) Dial() *grpc.ClientConn {
	s.memory.Do(func() {
		go func() { _ = s.Serve(s.pipe) }() // it ends by Close, which waits for it
	})
	conn, err := grpc.NewClient("passthrough:///pubsub.test",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)), // as the generated clients have it
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return s.pipe.DialContext(ctx) }),
	)
	if err != nil {
		panic(fmt.Sprintf("pubsubfake: dial: %v", err)) // it depends on the lines above only
	}
	s.mu.Lock()
	s.conns = append(s.conns, conn)
	s.mu.Unlock()
	return conn
}

// ClientOptions are those of a client of package apiv1 that has a connection in
// memory of its own. Each client needs its own.
func (s *Server) ClientOptions() []option.ClientOption {
	return []option.ClientOption{option.WithGRPCConn(s.Dial())}
}

// Close ends listeners, connections, waiting Pulls and pushes under way and waits for
// the server's goroutines. Calls after it fail with Unavailable. It returns nil; further calls
// wait too.
func (s *Server) Close() error {
	s.ending.Do(func() {
		s.mu.Lock()
		s.closed = true
		close(s.done)
		s.alarms.Close()
		conns := s.conns
		s.mu.Unlock()
		_ = s.pipe.Close() // it may not have been served
		s.grpc.Stop()
		for _, c := range conns {
			_ = c.Close() // the client may have closed it
		}
	})
	s.work.Wait()
	s.alarms.Wait()
	if s.ownClient {
		s.client.CloseIdleConnections()
	}
	return nil
}

// now is the time since the server was made.
func (s *Server) now() time.Duration { return time.Since(s.start) }
