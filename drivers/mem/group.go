package mem

// group is the entries that share a GroupKey in an ordered store. Its head is
// visible; there is none while any entry is out. The others wait behind it.
type group struct {
	head   *entry
	out    int  // entries that are leased or hidden
	behind list // in the order of arrival
}

// join puts e behind the others of its group, or makes it the head.
func (s *store) join(e *entry) {
	g := s.groups[e.content.group]
	if g == nil {
		g = new(group)
		s.groups[e.content.group] = g
	}
	e.group = g
	g.behind.pushBack(e)
	s.lead(g)
}

// lead makes the first of those that wait the head, unless another is, or any
// entry is out. A group without entries ends.
func (s *store) lead(g *group) {
	if g.head != nil || g.out > 0 {
		return
	}
	e := g.behind.front()
	if e == nil {
		return
	}
	g.behind.remove(e)
	g.head = e
	s.visible.pushBack(e)
}

// goOut says that e, the head or the first behind it, was leased.
func (g *group) goOut(e *entry) {
	if g.head == e {
		g.head = nil
	} else {
		g.behind.remove(e)
	}
	g.out++
}

// comeBack puts e, which was out, in its place.
func (s *store) comeBack(e *entry) {
	e.group.out--
	e.group.behind.insert(e)
	s.lead(e.group)
}

// leave lets the group of e, which was out, go on without it.
func (s *store) leave(e *entry) {
	g := e.group
	e.group = nil
	g.out--
	s.lead(g)
	if g.head == nil && g.out == 0 {
		delete(s.groups, e.content.group)
	}
}
