package mutants

import (
	"context"
	"strings"
	"sync"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

func workPayloadMutants() []Mutant {
	return []Mutant{
		{Name: "has no store for what it enqueues", On: onMem, CaughtBy: by("payload-by-reference", "payload-gone"),
			Client: func(q driver.Queue, o *runtime.ClientOptions) driver.Queue { o.Payloads = nil; return q }},
		{Name: "writes a payload twice", On: onMem, CaughtBy: by("payload-by-reference"),
			Client: func(q driver.Queue, o *runtime.ClientOptions) driver.Queue {
				changeStore(o.Payloads, func(s *brokenStore) { s.puts = 2 })
				return q
			}},
		{Name: "keeps no store for handlers", On: onMem, CaughtBy: by("payload-by-reference", "payload-gone", "payload-store-down"),
			Work: func(j *conformance.Job) { j.Payloads = nil }},
		{Name: "reads a payload twice", On: onMem, CaughtBy: by("payload-by-reference"), Work: storing(func(s *brokenStore) { s.gets = 2 })},
		{Name: "deletes a payload once it was read", On: onMem, CaughtBy: by("payload-by-reference"), Work: storing(func(s *brokenStore) { s.deletes = true })},
		{Name: "cuts a payload", On: onMem, CaughtBy: by("payload-by-reference"), Work: storing(func(s *brokenStore) {
			s.changes = func(data []byte) []byte { return append(data[:len(data)/2:len(data)/2], `"}`...) }
		})},
		{Name: "takes an object that is gone for a store that is down", On: onMem, CaughtBy: by("payload-gone"),
			Work: storing(func(s *brokenStore) { s.codes = map[driver.Code]driver.Code{driver.NotFound: driver.Unavailable} })},
		{Name: "takes a store that is down for an object that is gone", On: onMem, CaughtBy: by("payload-store-down"),
			Work: storing(func(s *brokenStore) { s.codes = map[driver.Code]driver.Code{driver.Unavailable: driver.NotFound} })},
		{Name: "reads whatever a message refers to", On: onMem, CaughtBy: by("payload-gone"), Work: storing(func(s *brokenStore) { s.forged = true })},
		{Name: "counts a store that is down as an attempt", On: onMem, CaughtBy: by("payload-store-down"),
			Work: copies(func(m *driver.Message) {
				if m.Carry.Snoozes > 0 {
					m.Carry.Attempts++
				}
			})},
	}
}

// storing breaks the store of the handlers.
func storing(f func(s *brokenStore)) func(*conformance.Job) {
	return func(j *conformance.Job) { changeStore(j.Payloads, f) }
}

// changeStore breaks the store of p, if there is one.
func changeStore(p *runtime.Payloads, f func(s *brokenStore)) {
	if p == nil {
		return
	}
	s := &brokenStore{PayloadStore: p.Store, puts: 1, gets: 1, read: make(map[string]bool)}
	f(s)
	p.Store = s
}

// brokenStore is a sound store with mistakes.
type brokenStore struct {
	runtime.PayloadStore
	puts, gets int // of each call
	deletes    bool
	forged     bool
	changes    func([]byte) []byte         // nil for nothing
	codes      map[driver.Code]driver.Code // of errors

	mu   sync.Mutex
	read map[string]bool // guarded by mu
}

func (s *brokenStore) Put(ctx context.Context, name string, data []byte) (ref string, err error) {
	for range s.puts {
		ref, err = s.PayloadStore.Put(ctx, name, data)
	}
	return ref, err
}

func (s *brokenStore) Get(ctx context.Context, ref string, limit int) (data []byte, err error) {
	if s.forged && strings.HasPrefix(ref, "file:") {
		return []byte(`{"note":"hunter2"}`), nil
	}
	s.mu.Lock()
	before := s.read[ref]
	s.read[ref] = true
	s.mu.Unlock()
	if s.deletes && before {
		return nil, driver.Errorf(driver.NotFound, "mutants: get", "the object was deleted")
	}
	for range s.gets {
		data, err = s.PayloadStore.Get(ctx, ref, limit)
	}
	if err != nil {
		if code, ok := s.codes[driver.CodeOf(err)]; ok {
			err = driver.Errorf(code, "mutants: get", "%w", err)
		}
		return nil, err
	}
	if s.changes != nil {
		data = s.changes(data)
	}
	return data, nil
}
