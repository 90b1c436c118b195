package pushentry_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/longshore-dev/longshore/driver"
)

// pushing pushes with a token, and asserts the status.
func (e *env) pushing(what, token string, want int) {
	e.Helper()
	e.status(what, e.post(wrapped("1", event("1", "a"), 1), with(token)), want)
}

func TestKeysAreKept(t *testing.T) {
	tests := []struct {
		control string
		kept    time.Duration
	}{
		{"public, max-age=3600, must-revalidate", time.Hour},
		{"max-age=600", 10 * time.Minute},
		{`MAX-AGE="600"`, 10 * time.Minute},
		{"max-age=1", time.Minute},
		{"max-age=-5", time.Minute},
		{"max-age=99999999999999999999", time.Minute},
		{"max-age=100000000", 24 * time.Hour},
		{"no-store, max-age=600", time.Minute},
		{"", time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.control, func(t *testing.T) {
			keys := newKeyServer(rsaSource)
			keys.control = tt.control
			on(t, setup{options: keys.verified()}, func(e *env) {
				for range 10 {
					e.pushing("at first", goodToken(), 204)
				}
				time.Sleep(tt.kept*3/4 - time.Second)
				e.pushing("before they are old", goodToken(), 204)
				if n := keys.fetched(); n != 1 {
					e.Fatalf("fetched %d times by then", n)
				}
				time.Sleep(tt.kept/4 + time.Second)
				e.pushing("after", goodToken(), 204)
				if n := keys.fetched(); n != 2 {
					e.Errorf("fetched %d times; want twice", n)
				}
			})
		})
	}
}

// Requests do not wait for keys that are about to run out.
func TestKeysAreRenewedBesideTheRequests(t *testing.T) {
	keys := newKeyServer(rsaSource)
	on(t, setup{options: keys.verified()}, func(e *env) {
		e.pushing("at first", goodToken(), 204)
		time.Sleep(50 * time.Minute)
		keys.set(func(s *keyServer) { s.wait = 3 * time.Second })
		began := time.Now()
		e.pushing("near their end", goodToken(), 204)
		if time.Since(began) != 0 {
			e.Errorf("the request waited for %v", time.Since(began))
		}
		time.Sleep(time.Minute)
		if n := keys.fetched(); n != 2 {
			e.Errorf("fetched %d times", n)
		}
		time.Sleep(30 * time.Minute)
		e.pushing("after the end of the first", goodToken(), 204)
		if n := keys.fetched(); n != 2 {
			e.Errorf("fetched %d times", n)
		}
	})
}

func TestKeysOfAFailedFetchStayInUse(t *testing.T) {
	keys := newKeyServer(rsaSource)
	on(t, setup{options: keys.verified()}, func(e *env) {
		e.pushing("at first", goodToken(), 204)
		keys.set(func(s *keyServer) { s.err = errUnreachable })
		for range 48 {
			time.Sleep(time.Hour)
			e.pushing("while they cannot be fetched", goodToken(), 204)
		}
		before := keys.fetched()
		e.pushing("an unknown key, which nobody can know", sign(jwt.SigningMethodRS256, "two", otherKey, good()), 503)
		if keys.fetched() != before {
			e.Error("they were fetched again within a minute")
		}
	})
}

func TestAnUnknownKeyFetchesOnceAMinute(t *testing.T) {
	keys := newKeyServer(rsaSource)
	on(t, setup{options: keys.verified()}, func(e *env) {
		e.pushing("at first", goodToken(), 204)
		time.Sleep(2 * time.Minute)
		answers := make(chan *httptest.ResponseRecorder, 40)
		keys.set(func(s *keyServer) { s.wait = time.Second })
		for i := range 20 {
			go func() {
				answers <- e.post("{}", with(sign(jwt.SigningMethodRS256, fmt.Sprint("unknown", i), otherKey, good())))
			}()
		}
		synctest.Wait()
		began := time.Now()
		e.pushing("a known one meanwhile", goodToken(), 204)
		if time.Since(began) != 0 {
			e.Error("it waited")
		}
		for range 20 {
			e.status("an unknown one", <-answers, 401)
		}
		for i := range 20 {
			e.pushing("an unknown one again", sign(jwt.SigningMethodRS256, fmt.Sprint("more", i), otherKey, good()), 401)
		}
		if n := keys.fetched(); n != 2 {
			e.Errorf("fetched %d times; want twice", n)
		}
		next := map[string]any{"kid": "two", "kty": "RSA", "n": number(otherKey.N), "e": "AQAB"}
		keys.set(func(s *keyServer) { s.keys = append(s.keys, next) })
		time.Sleep(time.Minute)
		e.pushing("a new one", sign(jwt.SigningMethodRS256, "two", otherKey, good()), 204)
	})
}

func TestWithoutKeysNothingIsKnown(t *testing.T) {
	big := `{"keys":[` + strings.Repeat(" ", 1<<20) + `]}`
	tests := []struct {
		name string
		set  func(*keyServer)
	}{
		{"unreachable", func(s *keyServer) { s.err = errUnreachable }},
		{"silent", func(s *keyServer) { s.wait = time.Hour }},
		{"an error", func(s *keyServer) { s.status = 500 }},
		{"no JSON", func(s *keyServer) { s.body = "<html>" }},
		{"no keys", func(s *keyServer) { s.body = `{"keys":[]}` }},
		{"too large", func(s *keyServer) { s.body = big }},
		{"a short key", func(s *keyServer) {
			s.keys = []any{map[string]any{"kid": "one", "kty": "RSA", "n": number(shortKey.N), "e": "AQAB"}}
		}},
		{"a key for something else", func(s *keyServer) {
			s.keys = []any{map[string]any{"kid": "one", "kty": "RSA", "use": "enc", "n": number(rsaKey.N), "e": "AQAB"}}
		}},
		{"a key for another algorithm", func(s *keyServer) {
			s.keys = []any{map[string]any{"kid": "one", "kty": "RSA", "alg": "RS512", "n": number(rsaKey.N), "e": "AQAB"}}
		}},
		{"an exponent of 1", func(s *keyServer) {
			s.keys = []any{map[string]any{"kid": "one", "kty": "RSA", "n": number(rsaKey.N), "e": "AQ"}}
		}},
		{"no number", func(s *keyServer) { s.keys = []any{map[string]any{"kid": "one", "kty": "RSA", "n": "!", "e": "AQAB"}} }},
		{"no id", func(s *keyServer) { s.keys = []any{map[string]any{"kty": "RSA", "n": number(rsaKey.N), "e": "AQAB"}} }},
		{"an unknown type", func(s *keyServer) { s.keys = []any{map[string]any{"kid": "one", "kty": "oct", "k": "c2VjcmV0"}} }},
		{"another curve", func(s *keyServer) { c := curveSource(); c["crv"] = "P-384"; s.keys = []any{c} }},
		{"no point of the curve", func(s *keyServer) { c := curveSource(); c["x"] = c["y"]; s.keys = []any{c} }},
		{"half a point", func(s *keyServer) { c := curveSource(); c["x"] = "AQAB"; s.keys = []any{c} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys := newKeyServer(rsaSource)
			on(t, setup{options: keys.verified()}, func(e *env) {
				keys.set(tt.set)
				e.pushing("a good token", goodToken(), 503)
				if err := e.handler.Check(e.Context()); !driver.Is(err, driver.Unavailable) {
					e.Errorf("check: %v; want Unavailable", err)
				}
				if strings.Contains(e.log.String(), "eyJ") {
					e.Errorf("the log has a token: %s", e.log)
				}
				keys.set(func(s *keyServer) { s.keys, s.err, s.wait, s.status, s.body = []any{rsaSource}, nil, 0, 0, "" })
				time.Sleep(10 * time.Second) // it is tried again soon, and then less often
				e.pushing("once they can be fetched", goodToken(), 204)
			})
		})
	}
}

func TestKeysComeThroughTheProgramsTransport(t *testing.T) {
	keys := newKeyServer(rsaSource)
	theirs := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = theirs })
	http.DefaultTransport = keys
	o := keys.verified()
	o.HTTPClient = nil
	on(t, setup{options: o}, func(e *env) {
		e.pushing("good", goodToken(), 204)
	})
}

// deafTransport answers when it is told to, whatever its context says.
type deafTransport struct{ answer chan struct{} }

func (d *deafTransport) RoundTrip(*http.Request) (*http.Response, error) {
	<-d.answer
	return nil, errUnreachable
}

func TestADrainEndsWithItsContextWhateverTheFetch(t *testing.T) {
	o := newKeyServer().verified()
	deaf := new(deafTransport)
	o.HTTPClient = &http.Client{Transport: deaf}
	on(t, setup{options: o}, func(e *env) {
		deaf.answer = make(chan struct{})
		defer close(deaf.answer)
		go e.post("{}", with(goodToken()))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(e.Context(), 5*time.Second)
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- e.handler.Drain(ctx) }()
		time.Sleep(6 * time.Second)
		select {
		case err := <-ended:
			e.must(err)
		default:
			e.Error("the drain goes on beyond its context")
		}
	})
}

func TestADrainEndsAFetch(t *testing.T) {
	keys := newKeyServer(rsaSource)
	keys.wait = time.Hour
	on(t, setup{options: keys.verified()}, func(e *env) {
		answer := make(chan *httptest.ResponseRecorder, 1)
		go func() { answer <- e.post("{}", with(goodToken())) }()
		synctest.Wait()
		began := time.Now()
		e.must(e.handler.Drain(e.Context()))
		e.status("what waited for keys", <-answer, 503)
		if time.Since(began) != 0 {
			e.Errorf("the drain took %v", time.Since(began))
		}
	})
}
