package sbfake

import (
	"strings"
	"time"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/broker"
)

// Operations that a [Fault] strikes. Those of the management node are called as the
// service calls them, without "com.microsoft:": renew-lock, schedule-message,
// cancel-scheduled-message, peek-message, receive-by-sequence-number,
// update-disposition, renew-session-lock, get-session-state, set-session-state.
const (
	OpToken   = "put-token" // the request by which a client shows who it is
	OpAttach  = "attach"    // a link to an entity
	OpSend    = "send"      // a message or batch from a client
	OpDeliver = "deliver"   // a message to a client
	OpSettle  = "settle"    // the end of a lock, by the link of the message
	OpAdmin   = "admin"     // a request to the administration
)

// Fault makes operations go wrong. What it strikes is given by Op, Entity and Count,
// what happens to it by the rest. Without any of the rest it is refused with
// com.microsoft:server-busy.
type Fault struct {
	// Op is the operation, empty for all.
	Op string
	// Entity is the path of a queue or subqueue; empty means all.
	Entity string
	// Skip is how many operations pass before the first that is struck, and Count how
	// many are struck then; 0 means all from then on.
	Skip, Count int

	// Condition is the AMQP condition to refuse with, such as "com.microsoft:timeout",
	// and Status the code where a node answers: 500 without.
	Condition string
	Status    int
	// Cut cuts the connection instead of an answer.
	Cut bool
	// Detach detaches the link with Condition, "amqp:link:detach-forced" without, instead
	// of an answer. It does not strike requests to nodes.
	Detach bool
	// Silent leaves the answer out.
	Silent bool
	// Delay is how long the answer waits. The effect does not, nor what comes on the
	// same link meanwhile.
	Delay time.Duration
	// AfterEffect lets the operation take place before it is refused, cut or detached.
	// A deliver has always taken its lock.
	AfterEffect bool
}

// refuses says whether the fault answers with an error.
func (f *Fault) refuses() bool {
	return f.Condition != "" && !f.Detach || f.Status != 0 || !f.Cut && !f.Detach && !f.Silent && f.Delay == 0
}

// prevents says whether the operation has no effect.
func (f *Fault) prevents() bool {
	return f != nil && !f.AfterEffect && (f.Cut || f.Detach || f.refuses())
}

func (f *Fault) condition() string {
	switch {
	case f.Condition != "":
		return f.Condition
	case f.Detach:
		return "amqp:link:detach-forced"
	}
	return "com.microsoft:server-busy"
}

func (f *Fault) status() int {
	if f.Status != 0 {
		return f.Status
	}
	if f.Condition == "" {
		return 503
	}
	return 500
}

// Fault arms f for operations that begin from then on. Of several that fit, the one
// armed first strikes. The function that it returns disarms f.
func (s *Server) Fault(f Fault) (disarm func()) { return s.faults.Arm(f, f.Skip, f.Count) }

// strike finds the fault of an operation, and counts it; nil for none.
func (s *Server) strike(op, entity string) *Fault {
	return s.faults.Strike(func(f *Fault) bool {
		return (f.Op == "" || f.Op == op) && (f.Entity == "" || strings.EqualFold(f.Entity, entity))
	})
}

// delay is how long the answer waits.
func (f *Fault) delay() time.Duration {
	if f == nil {
		return 0
	}
	return f.Delay
}

// ends does what a fault does in place of an answer, and is true when it did: it cuts the
// connection, has the link detached, or says nothing.
func (f *Fault) ends(c *conn, detach func()) bool {
	switch {
	case f == nil:
		return false
	case f.Cut:
		c.cut()
	case f.Detach:
		detach()
	case !f.Silent:
		return false
	}
	return true
}

// refusal is the error that a fault answers with; nil for none.
func (f *Fault) refusal(what string) error {
	if f == nil || !f.refuses() {
		return nil
	}
	return &broker.Error{Condition: f.condition(), Status: f.status(), Text: "The " + what + " is refused."}
}

// detached is why a fault detaches a link.
func (f *Fault) detached() error {
	return &broker.Error{Condition: f.condition(), Text: "The link is detached."}
}
