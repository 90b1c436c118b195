package sqsfake

// SetInflightLimit replaces the limit of 120,000, before any request.
func (s *Server) SetInflightLimit(n int) { s.inflightLimit = n }
