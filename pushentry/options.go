package pushentry

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

// Options configure a Handler, and Run. Either Audience and ServiceAccount have to be
// set, or Unauthenticated. The zero value of each other field is its default.
type Options struct {
	// Audience is what the tokens of the push subscription are for, exactly: its
	// oidc_token.audience, or the push endpoint's URL where it has none.
	Audience string
	// ServiceAccount is the e-mail address of the account with which the subscription
	// pushes, exactly: its oidc_token.service_account_email.
	ServiceAccount string
	// Unauthenticated takes pushes from whoever can reach the handler, without looking
	// at tokens. It is for a service that nobody but Pub/Sub can reach.
	Unauthenticated bool
	// SignatureChecked is for a service whose platform checks tokens and takes their
	// signature away, as Cloud Run does on a service that requires authentication
	// (Source: Cloud Run, "Service-to-service authentication"): a token with the mark
	// SIGNATURE_REMOVED_BY_GOOGLE in place of its signature is taken by its claims,
	// unless the request has X-Serverless-Authorization, whose token the platform checks
	// in its place. On a service that everybody may call it lets everybody in. Tokens
	// with a signature are checked as ever.
	SignatureChecked bool
	// Leeway is by how much the clocks of the token's maker and this machine may
	// differ: 0 to 10 min, 0 stands for 1 min.
	Leeway time.Duration
	// KeysURL is where the keys are that sign tokens, as a JSON Web Key Set: https, or
	// http on this machine; default Google's own. HTTPClient fetches them; nil stands
	// for one of the Handler's own.
	KeysURL    string
	HTTPClient *http.Client

	// Unwrapped are the names of the queues whose subscription has payload unwrapping
	// with metadata. UnwrappedAttributes are names of attributes that such pushes have
	// as headers, beside those that Longshore and CloudEvents use; others are neither
	// seen nor buried with the task.
	Unwrapped           []string
	UnwrappedAttributes []string

	// MaxBody is the most bytes in the body of a request: 1 KiB to 1 GiB, default 14
	// MiB, which is a message of 10 MB in base64 with its attributes. Concurrency
	// times as many may be in memory.
	MaxBody int64
	// BodyTimeout is how long a request may take to arrive: 100 ms to 10 min, default
	// 20 s.
	BodyTimeout time.Duration
	// Concurrency is how many pushes are worked on at the same time: 1 to 100,000,
	// default 80, which is what Cloud Run sends to an instance unless it is told
	// otherwise. As many others wait up to 2 s for a place; what is beyond that, or has
	// waited in vain, is answered 429, which Pub/Sub counts as a delivery of the task:
	// let the platform send no more than this at a time.
	Concurrency int
	// Margin is how long before the end of its lease a handler's context ends: 100 ms
	// to 1 min; by default a ninth of the lease, at least 1 s and at most 5 s.
	Margin time.Duration

	// Logger gets failures, never payloads or tokens; nil stands for slog.Default.
	Logger *slog.Logger
	// OnSettled is called once for each run of a task that was decided on, before
	// its push is answered; it must be quick and safe for concurrent use. Settled.Err
	// is nil when the queue has taken the decision, as far as this side can know: the
	// answer may still be lost, and the message comes again. OnError is called like it
	// for each attempt that failed, and OnDead for each task that the queue has taken
	// into its dead letter. A panic in any of the three is logged and does no harm.
	OnSettled, OnError, OnDead func(runtime.Settled)

	// What follows is for Run alone.

	// Path is where pushes go, such as /push, with /push/{queue} for several queues;
	// default /.
	Path string
	// Grace is how long Run goes on after its context has ended: 1 s to 10 min,
	// default 8 s. Cloud Run kills an instance 10 s after its signal, so let it be 9 s
	// at most there. Handlers still running 2 s before its end, or half of a short
	// grace, have their contexts cancelled with runtime.ErrDraining.
	Grace time.Duration
	// Listener takes the place of one on 0.0.0.0:$PORT. Run closes it.
	Listener net.Listener
}

const (
	googleKeys         = "https://www.googleapis.com/oauth2/v3/certs"
	defaultMaxBody     = 14 << 20
	defaultBodyTimeout = 20 * time.Second
	defaultConcurrency = 80
	defaultGrace       = 8 * time.Second
	maxConcurrency     = 100_000
)

func (o *Options) fill() error {
	if o.Leeway == 0 {
		o.Leeway = time.Minute
	}
	if o.KeysURL == "" {
		o.KeysURL = googleKeys
	}
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.BodyTimeout == 0 {
		o.BodyTimeout = defaultBodyTimeout
	}
	if o.Concurrency == 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	if o.Path == "" {
		o.Path = "/"
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.Unwrapped, o.UnwrappedAttributes = slices.Clone(o.Unwrapped), slices.Clone(o.UnwrappedAttributes)
	if err := o.checkTokens(); err != nil {
		return err
	}
	switch {
	case o.MaxBody < 1<<10 || o.MaxBody > 1<<30:
		return fmt.Errorf("max body %d is not within 1 KiB to 1 GiB", o.MaxBody)
	case o.BodyTimeout < 100*time.Millisecond || o.BodyTimeout > 10*time.Minute:
		return fmt.Errorf("body timeout %v is not within 100ms to 10m", o.BodyTimeout)
	case o.Concurrency < 1 || o.Concurrency > maxConcurrency:
		return fmt.Errorf("concurrency %d is not within 1 to 100,000", o.Concurrency)
	case o.Margin != 0 && (o.Margin < 100*time.Millisecond || o.Margin > time.Minute):
		return fmt.Errorf("margin %v is not within 100ms to 1m; use 0 for the default", o.Margin)
	case o.Grace < time.Second || o.Grace > 10*time.Minute:
		return fmt.Errorf("grace %v is not within 1s to 10m", o.Grace)
	case !strings.HasPrefix(o.Path, "/"):
		return fmt.Errorf("path %q does not begin with /", o.Path)
	}
	return nil
}

func (o *Options) checkTokens() error {
	switch {
	case o.Unauthenticated && (o.Audience != "" || o.ServiceAccount != "" || o.SignatureChecked):
		return errors.New("unauthenticated, and yet with an audience, a service account or signature checked; it is either or")
	case o.Unauthenticated:
		return nil
	case o.Audience == "":
		return errors.New("there is no audience, so a token for anybody would do; set Audience, or Unauthenticated where nobody but Pub/Sub can reach this")
	case o.ServiceAccount == "":
		return errors.New("there is no service account, so everybody with a Google account could push; set ServiceAccount, or Unauthenticated where nobody but Pub/Sub can reach this")
	case o.Leeway < 0 || o.Leeway > 10*time.Minute:
		return fmt.Errorf("leeway %v is not within 0s to 10m", o.Leeway)
	}
	u, err := url.Parse(o.KeysURL)
	if err != nil || u.Host == "" {
		return errors.New("the URL of the keys is none")
	}
	local := u.Hostname() == "localhost"
	if ip := net.ParseIP(u.Hostname()); ip != nil {
		local = ip.IsLoopback()
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return fmt.Errorf("the keys would come from %s by %s, where they can be forged on the way; use https", u.Host, u.Scheme)
	}
	return nil
}
