package pushentry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
)

// key is a public key and what it is for.
type key struct {
	algorithm string
	public    any // *rsa.PublicKey or *ecdsa.PublicKey
}

// jwk is a key as RFC 7517 and RFC 7518 write it down.
type jwk struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	N         string `json:"n"`
	E         string `json:"e"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
}

// parseKeys reads a JSON Web Key Set. Keys that are of no use here are left out; it is
// an error when none is left.
func parseKeys(text []byte) (map[string]key, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("the answer is no set of keys")
	}
	known := make(map[string]key)
	for i := range set.Keys {
		k := &set.Keys[i]
		if k.ID == "" || k.Use != "" && k.Use != "sig" {
			continue
		}
		if got, ok := k.parse(); ok && (k.Algorithm == "" || k.Algorithm == got.algorithm) {
			known[k.ID] = got
		}
	}
	if len(known) == 0 {
		return nil, errors.New("the answer has no key of use")
	}
	return known, nil
}

// The least and most bits of an RSA key: less can be broken, more takes long to check.
const (
	minBits = 2048
	maxBits = 8192
)

func (k *jwk) parse() (key, bool) {
	switch k.Type {
	case "RSA":
		n, e := number(k.N), number(k.E)
		if n == nil || e == nil || n.BitLen() < minBits || n.BitLen() > maxBits || n.Bit(0) == 0 ||
			e.BitLen() > 31 || e.Int64() < 3 || e.Bit(0) == 0 {
			return key{}, false
		}
		return key{"RS256", &rsa.PublicKey{N: n, E: int(e.Int64())}}, true
	case "EC":
		if k.Curve != "P-256" {
			return key{}, false
		}
		point := []byte{4}
		for _, part := range []string{k.X, k.Y} {
			b, err := base64.RawURLEncoding.DecodeString(part)
			if err != nil || len(b) != 32 {
				return key{}, false
			}
			point = append(point, b...)
		}
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		return key{"ES256", public}, err == nil
	}
	return key{}, false
}

// number is a positive number, or nil.
func number(text string) *big.Int {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) == 0 || len(b) > 2*maxBits/8 {
		return nil
	}
	return new(big.Int).SetBytes(b)
}
