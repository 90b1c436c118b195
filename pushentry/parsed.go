package pushentry

import (
	"context"
	"strings"
	"sync"

	"github.com/golang-jwt/jwt/v5"
)

// maxParsed is how many tokens are remembered. Pub/Sub uses one for many pushes.
const maxParsed = 256

// parsed is what a token says, which is always the same. Whether its signature, its
// key and its time are good is looked at for each request.
type parsed struct {
	signed    string // what the signature is of
	signature []byte
	method    jwt.SigningMethod
	keyID     string
	claims    *claims // not modified
}

// parsedTokens are tokens that were good once. It is safe for concurrent use.
type parsedTokens struct {
	mu  sync.RWMutex // guards all
	all map[string]*parsed
}

func (p *parsedTokens) get(token string) *parsed {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.all[token]
}

func (p *parsedTokens) put(token string, t *jwt.Token, c *claims) {
	id, _ := t.Header["kid"].(string)
	token = strings.Clone(token)
	signed := token[:strings.LastIndexByte(token, '.')]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil || len(p.all) >= maxParsed {
		p.all = make(map[string]*parsed)
	}
	p.all[token] = &parsed{signed, t.Signature, t.Method, id, c}
}

// check verifies a token that is remembered, as the parser does.
func (p *parsed) check(ctx context.Context, v *verifier) error {
	key, err := v.keys.get(ctx, p.keyID, p.method.Alg())
	if err != nil {
		return err
	}
	if err := p.method.Verify(p.signed, p.signature, key); err != nil {
		return jwt.ErrTokenSignatureInvalid
	}
	return v.times.Validate(p.claims)
}
