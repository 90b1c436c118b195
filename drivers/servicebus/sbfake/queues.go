package sbfake

import "github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/broker"

// QueueConfig is how a queue is made. A zero field has the default of the service.
type QueueConfig = broker.Config

// Counts are how many messages of each state a queue has.
type Counts = broker.Counts

// CreateQueue makes a queue with its dead letter. The error says what the service
// would refuse, such as a lock duration over five minutes or a name that is taken.
func (s *Server) CreateQueue(name string, c QueueConfig) error { return s.broker.Create(name, c) }

// UpdateQueue changes a queue.
func (s *Server) UpdateQueue(name string, c QueueConfig) error { return s.broker.Update(name, c) }

// DeleteQueue deletes a queue with all that it has; false when there is none. Its links
// are detached.
func (s *Server) DeleteQueue(name string) bool { return s.broker.Delete(name) }

// Queue is how a queue is made; false when there is none.
func (s *Server) Queue(name string) (QueueConfig, bool) { return s.broker.Config(name) }

// Queues are the names of all queues, in order.
func (s *Server) Queues() []string { return s.broker.Names() }

// Counts counts the messages of a queue, zero when there is none.
func (s *Server) Counts(name string) Counts {
	c, _ := s.broker.Counts(name)
	return c
}

// LoseLocks ends all locks of a queue or subqueue at once, as if they had run out.
func (s *Server) LoseLocks(path string) {
	if e, ok := s.broker.Entity(path); ok {
		e.LoseLocks()
	}
}
