package pubsubfake_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

// hosts serves each host with a handler of its own.
type hosts struct {
	mu       sync.Mutex
	handlers []http.Handler // guarded by mu
}

func (h *hosts) add(handler http.Handler) (url string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handlers = append(h.handlers, handler)
	return fmt.Sprintf("https://endpoint%d.example.com", len(h.handlers)-1)
}

func (h *hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	handler := http.NotFoundHandler()
	for i, other := range h.handlers {
		if r.Host == fmt.Sprintf("endpoint%d.example.com", i) {
			handler = other
		}
	}
	h.mu.Unlock()
	handler.ServeHTTP(w, r)
}

func TestServerKeepsTheRules(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range pubsubfake.Probes() {
		if seen[p.Rule] || p.Source == "" {
			t.Errorf("the rule %q is there twice, or without a source", p.Rule)
		}
		seen[p.Rule] = true
		t.Run(p.Rule, func(t *testing.T) {
			hosts := new(hosts)
			client := pubsubfake.HandlerClient(hosts)
			bubbleWith(t, &pubsubfake.Options{PushClient: client}, func(e *env) {
				receive := func(h http.Handler) (string, func(), error) { return hosts.add(h), client.CloseIdleConnections, nil }
				clients := pubsubfake.Clients{Topics: e.topics, Subscriptions: e.subs, Receive: receive}
				if err := p.Run(e.Context(), clients, "test", "probe"); err != nil {
					e.Error(err)
				}
			})
		})
	}
}

func TestDifferencesNameRules(t *testing.T) {
	rules := map[string]bool{}
	for _, p := range pubsubfake.Probes() {
		rules[p.Rule] = true
	}
	for _, d := range pubsubfake.Differences() {
		if !rules[d.Rule] {
			t.Errorf("no probe has the rule %q, or it is there twice", d.Rule)
		}
		delete(rules, d.Rule)
		if d.Emulator == "" || d.Service == "" || d.Source == "" {
			t.Errorf("the difference %q is not complete", d.Rule)
		}
	}
}
