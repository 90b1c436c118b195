package pushentry_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/longshore-dev/longshore/pushentry"
)

func TestTokens(t *testing.T) {
	publicKey, err := x509.MarshalPKIXPublicKey(rsaKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	publicText := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicKey})
	rs := func(c jwt.Claims, header ...any) string {
		return sign(jwt.SigningMethodRS256, "one", rsaKey, c, header...)
	}
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).Unix() }
	cut := func(token string, part int, change func(string) string) string {
		parts := strings.Split(token, ".")
		parts[part] = change(parts[part])
		return strings.Join(parts, ".")
	}
	tests := []struct {
		name   string
		header func() []string // of Authorization
		want   int
		log    string
	}{
		{"good", func() []string { return []string{"Bearer " + rs(good())} }, 204, ""},
		{"the scheme in lower case", func() []string { return []string{"bearer " + rs(good())} }, 204, ""},
		{"the other issuer of Google", func() []string { return []string{"Bearer " + rs(but("iss", "accounts.google.com"))} }, 204, ""},
		{"by a curve", func() []string { return []string{"Bearer " + sign(jwt.SigningMethodES256, "curve", curveKey, good())} }, 204, ""},
		{"expired within the leeway", func() []string { return []string{"Bearer " + rs(but("exp", ago(50*time.Second)))} }, 204, ""},
		{"a clock ahead within the leeway", func() []string { return []string{"Bearer " + rs(but("iat", ago(-50*time.Second)))} }, 204, ""},

		{"none", func() []string { return nil }, 401, "no Authorization header"},
		{"empty", func() []string { return []string{""} }, 401, "no Authorization header"},
		{"no token after the scheme", func() []string { return []string{"Bearer "} }, 401, "no token"},
		{"another scheme", func() []string { return []string{"Basic " + rs(good())} }, 401, "no Authorization header"},
		{"two", func() []string { return []string{"Bearer " + rs(good()), "Bearer " + rs(good())} }, 401, "several"},
		{"too long", func() []string { return []string{"Bearer " + rs(but("long", strings.Repeat("x", 9000)))} }, 401, "8 KiB"},
		{"no token at all", func() []string { return []string{"Bearer abc"} }, 401, "no token"},
		{"nonsense", func() []string { return []string{"Bearer a.b.c"} }, 401, "no token"},
		{"a foreign key", func() []string { return []string{"Bearer " + sign(jwt.SigningMethodRS256, "one", otherKey, good())} }, 401, "signature"},
		{"an unknown key", func() []string { return []string{"Bearer " + sign(jwt.SigningMethodRS256, "two", otherKey, good())} }, 401, "no key"},
		{"no key id", func() []string { return []string{"Bearer " + sign(jwt.SigningMethodRS256, "", rsaKey, good())} }, 401, "no key"},
		{"a key id that is no text", func() []string { return []string{"Bearer " + rs(good(), "kid", 1)} }, 401, "no key"},
		{"an algorithm that nobody knows", func() []string {
			return []string{"Bearer " + cut(rs(good()), 0, func(string) string {
				return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"eyJSECRET","kid":"one"}`))
			})}
		}, 401, "cannot be verified"},
		{"no signature", func() []string {
			return []string{"Bearer " + sign(jwt.SigningMethodNone, "one", jwt.UnsafeAllowNoneSignatureType, good())}
		}, 401, "signature"},
		{"a cut signature", func() []string { return []string{"Bearer " + cut(rs(good()), 2, func(string) string { return "" })} }, 401, "signature"},
		{"the public key as a secret", func() []string { return []string{"Bearer " + sign(jwt.SigningMethodHS256, "one", publicText, good())} }, 401, "signature"},
		{"another hash", func() []string { return []string{"Bearer " + sign(jwt.SigningMethodRS512, "one", rsaKey, good())} }, 401, "signature"},
		{"the key of another algorithm", func() []string { return []string{"Bearer " + rs(good(), "kid", "curve")} }, 401, "another algorithm"},
		{"changed claims", func() []string {
			return []string{"Bearer " + cut(rs(good()), 1, func(string) string {
				return base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://accounts.google.com","aud":"` + audience + `","email":"` + account + `","email_verified":true,"exp":9999999999}`))
			})}
		}, 401, "signature"},
		{"extensions", func() []string { return []string{"Bearer " + rs(good(), "crit", []string{"b64"})} }, 401, "extensions"},
		{"expired", func() []string { return []string{"Bearer " + rs(but("exp", ago(61*time.Second)))} }, 401, "expired"},
		{"without an end", func() []string { return []string{"Bearer " + rs(but("exp", nil))} }, 401, "when it expires"},
		{"of the future", func() []string { return []string{"Bearer " + rs(but("iat", ago(-2*time.Minute)))} }, 401, "future"},
		{"not valid yet", func() []string { return []string{"Bearer " + rs(but("nbf", ago(-2*time.Minute)))} }, 401, "not valid yet"},
		{"another issuer", func() []string { return []string{"Bearer " + rs(but("iss", "https://accounts.example.com"))} }, 401, "issuer"},
		{"no issuer", func() []string { return []string{"Bearer " + rs(but("iss", nil))} }, 401, "issuer"},
		{"a signature that Cloud Run took away", func() []string {
			return []string{"Bearer " + cut(rs(good()), 2, func(string) string { return "SIGNATURE_REMOVED_BY_GOOGLE" })}
		}, 401, "SignatureChecked"},

		{"another audience", func() []string { return []string{"Bearer " + rs(but("aud", audience+"/"))} }, 403, "audience"},
		{"several audiences", func() []string {
			return []string{"Bearer " + rs(but("aud", []string{audience, "https://other.example.com"}))}
		}, 403, "audience"},
		{"no audience", func() []string { return []string{"Bearer " + rs(but("aud", nil))} }, 403, "audience"},
		{"another account", func() []string { return []string{"Bearer " + rs(but("email", "other@test.iam.gserviceaccount.com"))} }, 403, "account"},
		{"no account", func() []string { return []string{"Bearer " + rs(but("email", nil))} }, 403, "account"},
		{"an account that is not verified", func() []string { return []string{"Bearer " + rs(but("email_verified", false))} }, 403, "account"},
		{"an account that may be verified", func() []string { return []string{"Bearer " + rs(but("email_verified", nil))} }, 403, "account"},
	}
	keys := newKeyServer(rsaSource, curveSource())
	on(t, setup{options: keys.verified()}, func(e *env) {
		answers := make(map[int]*httptest.ResponseRecorder)
		for _, tt := range tests {
			time.Sleep(2 * time.Second) // so that each refusal is logged as a warning
			before := len(e.log.String())
			values := tt.header()
			w := e.post(wrapped(tt.name, event("1", "a"), 1), func(r *http.Request) {
				if values != nil {
					r.Header["Authorization"] = values
				}
			})
			e.status(tt.name, w, tt.want)
			log := e.log.String()[before:]
			if tt.want != 204 && (!strings.Contains(log, "level=WARN") || !strings.Contains(log, tt.log)) {
				e.Errorf("%s: the log says %q; want %q", tt.name, log, tt.log)
			}
			for _, value := range values {
				if _, token, _ := strings.Cut(value, " "); len(token) > 8 && (strings.Contains(log, token[:8]) || strings.Contains(log, "SECRET")) {
					e.Errorf("%s: the log has of the token: %s", tt.name, log)
				}
			}
			first := answers[tt.want]
			if answers[tt.want] = w; first != nil && (first.Body.String() != w.Body.String() || !maps.EqualFunc(first.Header(), w.Header(), func(a, b []string) bool { return strings.Join(a, ",") == strings.Join(b, ",") })) {
				e.Errorf("%s: the answer is %q %v, another of the same status %q %v", tt.name, w.Body, w.Header(), first.Body, first.Header())
			}
		}
		if got := answers[401].Header().Get("WWW-Authenticate"); got != "Bearer" {
			e.Errorf("WWW-Authenticate %q", got)
		}
		// Whether there is a queue is nothing that a stranger learns.
		w := httptest.NewRecorder()
		e.handler.ServeHTTP(w, httptest.NewRequestWithContext(e.Context(), "GET", "/nowhere", nil))
		e.status("another path", w, 401)
	})
}

func TestATokenWhoseSignatureThePlatformHasChecked(t *testing.T) {
	keys := newKeyServer(rsaSource)
	o := keys.verified()
	o.SignatureChecked = true
	removed := func(c jwt.MapClaims) string {
		token := sign(jwt.SigningMethodRS256, "one", rsaKey, c)
		return token[:strings.LastIndexByte(token, '.')] + ".SIGNATURE_REMOVED_BY_GOOGLE"
	}
	on(t, setup{options: o}, func(e *env) {
		task := wrapped("1", event("1", "a"), 1)
		e.status("good", e.post(task, with(removed(good()))), 204)
		e.status("expired", e.post(task, with(removed(but("exp", time.Now().Add(-2*time.Minute).Unix())))), 401)
		e.status("without an end", e.post(task, with(removed(but("exp", nil)))), 401)
		e.status("of another issuer", e.post(task, with(removed(but("iss", "https://example.com")))), 401)
		e.status("for another audience", e.post(task, with(removed(but("aud", "https://example.com")))), 403)
		e.status("of another account", e.post(task, with(removed(but("email", "a@example.com")))), 403)
		e.status("nonsense", e.post(task, with("a.b.SIGNATURE_REMOVED_BY_GOOGLE")), 401)
		e.status("the mark alone", e.post(task, with(".SIGNATURE_REMOVED_BY_GOOGLE")), 401)
		// Cloud Run checks that token alone, and whoever may invoke the service has one.
		e.status("beside a token that was checked in its place", e.post(task, with(removed(good())), func(r *http.Request) {
			r.Header.Set("X-Serverless-Authorization", "Bearer "+removed(but("email", "a@example.com")))
		}), 401)
		if n := keys.fetched(); n != 0 {
			e.Errorf("keys were fetched %d times", n)
		}
		e.status("with its signature", e.post(task, with(goodToken())), 204)
		e.status("forged", e.post(task, with(sign(jwt.SigningMethodRS256, "one", otherKey, good()))), 401)
	})
}

func TestRefusalsAreLoggedSparingly(t *testing.T) {
	on(t, setup{options: newKeyServer(rsaSource).verified()}, func(e *env) {
		for range 100 {
			e.post("{}")
		}
		time.Sleep(time.Second)
		e.post("{}")
		if n := strings.Count(e.log.String(), "level=WARN"); n != 2 || !strings.Contains(e.log.String(), "refused_before=99") {
			e.Errorf("%d warnings; want 2, and that 99 were left out", n)
		}
		if s := e.handler.Stats(); s.Refused[401] != 101 {
			e.Errorf("%+v", s)
		}
	})
}

// Nobody gets in without a token that a known key has signed.
func FuzzToken(f *testing.F) {
	f.Add("Bearer a.b.c")
	f.Add("Bearer " + sign(jwt.SigningMethodHS256, "one", []byte("secret"), good()))
	f.Add("Bearer " + sign(jwt.SigningMethodNone, "one", jwt.UnsafeAllowNoneSignatureType, good()))
	f.Add("Bearer " + sign(jwt.SigningMethodRS256, "one", otherKey, good()))
	o := newKeyServer(rsaSource, curveSource()).verified()
	h := fuzzHandler(f, &o)
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("{}"))
		r.Header["Authorization"] = []string{header}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 401 {
			t.Errorf("%q: status %d", header, w.Code)
		}
	})
}

var _ = pushentry.Options{}

// A token that was good is checked again with each push: its time, and its key.
func TestAKnownTokenIsCheckedAgain(t *testing.T) {
	keys := newKeyServer(rsaSource)
	on(t, setup{options: keys.verified()}, func(e *env) {
		token := goodToken()
		e.pushing("at first", token, 204)
		e.pushing("again", token, 204)
		dot := strings.LastIndexByte(token, '.')
		e.pushing("with another signature", token[:dot]+signedByAnother(token)[dot:], 401)
		next := map[string]any{"kid": "two", "kty": "RSA", "n": number(otherKey.N), "e": "AQAB"}
		keys.set(func(s *keyServer) { s.keys = []any{next} })
		time.Sleep(50 * time.Minute) // the keys are renewed beside a push
		e.pushing("while they are", token, 204)
		time.Sleep(time.Minute)
		e.pushing("once its key is gone", token, 401)
		keys.set(func(s *keyServer) {
			s.keys = []any{map[string]any{"kid": "one", "kty": "RSA", "n": number(otherKey.N), "e": "AQAB"}}
		})
		time.Sleep(2 * time.Minute)
		e.pushing("once another key has its id", token, 401)
		keys.set(func(s *keyServer) { s.keys = []any{rsaSource} })
		time.Sleep(2 * time.Hour)
		e.pushing("once it has expired", token, 401)
	})
}

// signedByAnother is the token with the signature of another key.
func signedByAnother(token string) string {
	parts := strings.Split(token, ".")
	signature, err := jwt.SigningMethodRS256.Sign(parts[0]+"."+parts[1], otherKey)
	if err != nil {
		panic(err)
	}
	return parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(signature)
}
