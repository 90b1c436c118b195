package pubsubfake

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// issuer is that of Google's tokens (Google Pub/Sub documentation,
	// "Authentication for push subscriptions").
	issuer = "https://accounts.google.com"
	// tokenLife is how long a token is valid.
	tokenLife = time.Hour
	// tokenMargin is how long before its end a token is replaced. Until then it is
	// used again: one may be up to an hour old (the same page).
	tokenMargin = time.Minute

	keyBits = 2048
	// keysLife is for how long Keys lets its answer be kept, as Google does.
	keysLife = 19_800 * time.Second
)

// signer makes the OIDC tokens of pushes. It is safe for concurrent use.
type signer struct {
	made sync.Once // makes what follows; making a key takes a while
	key  *rsa.PrivateKey
	id   string

	mu     sync.Mutex
	tokens map[bearer]issued // guarded by mu
}

// bearer is whom a token is of, and for whom.
type bearer struct{ email, audience string }

type issued struct {
	token string
	end   time.Time
}

// claims are those of a token, in the order of the documentation.
type claims struct {
	Audience      string `json:"aud"`
	Party         string `json:"azp"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Expires       int64  `json:"exp"`
	Issued        int64  `json:"iat"`
	Issuer        string `json:"iss"`
	Subject       string `json:"sub"`
}

// jsonWebKey is a public key (RFC 7517).
type jsonWebKey struct {
	Algorithm string `json:"alg"`
	Exponent  string `json:"e"`
	ID        string `json:"kid"`
	Type      string `json:"kty"`
	Modulus   string `json:"n"`
	Use       string `json:"use"`
}

func (g *signer) make() {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		panic(fmt.Sprintf("pubsubfake: make a key: %v", err)) // it depends on keyBits only
	}
	sum := sha256.Sum256(key.N.Bytes())
	g.key, g.id = key, hex.EncodeToString(sum[:20])
}

// token gives a token of a service account for an audience, the last one while that
// is valid.
func (g *signer) token(email, audience string) string {
	g.made.Do(g.make)
	g.mu.Lock()
	defer g.mu.Unlock()
	who, now := bearer{email, audience}, time.Now()
	if t, ok := g.tokens[who]; ok && now.Before(t.end.Add(-tokenMargin)) {
		return t.token
	}
	end := now.Add(tokenLife)
	subject := accountNumber(email)
	token := g.sign(claims{
		Audience: audience, Party: subject, Email: email, EmailVerified: true,
		Expires: end.Unix(), Issued: now.Unix(), Issuer: issuer, Subject: subject,
	})
	if g.tokens == nil {
		g.tokens = map[bearer]issued{}
	}
	g.tokens[who] = issued{token, end}
	return token
}

// accountNumber makes up the number of a service account.
func accountNumber(email string) string {
	sum := sha256.Sum256([]byte(email))
	return fmt.Sprintf("1%020d", binary.BigEndian.Uint64(sum[:]))
}

// sign makes a JSON web token with RS256 (RFC 7515, RFC 7518, 3.3).
func (g *signer) sign(c claims) string {
	head := encode(map[string]string{"alg": "RS256", "kid": g.id, "typ": "JWT"})
	signed := head + "." + encode(c)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, g.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(fmt.Sprintf("pubsubfake: sign: %v", err)) // the key is long enough
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("pubsubfake: encode %T: %v", v, err)) // it has strings and numbers only
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// Keys answers with the public keys of the tokens that pushes carry, as a JSON web
// key set (RFC 7517), in place of https://www.googleapis.com/oauth2/v3/certs. The
// keys are those of this server alone and do not change. It is safe for concurrent
// use, after Close too.
func (s *Server) Keys() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
			return
		}
		g := &s.signer
		g.made.Do(g.make)
		key := jsonWebKey{
			Algorithm: "RS256", ID: g.id, Type: "RSA", Use: "sig",
			Modulus:  base64.RawURLEncoding.EncodeToString(g.key.N.Bytes()),
			Exponent: base64.RawURLEncoding.EncodeToString(big.NewInt(int64(g.key.E)).Bytes()),
		}
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.Header().Set("Cache-Control", "public, max-age="+strconv.Itoa(int(keysLife/time.Second))+", must-revalidate, no-transform")
		_ = json.NewEncoder(w).Encode(map[string][]jsonWebKey{"keys": {key}}) // who asked may have gone
	})
}
