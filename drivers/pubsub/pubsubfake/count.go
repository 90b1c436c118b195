package pubsubfake

// Count is how many messages a subscription has. Google Pub/Sub tells such numbers
// in Cloud Monitoring only, minutes late.
type Count struct {
	Ready   int // may be delivered, or wait for one with the same ordering key
	Leased  int // delivered, within their ack deadline
	Delayed int // kept back by the retry policy
}

// Count gives how many messages the subscription of a full name has; zero for one
// that does not exist. It does not count as use of the subscription.
func (s *Server) Count(subscription string) Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.subscriptions[subscription]
	if b == nil {
		return Count{}
	}
	b.wake(s.now())
	return Count{Ready: b.count[ready], Leased: b.count[leased], Delayed: b.count[delayed]}
}
