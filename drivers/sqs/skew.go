package sqs

import (
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// skew tells how late an answer is, by the time that the server wrote into it: so
// one that waited for a process which was paused is known for what it is. How far
// the clocks are apart it learns from answers that came at once.
type skew struct {
	start time.Time // of the queue's handle; has both clocks

	mu sync.Mutex
	// The least distance between the arrival of a quick answer and its time, in the
	// window that began at since and in the one before; guarded by mu.
	since             time.Time
	current, previous time.Duration
	// answers says that the server writes the time of the answer. Some write that
	// of the request (LocalStack), which tells nothing; guarded by mu.
	answers bool
}

const (
	// skewWindow is for how long the quickest answer counts, once to twice, as
	// clocks drift apart; beyond skewOld nothing is known.
	skewWindow = 5 * time.Minute
	skewOld    = time.Hour
	// dateGrain is how exact the time in an answer is, and tolerated what it and the
	// drift of a window explain.
	dateGrain = time.Second
	tolerated = dateGrain + dateGrain/2
	// telling is how long an answer must have taken to tell which time the server
	// writes.
	telling = 3 * time.Second
)

// note learns from the answer to a request, and says how late it is: 0 where that
// is not known, or no more than is tolerated.
func (s *skew) note(sent, arrived time.Time, answer middleware.Metadata) time.Duration {
	server, ok := awsmiddleware.GetServerTime(answer)
	if !ok || server.IsZero() {
		return 0
	}
	return s.late(sent, arrived, server)
}

func (s *skew) late(sent, arrived, server time.Time) time.Duration {
	// Since the start by the monotonic clock, so that nobody who sets the clock
	// makes answers late.
	distance := arrived.Sub(s.start) - server.Sub(s.start.Round(0))
	took := arrived.Sub(sent)
	s.mu.Lock()
	defer s.mu.Unlock()
	if took < dateGrain {
		s.learn(arrived, distance)
		return 0
	}
	if s.since.IsZero() || arrived.Sub(s.since) > skewOld {
		return 0
	}
	d := distance - min(s.current, s.previous)
	switch {
	case d <= tolerated:
		s.answers = s.answers || took >= telling
		return 0
	case !s.answers:
		return 0
	}
	return min(d, took)
}

// learn takes the distance of a quick answer. The caller holds mu.
func (s *skew) learn(arrived time.Time, distance time.Duration) {
	switch age := arrived.Sub(s.since); {
	case s.since.IsZero() || age > skewOld:
		s.since, s.current, s.previous = arrived, distance, distance
	case age >= skewWindow:
		s.since, s.current, s.previous = arrived, distance, s.current
	default:
		s.current = min(s.current, distance)
	}
}
