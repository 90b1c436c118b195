package simulation

import (
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// weather is how a World is made and how much goes wrong in it. Chances are of
// 1,000.
type weather struct {
	ordered bool
	// single: the queue settles, extends and sends one at a time. Only then may
	// a worker have several reasons for a call at the same instant, because
	// which of them share a batch would be a matter of chance: receives bring
	// more than one message, and a drain finds tasks that were not started.
	single bool
	batch  int // most items of a batch

	sendDelay, releaseDelay time.Duration // what the broker delays at most, 0 for as long as mem does
	undelayed               bool          // it cannot delay a send, so that long delays are chains of releases
	parks                   bool          // it cannot delay a release, so that workers keep the leases of ordered groups
	stranding               bool          // a cancelled receive strands messages

	withdraws bool // it takes back copies

	fail  int // an item of a send, extend or settle fails, before or after its effect
	slow  int // a call takes long
	hang  int // a call hangs
	poll  int // a receive fails
	lapse int // a lease ends sooner at the broker than it says
	kill  int // a worker is killed and not drained
	stray int // a task whose deliveries are lost on their way, again and again

	handlers int // a handler does worse than to fail: panics, ends its goroutine, ignores its context
	failing  int // a handler fails
	redrives int // passes of the operator

	limited bool // workers have limits of the queue and the kind, and handlers pause the queue

	timeout     time.Duration // of a handler, less than its hard timeout; 0 for none
	maxAttempts int
	hold        time.Duration
	maxReceives int
}

func forecast(d dice) weather {
	d = d.of(aboutWeather)
	pick := func(question int, values ...int) int { return values[d.below(question, len(values))] }
	w := weather{
		ordered:     d.in1000(1, 250),
		single:      d.in1000(2, 500),
		fail:        pick(4, 0, 5, 20, 60, 120),
		slow:        pick(5, 0, 0, 3, 15),
		hang:        pick(6, 0, 0, 0, 3),
		poll:        pick(7, 0, 5, 50),
		lapse:       pick(8, 0, 0, 10, 40),
		kill:        pick(9, 0, 300, 700),
		handlers:    pick(10, 0, 10, 40),
		failing:     pick(11, 30, 100, 250),
		redrives:    pick(12, 0, 1, 3),
		maxAttempts: pick(13, 2, 4, 5),
		hold:        time.Duration(pick(14, 4, 6, 9)) * time.Second,
		maxReceives: 40,
	}
	w.stray = pick(26, 0, 0, 30)
	w.batch = pick(3, 3, 10, 1000)
	if w.single {
		w.batch = 1
		w.stranding = d.in1000(15, 300)
	}
	if !w.ordered && d.in1000(16, 400) {
		w.sendDelay = time.Duration(pick(17, 1500, 4000)) * time.Millisecond
		w.releaseDelay = time.Duration(pick(18, 700, 3000)) * time.Millisecond
	}
	if !w.ordered && d.in1000(25, 200) {
		w.undelayed, w.releaseDelay = true, time.Duration(pick(18, 700, 3000))*time.Millisecond
	}
	w.parks = w.ordered && d.in1000(19, 400)
	w.withdraws = d.in1000(20, 500)
	if d.in1000(21, 250) {
		w.timeout = w.hold * 6 / 5
	}
	w.limited = d.in1000(27, 250)
	if d.in1000(22, 60) {
		w.storm()
	}
	return w
}

// storm has all of it go wrong at once, and copies be sent where they can.
func (w *weather) storm() {
	w.fail, w.slow, w.lapse, w.failing = 200, 60, 150, 250
	w.withdraws = true
	if !w.ordered {
		w.undelayed, w.sendDelay, w.releaseDelay = false, 4*time.Second, 700*time.Millisecond
	}
}

// hard is the hard timeout, or longer than anything when there is none: some
// handlers that ignore their context take longer.
func (w *weather) hard() time.Duration {
	if w.timeout == 0 {
		return 1000 * time.Hour
	}
	return w.timeout * 5 / 4
}

// narrowed is a queue that can do less than mem.
type narrowed struct {
	driver.Queue
	capabilities driver.Capabilities
}

func (w *weather) narrow(q driver.Queue) narrowed {
	c := q.Capabilities()
	c.MaxSendBatch, c.MaxSettleBatch = w.batch, w.batch
	if w.sendDelay > 0 {
		c.MaxSendDelay = w.sendDelay
	}
	if w.undelayed {
		c.MaxSendDelay, c.SendDelay = 0, driver.Support{Note: "left out by the simulation"}
	}
	if w.releaseDelay > 0 {
		c.MaxReleaseDelay = w.releaseDelay
	}
	if w.parks {
		c.MaxReleaseDelay, c.ReleaseDelay = 0, driver.Support{Note: "left out by the simulation"}
	}
	c.CancelSafe = !w.stranding
	return narrowed{q, c}
}

func (n narrowed) Capabilities() driver.Capabilities { return n.capabilities }
