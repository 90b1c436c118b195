// Package recent has a map that forgets what came first.
package recent

// most is how many keys a Map remembers.
const most = 10_000

// Map is a map of the 10,000 keys that came last. The zero value is empty. It is not
// safe for concurrent use.
type Map[K comparable, V any] struct {
	values map[K]V
	ring   []K // in the order in which they came
	next   int // the place in ring to use next
}

// Len is how many keys it has.
func (r *Map[K, V]) Len() int { return len(r.values) }

// Get is the value of a key, and whether there is one.
func (r *Map[K, V]) Get(key K) (value V, ok bool) {
	if len(r.values) > 0 {
		value, ok = r.values[key]
	}
	return value, ok
}

// Add keeps the value of a key that has none yet.
func (r *Map[K, V]) Add(key K, value V) {
	if _, ok := r.Get(key); ok {
		return
	}
	if r.values == nil {
		r.values = make(map[K]V)
	}
	if len(r.ring) < most {
		r.ring = append(r.ring, key)
	} else {
		delete(r.values, r.ring[r.next])
		r.ring[r.next] = key
		r.next = (r.next + 1) % most
	}
	r.values[key] = value
}

// Put keeps the value of a key in place of the one it has.
func (r *Map[K, V]) Put(key K, value V) {
	if _, ok := r.Get(key); ok {
		r.values[key] = value
		return
	}
	r.Add(key, value)
}

// Remove forgets a key. Its place in the ring is used up later.
func (r *Map[K, V]) Remove(key K) { delete(r.values, key) }
