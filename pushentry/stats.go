package pushentry

import (
	"net/http"
	"sync/atomic"
)

// Stats count what a Handler has done since it was made.
type Stats struct {
	// Requests is how many came.
	Requests int64
	// Acked, Released, Buried and Copied are runs of tasks by what became of them: done,
	// to come again, taken by the dead letter, sent anew.
	Acked, Released, Buried, Copied int64
	// Joined is how many requests pushed a message again that was running.
	Joined int64
	// Refused are the requests that no run answered, by status.
	Refused map[int]int64
	// Running is how many tasks run at this moment.
	Running int
}

// statuses are those of refusals.
var statuses = [...]int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
	http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusInternalServerError,
	http.StatusServiceUnavailable,
}

// counters are safe for concurrent use.
type counters struct {
	requests, acked, released, buried, copied, joined atomic.Int64
	refused                                           [len(statuses)]atomic.Int64
}

func (c *counters) refuse(status int) {
	for i, s := range statuses {
		if s == status {
			c.refused[i].Add(1)
		}
	}
}

// Stats are as of now, each number by itself. It is safe for concurrent use.
func (h *Handler) Stats() Stats {
	c := &h.stats
	s := Stats{
		Requests: c.requests.Load(), Acked: c.acked.Load(), Released: c.released.Load(), Buried: c.buried.Load(),
		Copied: c.copied.Load(), Joined: c.joined.Load(), Refused: make(map[int]int64), Running: h.runs.count(),
	}
	for i, status := range statuses {
		if n := c.refused[i].Load(); n > 0 {
			s.Refused[status] = n
		}
	}
	return s
}
