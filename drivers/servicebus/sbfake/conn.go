package sbfake

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/wire"
)

const (
	// maxFrame is the largest frame that the server takes and sends.
	maxFrame = 64 << 10
	// anyWindow is a window of a session that never closes.
	anyWindow = 1<<31 - 1
)

// conn is a connection. Its reader does what the frames ask for, one after the other;
// a writer sends what is in out.
type conn struct {
	s    *Server
	net  net.Conn
	in   *bufio.Reader
	work sync.WaitGroup // the writer, and answers that wait
	done chan struct{}  // closed by run at its end
	wake chan struct{}  // told when out grows, or ends; never closed

	// Guarded by mu, which is locked after the broker's when both are.
	mu       sync.Mutex
	out      []byte
	ending   bool // nothing is added to out any more
	maxFrame int  // of the client
	sessions map[uint16]*session
	replies  map[string]*outgoing // links by which nodes answer, by the client's name for them
}

func newConn(s *Server, nc net.Conn) *conn {
	return &conn{
		s: s, net: nc, in: bufio.NewReaderSize(nc, maxFrame), done: make(chan struct{}), wake: make(chan struct{}, 1),
		maxFrame: wire.MinFrameSize, sessions: make(map[uint16]*session), replies: make(map[string]*outgoing),
	}
}

// cut ends the connection at once.
func (c *conn) cut() { _ = c.net.Close() } // it may be closed

// run serves the connection until it ends.
func (c *conn) run() {
	c.s.counts.add(func(t *Traffic) { t.Connections++ })
	closed := false
	if open, err := c.handshake(); err == nil {
		c.work.Go(func() { c.write(time.Duration(open.IdleTimeout) * time.Millisecond / 2) })
		closed = c.read() == nil
	}
	c.mu.Lock()
	c.ending = true
	sessions := c.sessions
	c.sessions = nil
	c.mu.Unlock()
	for _, ss := range sessions {
		ss.end(closed)
	}
	close(c.done)
	c.work.Wait()
	c.cut()
}

// handshake agrees on the protocol, on SASL without a name, and opens the connection.
func (c *conn) handshake() (*wire.Open, error) {
	header, err := c.header()
	if err != nil {
		return nil, err
	}
	if header == wire.HeaderSASL {
		b := append(header[:], wire.AppendFrame(nil, &wire.Frame{Performative: &wire.Mechanisms{Names: []wire.Symbol{"ANONYMOUS", "EXTERNAL"}}})...)
		if _, err := c.net.Write(b); err != nil {
			return nil, err
		}
		f, err := wire.Read(c.in, maxFrame)
		if err != nil {
			return nil, err
		}
		if _, ok := f.Performative.(*wire.Init); !ok {
			return nil, fmt.Errorf("sbfake: %T instead of a SASL init", f.Performative)
		}
		if _, err := c.net.Write(wire.AppendFrame(nil, &wire.Frame{Performative: &wire.Outcome{}})); err != nil {
			return nil, err
		}
		if header, err = c.header(); err != nil {
			return nil, err
		}
	}
	if _, err := c.net.Write(wire.HeaderAMQP[:]); err != nil {
		return nil, err
	}
	if header != wire.HeaderAMQP {
		return nil, fmt.Errorf("sbfake: a protocol header %q", header)
	}
	f, err := wire.Read(c.in, maxFrame)
	if err != nil {
		return nil, err
	}
	open, ok := f.Performative.(*wire.Open)
	if !ok {
		return nil, fmt.Errorf("sbfake: %T instead of an open", f.Performative)
	}
	c.maxFrame = maxFrame
	if open.MaxFrameSize > 0 {
		c.maxFrame = min(maxFrame, max(wire.MinFrameSize, int(open.MaxFrameSize)))
	}
	_, err = c.net.Write(wire.AppendFrame(nil, &wire.Frame{Performative: &wire.Open{
		ContainerID: "sbfake", MaxFrameSize: maxFrame, ChannelMax: 65535,
	}}))
	return open, err
}

func (c *conn) header() (h [8]byte, err error) {
	_, err = io.ReadFull(c.in, h[:])
	return h, err
}

// write is the writer. It sends an empty frame when there was nothing to send for idle,
// if that is not 0.
func (c *conn) write(idle time.Duration) {
	var tick <-chan time.Time
	if idle > 0 {
		ticker := time.NewTicker(idle)
		defer ticker.Stop()
		tick = ticker.C
	}
	alive := wire.AppendFrame(nil, &wire.Frame{})
	var spare []byte
	for {
		c.mu.Lock()
		b := c.out
		c.out = spare[:0]
		c.mu.Unlock()
		if len(b) > 0 {
			if _, err := c.net.Write(b); err != nil {
				c.cut() // the reader ends by it
				return
			}
			spare = b
			if cap(spare) > 1<<20 {
				spare = nil
			}
			continue
		}
		spare = b
		select {
		case <-c.wake:
		case <-tick:
			if _, err := c.net.Write(alive); err != nil {
				c.cut()
				return
			}
		case <-c.done:
			c.flush()
			return
		}
	}
}

// flush sends what is left at the end: the answer to a close.
func (c *conn) flush() {
	c.mu.Lock()
	b := c.out
	c.mu.Unlock()
	if len(b) == 0 {
		return
	}
	_ = c.net.SetWriteDeadline(time.Now().Add(time.Second)) // the client may have gone
	_, _ = c.net.Write(b)
}

// send adds a frame to out; mu is held.
func (c *conn) send(channel uint16, performative any, payload []byte) {
	if c.ending {
		return
	}
	c.s.counts.framesOut.Add(1)
	c.out = wire.AppendFrame(c.out, &wire.Frame{Channel: channel, Performative: performative, Payload: payload})
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// tell is send for who does not hold mu.
func (c *conn) tell(channel uint16, performative any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.send(channel, performative, nil)
}

// later does f after d, or at once without; not when the connection ends before.
func (c *conn) later(d time.Duration, f func()) {
	if d <= 0 {
		f()
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ending {
		return
	}
	c.work.Go(func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			f()
		case <-c.done:
		}
	})
}

// errClosed is how a client that says so closes the connection.
var errClosed = errors.New("closed")

// read does what the frames ask for, until the client closes the connection, then nil,
// or it is lost.
func (c *conn) read() error {
	for {
		f, err := wire.Read(c.in, maxFrame)
		if err != nil {
			return err
		}
		if f.Performative == nil {
			continue
		}
		c.s.counts.framesIn.Add(1)
		if err := c.do(f); err != nil {
			if errors.Is(err, errClosed) {
				c.tell(0, &wire.Close{})
				return nil
			}
			c.tell(0, &wire.Close{Error: &wire.Error{Condition: "amqp:framing-error", Description: err.Error()}})
			return err
		}
	}
}

func (c *conn) do(f *wire.Frame) error {
	switch p := f.Performative.(type) {
	case *wire.Close:
		return errClosed
	case *wire.Begin:
		return c.begin(f.Channel, p)
	}
	ss := c.sessions[f.Channel] // written by this goroutine only, until it ends
	if ss == nil {
		switch f.Performative.(type) {
		case *wire.Detach, *wire.End:
			return nil // a client may end what has ended
		}
		return fmt.Errorf("a %T on channel %d, which has no session", f.Performative, f.Channel)
	}
	switch p := f.Performative.(type) {
	case *wire.End:
		c.mu.Lock()
		delete(c.sessions, f.Channel)
		c.mu.Unlock()
		ss.end(true)
		c.tell(f.Channel, &wire.End{})
		return nil
	case *wire.Attach:
		return ss.attach(p)
	case *wire.Flow:
		return ss.flow(p)
	case *wire.Transfer:
		return ss.transfer(p, f.Payload)
	case *wire.Disposition:
		ss.disposition(p)
		return nil
	case *wire.Detach:
		ss.detach(p)
		return nil
	}
	return fmt.Errorf("a %T in the middle of a connection", f.Performative)
}

func (c *conn) begin(channel uint16, b *wire.Begin) error {
	if c.sessions[channel] != nil {
		return fmt.Errorf("channel %d has a session already", channel)
	}
	ss := &session{
		c: c, channel: channel, nextIncoming: b.NextOutgoingID, window: b.IncomingWindow,
		incoming: make(map[uint32]*incoming), outgoing: make(map[uint32]*outgoing), unsettled: make(map[uint32]unsettled),
	}
	c.s.counts.add(func(t *Traffic) { t.Sessions++ })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[channel] = ss
	c.send(channel, &wire.Begin{RemoteChannel: &channel, IncomingWindow: anyWindow, OutgoingWindow: anyWindow, HandleMax: 1<<16 - 1}, nil)
	return nil
}
