package alarm_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/drivers/internal/alarm"
)

// server rings its one alarm, and notes when.
type server struct {
	mu    sync.Mutex // guards all
	set   *alarm.Set
	alarm alarm.Alarm
	rung  []time.Duration
}

func newServer() *server {
	s := new(server)
	start := time.Now()
	s.set = alarm.NewSet(&s.mu, start)
	s.alarm = s.set.New(func() { s.rung = append(s.rung, time.Since(start)) })
	return s
}

// do calls each of fs with the mutex held, a second between two.
func (s *server) do(fs ...func()) {
	for _, f := range fs {
		s.mu.Lock()
		f()
		s.mu.Unlock()
		time.Sleep(time.Second)
	}
}

func (s *server) at(d time.Duration) func() { return func() { s.alarm.Set(d) } }

func TestAlarmRings(t *testing.T) {
	const second = time.Second
	tests := []struct {
		name string
		do   func(s *server)
		want []time.Duration
	}{
		{"at its moment", func(s *server) { s.do(s.at(5 * second)) }, []time.Duration{5 * second}},
		{"once when set twice alike", func(s *server) { s.do(s.at(5*second), s.at(5*second)) }, []time.Duration{5 * second}},
		{"at the later moment", func(s *server) { s.do(s.at(5*second), s.at(8*second)) }, []time.Duration{8 * second}},
		{"at the earlier moment", func(s *server) { s.do(s.at(8*second), s.at(5*second)) }, []time.Duration{5 * second}},
		{"at once when it is past", func(s *server) { s.do(func() {}, s.at(0)) }, []time.Duration{second}},
		{"again", func(s *server) { s.do(s.at(second/2), s.at(5*second)) }, []time.Duration{second / 2, 5 * second}},
		{"not when stopped", func(s *server) { s.do(s.at(5*second), s.alarm.Stop) }, nil},
		{"not when closed", func(s *server) { s.do(s.at(5*second), s.set.Close) }, nil},
		{"not when set after the close", func(s *server) { s.do(s.set.Close, s.at(5*second)) }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer()
				test.do(s)
				time.Sleep(time.Minute)
				s.do(s.set.Close)
				s.set.Wait()
				if !slices.Equal(s.rung, test.want) {
					t.Errorf("it rang at %v, want %v", s.rung, test.want)
				}
			})
		})
	}
}
