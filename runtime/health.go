package runtime

import (
	"encoding/json"
	"net/http"
	"path"
	"sync/atomic"
	"time"
)

// State is where a Worker is in its life.
type State string

// The states of a Worker, in their order.
const (
	StateStarting State = "starting" // until the start-up check has passed, also while that is tried again
	StateRunning  State = "running"
	StateDraining State = "draining"
	StateEnded    State = "ended" // Run has returned
)

// StallTime is how long after its own wait a receive may take. A poller that is
// not back by then is taken for stalled: every driver's calls end before.
const StallTime = time.Minute

// Health is how a Worker is. It has no payloads and no errors, and may be shown
// to whoever can reach the worker.
type Health struct {
	State State `json:"state"`
	// Live is false when polling has stalled, or Run has returned: only another
	// process helps. A broker that does not answer, and handlers that leave no room
	// to receive, are no stall.
	Live bool `json:"live"`
	// Ready is whether the worker receives: false while it starts, drains, or is
	// not live.
	Ready  bool          `json:"ready"`
	Queues []QueueHealth `json:"queues"`
}

// QueueHealth is how the polling of one queue is.
type QueueHealth struct {
	Name string `json:"name"`
	// Stalled is whether a receive has not returned within its wait and StallTime.
	Stalled bool `json:"stalled"`
	// Failures is how many receives have failed since the last one that did not.
	Failures int `json:"failures"`
	// Paused is whether a handler has paused the queue; see PauseQueue.
	Paused bool `json:"paused"`
}

// Health is how the worker is at this moment. It makes no call to a broker, and is
// safe for concurrent use, also before and after Run.
func (w *Worker) Health() Health {
	state := StateStarting
	if s := w.state.Load(); s != nil {
		state = *s
	}
	h := Health{State: state, Live: state != StateEnded}
	for _, l := range w.lanes {
		q := QueueHealth{Name: l.queue.Name, Stalled: l.pulse.stalled(l.now()), Failures: int(l.pulse.failures.Load()), Paused: w.schedule.paused(l.share)}
		h.Live = h.Live && !q.Stalled
		h.Queues = append(h.Queues, q)
	}
	h.Ready = h.Live && state == StateRunning
	return h
}

// HealthHandler answers probes: a path that ends in /livez with 200 when the
// worker is live and 503 when it is not, one that ends in /readyz likewise, both
// with [Health] as JSON; 404 for others. It is safe for concurrent use, before,
// while and after Run runs; it needs no broker.
func (w *Worker) HealthHandler() http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := w.Health()
		var ok bool
		switch path.Base(r.URL.Path) {
		case "livez":
			ok = h.Live
		case "readyz":
			ok = h.Ready
		default:
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Cache-Control", "no-store")
		if !ok {
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(rw).Encode(h) // who asked may have gone
	})
}

// enter says that the worker has come to a state.
func (w *Worker) enter(s State) { w.state.Store(&s) }

// pulse is what is known of a lane's first poller. It is safe for concurrent use.
type pulse struct {
	due      atomic.Int64 // nanoseconds on the lane's scale by which it must be back; 0 when it may wait for ever
	failures atomic.Int32
}

// expect says that the poller will be back within d of now.
func (p *pulse) expect(now, d time.Duration) { p.due.Store(int64(now + d + StallTime)) }

// rest says that the poller waits for something else than the broker.
func (p *pulse) rest() { p.due.Store(0) }

func (p *pulse) stalled(now time.Duration) bool {
	due := p.due.Load()
	return due > 0 && int64(now) > due
}
