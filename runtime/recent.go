package runtime

// maxRecent is how many keys a recent remembers.
const maxRecent = 10_000

// recent is a map that forgets the key that came first. The zero value is empty.
type recent[K comparable, V any] struct {
	values map[K]V
	ring   []K // in the order in which they came
	next   int // the place in ring to use next
}

func (r *recent[K, V]) len() int { return len(r.values) }

func (r *recent[K, V]) get(key K) (value V, ok bool) {
	if len(r.values) > 0 {
		value, ok = r.values[key]
	}
	return value, ok
}

// add keeps the value of a key that has none yet.
func (r *recent[K, V]) add(key K, value V) {
	if _, ok := r.get(key); ok {
		return
	}
	if r.values == nil {
		r.values = make(map[K]V)
	}
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, key)
	} else {
		delete(r.values, r.ring[r.next])
		r.ring[r.next] = key
		r.next = (r.next + 1) % maxRecent
	}
	r.values[key] = value
}

// put keeps the value of a key in place of the one it has.
func (r *recent[K, V]) put(key K, value V) {
	if _, ok := r.get(key); ok {
		r.values[key] = value
		return
	}
	r.add(key, value)
}

// remove forgets a key. Its place in the ring is used up later.
func (r *recent[K, V]) remove(key K) { delete(r.values, key) }
