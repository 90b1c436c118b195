package main

import (
	"net"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// fakeServer is a server that has queues, for what depends on them.
type fakeServer struct{ server *sqsfake.Server }

func newFakeServer() *fakeServer {
	return &fakeServer{sqsfake.New(&sqsfake.Options{Region: region, Account: account})}
}

func (s *fakeServer) Serve(l net.Listener) error { return s.server.Serve(l) }
func (s *fakeServer) Close() error               { return s.server.Close() }

// Counts are how many requests there were by operation; it knows no messages.
func (s *fakeServer) Counts() map[string]opCount {
	all := make(map[string]opCount)
	for op, n := range s.server.Requests() {
		all[op] = opCount{Requests: int64(n)}
	}
	return all
}
