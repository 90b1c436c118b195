package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

func TestEachContenderWorks(t *testing.T) {
	for _, c := range contenders {
		t.Run(c.name, func(t *testing.T) {
			s := startNull(t)
			var out bytes.Buffer
			if err := work(t.Context(), c, period{parallel: c.parallel[0], warmUp: 100 * time.Millisecond, length: 300 * time.Millisecond}, &out); err != nil {
				t.Fatal(err)
			}
			var m measurement
			if err := json.Unmarshal(out.Bytes(), &m); err != nil || m.Messages == 0 || m.CPU <= 0 || m.Took < 300*time.Millisecond {
				t.Errorf("measured %+v, %v", m, err)
			}
			if got := s.Counts(); got[opReceive].Messages < m.Messages || got[opDelete].Messages == 0 {
				t.Errorf("the server has counted %v", got)
			}
		})
	}
}

func TestFiguresRun(t *testing.T) {
	t.Run("cpu", func(t *testing.T) {
		var out bytes.Buffer
		err := compareCPU(t.Context(), cpuOptions{contenders: contenders[:1], rounds: 1, warmUp: 50 * time.Millisecond, length: 100 * time.Millisecond, out: &out})
		if err != nil || !strings.Contains(out.String(), longshore.name) {
			t.Errorf("%v: %s", err, out.String())
		}
	})
	t.Run("backlog", func(t *testing.T) {
		t.Setenv("AWS_ENDPOINT_URL_SQS", "") // to be set, and set back
		var out bytes.Buffer
		err := watchBacklog(t.Context(), backlogOptions{length: time.Second, pace: 200 * time.Millisecond, times: 10, out: &out})
		if err != nil || !strings.Contains(out.String(), "leases lost: 0, second deliveries: 0") {
			t.Errorf("%v: %s", err, out.String())
		}
	})
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string // "" for none
	}{
		{"CPU within", cpuOf(30, 30, 60), ""},
		{"CPU above the raw loop's", cpuOf(50, 30, 100), "1.67 of the CPU a message of raw SDK loop, more than 1.40"},
		{"CPU above half of gocloud's", cpuOf(30, 30, 50), "0.60 of the CPU a message of gocloud awssnssqs, more than 0.50"},
		{"requests within", requestsOf(1000, 1000, 1050), ""},
		{"requests above", requestsOf(1000, 1100, 1200), "0.3300 requests, more than the 0.31"},
		{"idle within", idleOf(2, 0), ""},
		{"idle with too many receives", idleOf(3, 0), "64 slots sends 3 requests in 39s, not one in 20s"},
		{"idle with others", idleOf(1, 2), "sends 3 requests"},
		{"idle without a poll", idleOf(0, 1), "sends 1 requests"},
		{"backlog within", backlogOf(0, 0, time.Second, 10*time.Second), ""},
		{"a wait too long", backlogOf(0, 0, time.Second, 10*time.Second+1), "longer than 10s"},
		{"a lease lost", backlogOf(1, 0, time.Second), "1 leases were lost"},
		{"a second delivery", backlogOf(0, 1, time.Second), "1 tasks were delivered again"},
		{"no backlog", backlogOf(0, 0), "no task came"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if (tt.err == nil) != (tt.want == "") || tt.err != nil && !strings.Contains(tt.err.Error(), tt.want) {
				t.Errorf("got %v, want %q", tt.err, tt.want)
			}
		})
	}
}

func cpuOf(ours, loop, other time.Duration) error {
	var results []*result
	for _, r := range []struct {
		c   contender
		cpu time.Duration
	}{{longshore, ours}, {raw, loop}, {gocloudDefault, other}} {
		results = append(results, &result{contender: r.c, all: []measurement{{Messages: 1, CPU: r.cpu}}})
	}
	return checkCPU(io.Discard, results)
}

func requestsOf(send, receive, remove int64) error {
	return reportRequests(requestsOptions{out: io.Discard}, map[string]opCount{
		opSend: {Requests: send}, opReceive: {Requests: receive}, opDelete: {Requests: remove},
	}, 10_000, 10_000, time.Second)
}

func idleOf(receives, others int64) error {
	return reportIdle(requestsOptions{out: io.Discard}, slots, map[string]opCount{opReceive: {Requests: receives}, "other": {Requests: others}})
}

func backlogOf(lost, again int64, waits ...time.Duration) error {
	return reportBacklog(backlogOptions{out: io.Discard}, waits, int64(len(waits)), lost, again)
}

func TestWatchSeesWaitsAndSecondDeliveries(t *testing.T) {
	q, err := mem.New(load.QueueName, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{Queue: q, waiting: make(map[int64]time.Time)}
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: load.QueueName, Driver: q}); err != nil {
		t.Fatal(err)
	}
	defer queues.Close(t.Context())
	c, err := runtime.NewClient(queues, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runtime.Enqueue(t.Context(), c, numbered{7}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		leases, err := w.Receive(t.Context(), driver.ReceiveOptions{Max: 1, Wait: time.Second})
		if err != nil || len(leases) != 1 {
			t.Fatalf("%d leases, %v", len(leases), err)
		}
		if errs := q.Settle(t.Context(), []driver.Settlement{{Lease: leases[0], Verdict: driver.Release}}); errs[0] != nil {
			t.Fatal(errs[0])
		}
	}
	if len(w.all()) != 1 {
		t.Errorf("of one that has not started there are waits %v", w.all())
	}
	w.started(7)
	if all := w.all(); len(all) != 1 || all[0] <= 0 || len(w.waiting) != 0 {
		t.Errorf("waits %v, %d waiting", all, len(w.waiting))
	}
	if w.received.Load() != 2 || w.again.Load() != 1 {
		t.Errorf("received %d, again %d", w.received.Load(), w.again.Load())
	}
}
