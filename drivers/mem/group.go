package mem

// group is the entries that share a GroupKey in an ordered store. Its head is
// the entry that is visible, leased or hidden; the others wait behind it.
type group struct {
	head   *entry
	behind list
}

// join puts e behind the others of its group, or makes it the head.
func (s *store) join(e *entry) {
	g := s.groups[e.content.group]
	if g == nil {
		g = new(group)
		s.groups[e.content.group] = g
	}
	e.group = g
	if g.head != nil {
		g.behind.pushBack(e)
		return
	}
	g.head = e
	s.visible.pushBack(e)
}

// leave lets the group of e, its head, go on.
func (s *store) leave(e *entry) {
	g := e.group
	e.group = nil
	g.head = g.behind.front()
	if g.head == nil {
		delete(s.groups, e.content.group)
		return
	}
	g.behind.remove(g.head)
	s.visible.pushBack(g.head)
}
