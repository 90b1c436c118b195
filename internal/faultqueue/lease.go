package faultqueue

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// View is what a lease tells.
type View struct {
	Message           driver.Message
	Attempt           int
	Received, Expires time.Time
}

// Wrap is the lease l telling what change makes of it. To its driver it is
// still l.
func Wrap(l driver.Lease, change func(*View)) driver.Lease {
	v := View{l.Message(), l.Attempt(), l.Received(), l.Expires()}
	change(&v)
	return &lease{l, v}
}

// lease is immutable.
type lease struct {
	inner driver.Lease
	view  View
}

func (l *lease) Message() driver.Message { return l.view.Message }
func (l *lease) Attempt() int            { return l.view.Attempt }
func (l *lease) Received() time.Time     { return l.view.Received }
func (l *lease) Expires() time.Time      { return l.view.Expires }
func (l *lease) As(target any) bool      { return l.inner.As(target) }

var _ driver.Lease = (*lease)(nil)
