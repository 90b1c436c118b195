package runtime

// maxRecent is how many ids are remembered.
const maxRecent = 10_000

// recent is a set that forgets the oldest. The zero value is empty.
type recent struct {
	ids  map[string]struct{}
	ring []string // in the order in which they came
	next int      // the place in ring to use next
}

func (r *recent) has(id string) bool {
	if len(r.ids) == 0 {
		return false
	}
	_, ok := r.ids[id]
	return ok
}

func (r *recent) add(id string) {
	if r.has(id) {
		return
	}
	if r.ids == nil {
		r.ids = make(map[string]struct{})
	}
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, id)
	} else {
		delete(r.ids, r.ring[r.next])
		r.ring[r.next] = id
		r.next = (r.next + 1) % maxRecent
	}
	r.ids[id] = struct{}{}
}
