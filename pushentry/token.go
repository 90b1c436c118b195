package pushentry

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// maxToken is far more than the kilobyte that a token of Google has.
	maxToken = 8 << 10
	// removedSignature is what Cloud Run leaves of a signature. (Source: Cloud Run,
	// "Troubleshoot Cloud Run issues", signature-removed.)
	removedSignature = ".SIGNATURE_REMOVED_BY_GOOGLE"
	// headerServerless is where Cloud Run takes the token that it checks from, when a
	// request has it; Authorization is passed on as it came then. (Source: Cloud Run,
	// "Service-to-service authentication".)
	headerServerless = "X-Serverless-Authorization"
)

var (
	// errNotFor: the token is genuine, and for somebody else.
	errNotFor = errors.New("the token is for somebody else")

	errNoToken   = errors.New("there is no Authorization header with a Bearer token")
	errTokens    = errors.New("there are several Authorization headers")
	errLongToken = errors.New("the token exceeds 8 KiB")
	errCritical  = errors.New("the token demands extensions")
	errIssuer    = errors.New("the issuer is not Google")
	errRemoved   = errors.New("its signature was removed by Cloud Run, which has checked it, as the service requires authentication; set Options.SignatureChecked there")
	errUnchecked = errors.New("its signature was not removed by Cloud Run, which has checked another token, that of " + headerServerless)
	errAudience  = wrongParty("its audience is another")
	errAccount   = wrongParty("its account is another, or not verified")
)

// wrongParty is an error that is errNotFor.
func wrongParty(text string) error { return &partyError{text} }

type partyError struct{ text string }

func (e *partyError) Error() string        { return e.text }
func (e *partyError) Is(target error) bool { return target == errNotFor }

// claims are what a token of Google says. (Source: Google Pub/Sub, "Authentication for
// push subscriptions".)
type claims struct {
	jwt.RegisteredClaims
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
}

// verifier checks tokens. It is safe for concurrent use.
type verifier struct {
	audience, account string
	signatureChecked  bool
	parser            *jwt.Parser
	times             *jwt.Validator
	keys              *keys
	parsed            parsedTokens
}

// algorithms are those by which Google signs, or may. None of them has a secret.
var algorithms = []string{jwt.SigningMethodRS256.Alg(), jwt.SigningMethodES256.Alg()}

func newVerifier(o *Options) *verifier {
	rules := []jwt.ParserOption{
		jwt.WithValidMethods(algorithms), jwt.WithLeeway(o.Leeway), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
	}
	return &verifier{
		audience: o.Audience, account: o.ServiceAccount, signatureChecked: o.SignatureChecked,
		parser: jwt.NewParser(rules...), times: jwt.NewValidator(rules...),
		keys: newKeys(o.KeysURL, o.HTTPClient, o.Logger),
	}
}

// verify checks the token of a request: first that Google made it, then for whom. The
// error is errNotFor for a genuine one that is not for here, errNoKeys where it cannot
// be checked, and never has any of the token.
func (v *verifier) verify(ctx context.Context, header http.Header) error {
	token, err := bearer(header)
	if err != nil {
		return err
	}
	if known := v.parsed.get(token); known != nil {
		if err := known.check(ctx, v); err != nil {
			return tokenError(err)
		}
		return nil // it was for here
	}
	c := new(claims)
	var t *jwt.Token // nil without a signature
	if strings.HasSuffix(token, removedSignature) {
		switch {
		case !v.signatureChecked:
			return errRemoved
		case len(header[headerServerless]) > 0:
			return errUnchecked
		}
		err = v.readUnsigned(token, c)
	} else {
		t, err = v.parser.ParseWithClaims(token, c, func(t *jwt.Token) (any, error) { return v.key(ctx, t) })
	}
	switch {
	case err != nil:
		return tokenError(err)
	case c.Issuer != "https://accounts.google.com" && c.Issuer != "accounts.google.com":
		return errIssuer
	case len(c.Audience) != 1 || c.Audience[0] != v.audience:
		return errAudience
	case c.Email != v.account || !c.EmailVerified:
		return errAccount
	}
	if t != nil {
		v.parsed.put(token, t, c)
	}
	return nil
}

// bearer is the token of a request.
func bearer(header http.Header) (string, error) {
	values := header["Authorization"]
	switch len(values) {
	case 0:
		return "", errNoToken
	case 1:
	default:
		return "", errTokens
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	switch {
	case !ok || !strings.EqualFold(scheme, "Bearer"):
		return "", errNoToken
	case len(token) > maxToken:
		return "", errLongToken
	}
	return token, nil
}

// key is by which a token has to be signed.
func (v *verifier) key(ctx context.Context, t *jwt.Token) (any, error) {
	if _, ok := t.Header["crit"]; ok {
		return nil, errCritical
	}
	id, _ := t.Header["kid"].(string)
	return v.keys.get(ctx, id, t.Method.Alg())
}

// readUnsigned reads a token whose signature the platform has checked.
func (v *verifier) readUnsigned(token string, c *claims) error {
	if _, _, err := v.parser.ParseUnverified(token, c); err != nil {
		return err
	}
	return v.times.Validate(c)
}

// tokenErrors are what may be wrong, without a word of what the token has.
var tokenErrors = []struct {
	is   error
	text string
}{
	{jwt.ErrTokenSignatureInvalid, "its signature or algorithm is not valid"},
	{jwt.ErrTokenExpired, "it has expired"},
	{jwt.ErrTokenUsedBeforeIssued, "it was issued in the future"},
	{jwt.ErrTokenNotValidYet, "it is not valid yet"},
	{jwt.ErrTokenRequiredClaimMissing, "it does not say when it expires"},
	{jwt.ErrTokenMalformed, "it is no token"},
}

// tokenError is err without parts of the token, which the library's errors may have.
func tokenError(err error) error {
	for _, known := range []error{errNoKeys, errUnknownKey, errCritical, errKeyUse} {
		if errors.Is(err, known) {
			return known
		}
	}
	for _, known := range tokenErrors {
		if errors.Is(err, known.is) {
			return errors.New(known.text)
		}
	}
	return errors.New("it cannot be verified")
}

// denial is the answer to a request whose token is not good.
func denial(err error) answer {
	switch {
	case errors.Is(err, errNoKeys):
		return answerNoKeys
	case errors.Is(err, errNotFor):
		return answerDenied
	}
	return answerNoToken
}
