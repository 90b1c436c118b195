package pushentry_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/longshore-dev/longshore/pushentry"
)

const (
	audience = "https://orders.example.com"
	account  = "pusher@test.iam.gserviceaccount.com"
)

// The keys of the tests, which take long to make.
var (
	rsaKey    = mustKey(rsa.GenerateKey(rand.Reader, 2048))
	otherKey  = mustKey(rsa.GenerateKey(rand.Reader, 2048))
	shortKey  = mustKey(rsa.GenerateKey(rand.Reader, 1024))
	curveKey  = mustKey(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	rsaSource = map[string]any{"kid": "one", "kty": "RSA", "use": "sig", "alg": "RS256", "n": number(rsaKey.N), "e": "AQAB"}
)

func mustKey[K any](key K, err error) K {
	if err != nil {
		panic(err)
	}
	return key
}

func number(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

// curveSource is the public part of curveKey.
func curveSource() map[string]any {
	point, err := curveKey.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return map[string]any{
		"kid": "curve", "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
		"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
	}
}

// keyServer is where keys come from: a transport.
type keyServer struct {
	mu      sync.Mutex // guards what follows
	keys    []any
	control string // Cache-Control
	status  int    // 0: 200
	body    string // in place of keys
	err     error
	wait    time.Duration
	count   int
}

func newKeyServer(keys ...any) *keyServer {
	return &keyServer{keys: keys, control: "public, max-age=3600"}
}

// set changes what it answers.
func (s *keyServer) set(f func(*keyServer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *keyServer) fetched() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

func (s *keyServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.count++
	wait, err, status, body := s.wait, s.err, s.status, s.body
	header := http.Header{"Cache-Control": {s.control}}
	if body == "" {
		text, problem := json.Marshal(map[string]any{"keys": s.keys})
		if problem != nil {
			panic(problem)
		}
		body = string(text)
	}
	s.mu.Unlock()
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if err != nil {
		return nil, err
	}
	if status == 0 {
		status = 200
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// verified are options that need a token.
func (s *keyServer) verified() pushentry.Options {
	return pushentry.Options{
		Audience: audience, ServiceAccount: account, HTTPClient: &http.Client{Transport: s}, KeysURL: "https://example.com/keys",
	}
}

// good are the claims of a token that is taken.
func good() jwt.MapClaims {
	now := time.Now()
	return jwt.MapClaims{
		"iss": "https://accounts.google.com", "aud": audience, "email": account, "email_verified": true,
		"sub": "1", "azp": "1", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

// but is good with other claims; nil takes one away.
func but(pairs ...any) jwt.MapClaims {
	c := good()
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(c, pairs[i].(string))
			continue
		}
		c[pairs[i].(string)] = pairs[i+1]
	}
	return c
}

// sign makes a token, with pairs of a name and a value in its header.
func sign(method jwt.SigningMethod, id string, key any, c jwt.Claims, header ...any) string {
	t := jwt.NewWithClaims(method, c)
	t.Header["kid"] = id
	for i := 0; i < len(header); i += 2 {
		t.Header[header[i].(string)] = header[i+1]
	}
	text, err := t.SignedString(key)
	if err != nil {
		panic(err)
	}
	return text
}

func goodToken() string { return sign(jwt.SigningMethodRS256, "one", rsaKey, good()) }

// with sends a token along.
func with(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

var (
	errUnreachable                   = errors.New("unreachable")
	_              crypto.Signer     = rsaKey
	_              http.RoundTripper = (*keyServer)(nil)
)
