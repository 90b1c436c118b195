package pubsubfake_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/idtoken"
	"google.golang.org/api/option"

	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
)

const account = "pusher@test.iam.gserviceaccount.com"

func token(audience string) func(*pubsubpb.Subscription) {
	return func(c *pubsubpb.Subscription) {
		push(c)
		c.PushConfig.AuthenticationMethod = &pubsubpb.PushConfig_OidcToken_{
			OidcToken: &pubsubpb.PushConfig_OidcToken{ServiceAccountEmail: account, Audience: audience},
		}
	}
}

// bearerOf is the token of the only request until now.
func (e *env) bearerOf(p *endpoint) string {
	e.Helper()
	synctest.Wait()
	got := p.requests()
	if len(got) != 1 {
		e.Fatalf("%d requests, want 1", len(got))
	}
	token, ok := strings.CutPrefix(got[0].header.Get("Authorization"), "Bearer ")
	if !ok {
		e.Fatal("it has no token")
	}
	return token
}

// Google's own library takes the tokens, with the keys of this server.
func TestTokensAreVerifiedByTheKeys(t *testing.T) {
	pushes(t, nil, func(e *env, p *endpoint) {
		other := pubsubfake.New(nil)
		defer other.Close()
		validator := func(s *pubsubfake.Server) *idtoken.Validator {
			v, err := idtoken.NewValidator(e.Context(), option.WithHTTPClient(pubsubfake.HandlerClient(s.Keys())))
			e.must(err)
			return v
		}
		right, wrong := validator(e.server), validator(other)
		for audience, want := range map[string]string{"": endpointURL, "https://audience.example.com": "https://audience.example.com"} {
			id := "orders" + want[len(want)-1:]
			e.queue(id, token(audience))
			e.publish(id, "x")
			text := e.bearerOf(p)
			payload, err := right.Validate(e.Context(), text, want)
			if err != nil {
				t.Fatalf("audience %q: %v", audience, err)
			}
			if payload.Issuer != "https://accounts.google.com" || payload.Claims["email"] != account || payload.Claims["email_verified"] != true ||
				payload.Subject == "" || payload.Claims["azp"] != payload.Subject || payload.Expires-payload.IssuedAt != 3600 || payload.IssuedAt != time.Now().Unix() {
				t.Errorf("the claims are %+v", payload)
			}
			if _, err := right.Validate(e.Context(), text, "https://elsewhere.example.com"); err == nil {
				t.Error("it was taken for another audience")
			}
			if _, err := wrong.Validate(e.Context(), text, want); err == nil {
				t.Error("it was taken by the keys of another server")
			}
		}
	})
}

func TestTokenIsUsedAgainUntilShortlyBeforeItsEnd(t *testing.T) {
	pushes(t, nil, func(e *env, p *endpoint) {
		e.queue("orders", token(""))
		next := func() string {
			e.publish("orders", "x")
			return e.bearerOf(p)
		}
		first := next()
		time.Sleep(59*time.Minute - time.Second)
		if next() != first {
			t.Error("it was replaced after 59 minutes less a second")
		}
		time.Sleep(time.Second)
		second := next()
		if second == first {
			t.Error("it was not replaced after 59 minutes")
		}
		if next() != second {
			t.Error("it was replaced at once")
		}
	})
}

func TestKeysAreAKeySet(t *testing.T) {
	s := pubsubfake.New(nil)
	defer s.Close()
	client := pubsubfake.HandlerClient(s.Keys())
	get := func(method string) (status int, caching string, set map[string][]map[string]string) {
		req, err := http.NewRequestWithContext(t.Context(), method, "https://keys.example.com/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		_ = json.NewDecoder(answer.Body).Decode(&set) // some have none
		return answer.StatusCode, answer.Header.Get("Cache-Control"), set
	}
	status, caching, set := get(http.MethodGet)
	if status != http.StatusOK || !strings.Contains(caching, "max-age=19800") || len(set["keys"]) != 1 {
		t.Fatalf("got %d, %q with %v", status, caching, set)
	}
	key := set["keys"][0]
	if key["kty"] != "RSA" || key["alg"] != "RS256" || key["use"] != "sig" || key["e"] != "AQAB" || len(key["n"]) != 342 || key["kid"] == "" {
		t.Errorf("the key is %v", key)
	}
	if _, _, again := get(http.MethodGet); again["keys"][0]["kid"] != key["kid"] {
		t.Error("the key has changed")
	}
	if status, _, _ := get(http.MethodPost); status != http.StatusMethodNotAllowed {
		t.Errorf("POST got %d", status)
	}
}
