package sqsfake

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/drivers/internal/alarm"
)

// Limits of message move tasks (API Reference, "StartMessageMoveTask" and
// "ListMessageMoveTasks").
const (
	maxMoveRate   = 500 // messages a second
	maxListedMove = 10
)

// A task without a rate of its own moves moveChunk messages every moveStep; the
// real service chooses its rate by itself.
const (
	moveChunk = 50
	moveStep  = 10 * time.Millisecond
)

// The states of a task.
const (
	moveRunning   = "RUNNING"
	moveCompleted = "COMPLETED"
	moveCancelled = "CANCELLED"
	moveFailed    = "FAILED"
)

// moveTask moves the messages of a dead-letter queue. Its fields are guarded by
// the server's mu.
type moveTask struct {
	handle      string
	source      *queue
	destination string // ARN; empty means where each message came from
	rate        int    // 0 when it was not given
	started     time.Duration
	status      string
	reason      string
	moved       int
	toMove      int
	next        time.Duration
	alarm       alarm.Alarm
}

type startMoveIn struct {
	SourceARN      string  `json:"SourceArn"`
	DestinationARN *string `json:"DestinationArn"`
	Rate           *int    `json:"MaxNumberOfMessagesPerSecond"`
}

func (in *startMoveIn) queueName() string { return arnName(in.SourceARN) }

func arnName(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }

type startMoveOut struct {
	TaskHandle string `json:"TaskHandle"`
}

// startMessageMoveTask begins to move what a dead-letter queue has. The first
// message moves one step later.
func (s *Server) startMessageMoveTask(_ *call, in *startMoveIn) (*startMoveOut, error) {
	if in.SourceARN == "" {
		return nil, missing("SourceArn")
	}
	if in.Rate != nil && (*in.Rate < 1 || *in.Rate > maxMoveRate) {
		return nil, invalid(*in.Rate, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queueByARN(in.SourceARN)
	if q == nil {
		return nil, failf(codeNotFound, "The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	if len(s.sources(q)) == 0 {
		return nil, failf(codeInvalidParameter, "Source queue must be configured as a Dead Letter Queue.")
	}
	destination := value(in.DestinationARN)
	if destination != "" {
		d := s.queueByARN(destination)
		switch {
		case d == nil:
			return nil, failf(codeNotFound, "The resource that you specified for the DestinationArn parameter doesn't exist.")
		case d == q:
			return nil, failf(codeInvalidParameter, "Source queue arn and destination queue arn cannot be the same.")
		case d.fifo != q.fifo:
			return nil, failf(codeInvalidParameter, "Source and destination queue must be of the same type.")
		}
	}
	if s.running(q) != nil {
		return nil, failf(codeInvalidParameter, "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	}
	now := s.now()
	q.advance(now)
	handle, err := json.Marshal(taskHandle{newID(), in.SourceARN})
	if err != nil {
		return nil, err
	}
	t := &moveTask{
		handle:      base64.StdEncoding.EncodeToString(handle),
		source:      q,
		destination: destination,
		rate:        value(in.Rate),
		started:     now,
		status:      moveRunning,
		toMove:      q.count[visible],
		next:        now,
	}
	t.alarm = s.alarms.New(t.step)
	s.tasks = append(s.tasks, t)
	t.schedule()
	return &startMoveOut{t.handle}, nil
}

// running is the task that moves messages of q; nil when there is none.
func (s *Server) running(q *queue) *moveTask {
	for _, t := range s.tasks {
		if t.source == q && t.status == moveRunning {
			return t
		}
	}
	return nil
}

// schedule sets the time of the next step.
func (t *moveTask) schedule() {
	if t.rate > 0 {
		t.next += time.Second / time.Duration(t.rate)
	} else {
		t.next += moveStep
	}
	t.alarm.Set(t.next)
}

// step moves some messages, and ends the task when there are no more.
func (t *moveTask) step() {
	chunk := moveChunk
	if t.rate > 0 {
		chunk = 1
	}
	now := t.source.s.now()
	q := t.source
	q.advance(now)
	for range chunk {
		next := q.next(1)
		if len(next) == 0 {
			break
		}
		if !t.move(next[0], now) {
			return
		}
	}
	if q.deleted || len(q.next(1)) == 0 {
		t.status = moveCompleted
		return
	}
	t.schedule()
}

// move sends m, which is new from then on, to its destination. It is false, and
// the task has failed, when there is none.
func (t *moveTask) move(m *message, now time.Duration) bool {
	s := t.source.s
	arn := t.destination
	if arn == "" {
		arn = m.source
	}
	to := s.queueByARN(arn)
	if to == nil {
		t.status, t.reason = moveFailed, "AWS.SimpleQueueService.NonExistentQueue"
		if arn == "" {
			t.reason = "CouldNotDetermineMessageSource"
		}
		return false
	}
	t.source.drop(m)
	c := *m.content
	c.id, c.source = newID(), ""
	if to.fifo {
		c.sequence = s.sequence()
	}
	to.add(&c, now, now, 0)
	t.moved++
	to.wake(now)
	return true
}

// taskSource is the ARN of the source queue that a task handle names.
func taskSource(handle string) (string, error) {
	var h taskHandle
	b, err := base64.StdEncoding.DecodeString(handle)
	if err != nil || json.Unmarshal(b, &h) != nil || h.TaskID == "" {
		return "", failf(codeInvalidParameter, "Value for parameter TaskHandle is invalid.")
	}
	return h.SourceARN, nil
}

// taskHandle is what a task handle says, in Base64.
type taskHandle struct {
	TaskID    string `json:"taskId"`
	SourceARN string `json:"sourceArn"`
}

type cancelMoveIn struct {
	TaskHandle string `json:"TaskHandle"`
}

type cancelMoveOut struct {
	Moved int `json:"ApproximateNumberOfMessagesMoved"`
}

func (s *Server) cancelMessageMoveTask(_ *call, in *cancelMoveIn) (*cancelMoveOut, error) {
	if in.TaskHandle == "" {
		return nil, missing("TaskHandle")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	source, err := taskSource(in.TaskHandle)
	if err != nil {
		return nil, err
	}
	if s.queueByARN(source) == nil {
		return nil, failf(codeNotFound, "The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	for _, t := range s.tasks {
		if t.handle != in.TaskHandle {
			continue
		}
		if t.status != moveRunning {
			return nil, failf(codeUnsupported, "Only active tasks can be cancelled; this one is %s.", t.status)
		}
		t.alarm.Stop()
		t.status = moveCancelled
		return &cancelMoveOut{t.moved}, nil
	}
	return nil, failf(codeNotFound, "Task does not exist.")
}

type listMovesIn struct {
	SourceARN  string `json:"SourceArn"`
	MaxResults *int   `json:"MaxResults"`
}

func (in *listMovesIn) queueName() string { return arnName(in.SourceARN) }

type listMovesOut struct {
	Results []listedMove `json:"Results"`
}

type listedMove struct {
	TaskHandle     string `json:"TaskHandle,omitempty"` // of a running task only
	Status         string `json:"Status"`
	SourceARN      string `json:"SourceArn"`
	DestinationARN string `json:"DestinationArn,omitempty"`
	Rate           int    `json:"MaxNumberOfMessagesPerSecond,omitempty"`
	Moved          int    `json:"ApproximateNumberOfMessagesMoved"`
	ToMove         int    `json:"ApproximateNumberOfMessagesToMove"`
	FailureReason  string `json:"FailureReason,omitempty"`
	Started        int64  `json:"StartedTimestamp"`
}

// listMessageMoveTasks lists the latest first, one unless more are asked for.
func (s *Server) listMessageMoveTasks(_ *call, in *listMovesIn) (*listMovesOut, error) {
	if in.SourceARN == "" {
		return nil, missing("SourceArn")
	}
	limit := 1
	if in.MaxResults != nil {
		limit = *in.MaxResults
		if limit < 1 || limit > maxListedMove {
			return nil, invalid(limit, "MaxResults", "Must be between 1 and 10, if provided.")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queueByARN(in.SourceARN)
	if q == nil {
		return nil, failf(codeNotFound, "The resource that you specified for the SourceArn parameter doesn't exist.")
	}
	out := &listMovesOut{Results: []listedMove{}}
	for _, t := range slices.Backward(s.tasks) {
		if t.source != q {
			continue
		}
		if len(out.Results) == limit {
			break
		}
		m := listedMove{
			Status: t.status, SourceARN: s.arn(q.name), DestinationARN: t.destination, Rate: t.rate,
			Moved: t.moved, ToMove: t.toMove, FailureReason: t.reason, Started: s.epoch(t.started),
		}
		if t.status == moveRunning {
			m.TaskHandle = t.handle
		}
		out.Results = append(out.Results, m)
	}
	return out, nil
}
