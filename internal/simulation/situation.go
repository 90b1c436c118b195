package simulation

import "strings"

// Situation is something that Worlds must get into now and then, or what they
// prove says nothing about it.
type Situation uint8

const (
	// Hopped: a copy of a task that came before it was due.
	Hopped Situation = iota
	// Chained: a task is released again because it came before it was due.
	Chained
	// Retried: a copy of a failed attempt, for a delay that the queue cannot give.
	Retried
	// Put off: a copy of a snoozed task.
	PutOff
	// Woken: a snoozed task runs again on a lease that was kept.
	Woken
	// Joined: a worker gets a message that it has already.
	Joined
	// TookBack: a copy is withdrawn.
	TookBack
	// LostRunning: a lease is lost while its handler runs.
	LostRunning
	// AckedLost: an ack of a success on a lost lease.
	AckedLost
	// Beyond: an attempt beyond the last that is allowed.
	Beyond
	// GaveBack: a task is released that was never started.
	GaveBack
	// Crashed, Exhausted and GivenUp: buried by the reason, the last as permanent.
	Crashed
	Exhausted
	GivenUp
	// BrokerBuried: a task is in the dead letter without a reason of ours.
	BrokerBuried
	// Waited: a follower of a failed head runs.
	Waited
	// RanAgain: a task that had succeeded runs again.
	RanAgain
	// TimedOut: a handler is given up and still runs.
	TimedOut
	// Paused: a handler pauses its queue.
	Paused
	// CameBack: a task runs again after a redrive, while all goes on.
	CameBack
	// KilledRunning: a worker is killed while it runs a handler.
	KilledRunning
	// Drained: a drain ends a handler's context.
	Drained
	// Contested: a worker gets a message whose handler still runs at another.
	Contested
	// Lapsed: a lease ends sooner than it says.
	Lapsed
	// Dawdled and Hung: a call takes long, or for ever.
	Dawdled
	Hung
	// SendRefused and so on: a send, extend or settle fails without effect, or after
	// it took effect.
	SendRefused
	SendUnsaid
	ExtendRefused
	ExtendUnsaid
	SettleRefused
	SettleUnsaid
	situations
)

var situationNames = [situations]string{
	"hopped", "chained", "retried by copy", "put off by copy", "woken", "joined", "took back", "lost while running", "acked on a lost lease",
	"ran beyond the last attempt", "gave back", "buried as crashed", "buried as exhausted", "buried for good", "buried by the broker",
	"waited for its head", "ran again after success", "timed out",
	"paused its queue", "ran again after a redrive", "had its worker killed", "was cut short by a drain", "two workers had at once",
	"was leased for less than it was told", "met a call that takes long", "met a call that hangs",
	"was refused by a send", "was sent without an answer", "was refused by an extend", "was extended without an answer",
	"was refused by a settle", "was settled without an answer",
}

// Met counts the situations that Worlds got into.
type Met [situations]int

// Add adds those of another World.
func (m *Met) Add(other *Met) {
	for i, n := range other {
		m[i] += n
	}
}

// strike counts a fault of an item of a call: as refused, or as the situation after
// that.
func (m *Met) strike(f fault, refusal Situation) {
	switch f {
	case refused, later:
		m[refusal]++
	case unsaid:
		m[refusal+1]++
	}
}

// Missing names the situations that never were; "" for none.
func (m *Met) Missing() string {
	var missing []string
	for i, n := range m {
		if n == 0 {
			missing = append(missing, situationNames[i])
		}
	}
	return strings.Join(missing, ", ")
}
