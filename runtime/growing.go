package runtime

import (
	"maps"
	"sync"
	"sync/atomic"
)

// growing is a map that is read with every task and gets an entry now and then: reading
// takes no lock, adding copies. The zero value is empty. It is safe for concurrent use.
type growing[K comparable, V any] struct {
	mu  sync.Mutex              // held to change all
	all atomic.Pointer[map[K]V] // the map does not change; nil for an empty one
}

// entries are those at this moment; they must not be changed.
func (g *growing[K, V]) entries() map[K]V {
	if all := g.all.Load(); all != nil {
		return *all
	}
	return nil
}

// of is the entry of key, which newEntry makes if there is none. With a limit of entries
// above 0, a key that is one too many has that of the key instead.
func (g *growing[K, V]) of(key K, limit int, instead K, newEntry func(K) V) V {
	if v, ok := g.entries()[key]; ok {
		return v
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	old := g.entries()
	if limit > 0 && len(old) >= limit {
		key = instead
	}
	if v, ok := old[key]; ok {
		return v
	}
	all := make(map[K]V, len(old)+1)
	maps.Copy(all, old)
	all[key] = newEntry(key)
	g.all.Store(&all)
	return all[key]
}
