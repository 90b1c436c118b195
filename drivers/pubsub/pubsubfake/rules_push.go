package pubsubfake

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// comesAgain wants a message that got an answer to be pushed again.
func comesAgain(status int) func(t *trial) {
	return func(t *trial) {
		e := t.endpoint(first(status))
		topic, _ := t.queue(withPush(e))
		t.publish(topic, "x")
		one := t.envelope(e, soon)
		again := t.pushed(e, 2*soon)
		two := t.unwrap(again)
		t.want(one.Message.ID == two.Message.ID, "%q was pushed, then %q", one.Message.ID, two.Message.ID)
		t.want(again.path == pushPath, "it was pushed to %q", again.path)
		t.silent(e, soon)
	}
}

// isDone wants a message that got an answer not to be pushed again, within its ack
// deadline and beyond.
func isDone(status int) func(t *trial) {
	return func(t *trial) {
		e := t.endpoint(always(status))
		topic, _ := t.queue(withPush(e))
		t.publish(topic, "x")
		t.pushed(e, soon)
		t.silent(e, 12*time.Second)
	}
}

// claimsOf gives the claims of the token that a request carries.
func (t *trial) claimsOf(a arrival) claims {
	var c claims
	if t.err != nil {
		return c
	}
	token, ok := strings.CutPrefix(a.header.Get("Authorization"), "Bearer ")
	parts := strings.Split(token, ".")
	t.want(ok && len(parts) == 3, "the request carries no token")
	if t.err != nil {
		return c
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	t.must(err)
	t.must(json.Unmarshal(text, &c))
	return c
}

var pushRules = []rule{
	{"a message is pushed as JSON by POST, with its id and its time in two spellings", pagePush, func(t *trial) {
		e := t.endpoint(always(http.StatusNoContent))
		topic, sub := t.queue(withPush(e))
		ids, err := t.tryPublish(topic, &pubsubpb.PubsubMessage{Data: []byte("x"), Attributes: map[string]string{"a": "b"}})
		t.must(err)
		a := t.pushed(e, soon)
		got := t.unwrap(a)
		if t.err != nil {
			return
		}
		m := got.Message
		t.want(a.method == http.MethodPost && a.header.Get("Content-Type") == "application/json", "it is %s of %q", a.method, a.header.Get("Content-Type"))
		t.want(got.Subscription == sub && string(m.Data) == "x" && m.Attributes["a"] == "b", "it is %q", a.body)
		t.want(m.ID == ids[0] && m.ID2 == ids[0], "the ids are %q and %q, want %q", m.ID, m.ID2, ids[0])
		at, err := time.Parse(time.RFC3339, m.PublishTime)
		t.must(err)
		t.want(m.PublishTime2 == m.PublishTime && a.at.Sub(at).Abs() < time.Minute, "the times are %q and %q", m.PublishTime, m.PublishTime2)
	}},
	{"an ordering key is pushed", pagePush, func(t *trial) {
		e := t.endpoint(always(http.StatusNoContent))
		topic, _ := t.queue(withPush(e), withOrder)
		t.publishKey(topic, "k", "x")
		got := t.envelope(e, soon).Message.OrderingKey
		t.want(got == "k", "the key is %q", got)
	}},
	{"no attempt is pushed without a dead-letter policy", pagePush, func(t *trial) {
		e := t.endpoint(first(http.StatusServiceUnavailable))
		topic, _ := t.queue(withPush(e))
		t.publish(topic, "x")
		t.envelope(e, soon)
		a := t.pushed(e, 2*soon)
		t.want(!strings.Contains(string(a.body), "deliveryAttempt"), "it is %q", a.body)
	}},
	{"the attempt is pushed with a dead-letter policy", pageDeadLetter, func(t *trial) {
		e := t.endpoint(first(http.StatusServiceUnavailable))
		topic, _ := t.queue(withPush(e), withDead(t.topic("dead"), 5))
		t.publish(topic, "x")
		for want := 1; want <= 2; want++ {
			got := t.envelope(e, 2*soon).Attempt
			t.want(got == want, "the attempt is %d, want %d", got, want)
		}
	}},
	{"status 200 acknowledges a push", pagePush, isDone(http.StatusOK)},
	{"status 201 acknowledges a push", pagePush, isDone(http.StatusCreated)},
	{"status 202 acknowledges a push", pagePush, isDone(http.StatusAccepted)},
	{"status 204 acknowledges a push", pagePush, isDone(http.StatusNoContent)},
	{"status 203 brings a message again", pagePush, comesAgain(http.StatusNonAuthoritativeInfo)},
	{"a redirect is not followed, and brings a message again", pagePush, comesAgain(http.StatusTemporaryRedirect)},
	{"status 400 brings a message again", pagePush, comesAgain(http.StatusBadRequest)},
	{"status 429 brings a message again", pagePush, comesAgain(http.StatusTooManyRequests)},
	{"status 503 brings a message again", pagePush, comesAgain(http.StatusServiceUnavailable)},
	{"a push without an answer comes again when its ack deadline has ended", reference("Subscription"), func(t *trial) {
		e := t.endpoint(first(noAnswer))
		topic, _ := t.queue(withPush(e), withHold(10))
		t.publish(topic, "x")
		one := t.pushed(e, soon)
		two := t.pushed(e, 20*time.Second)
		took := two.at.Sub(one.at)
		t.want(took > 9*time.Second && took < 16*time.Second, "it came after %v, want about 10 s", took)
		t.silent(e, soon)
	}},
	{"a push that fails is kept back for the minimum backoff of a retry policy", pagePush, func(t *trial) {
		e := t.endpoint(first(http.StatusServiceUnavailable))
		topic, _ := t.queue(withPush(e), withRetry(4*time.Second, 10*time.Second))
		t.publish(topic, "x")
		one := t.pushed(e, soon)
		two := t.pushed(e, 10*time.Second)
		took := two.at.Sub(one.at)
		t.want(took > 3*time.Second, "it came after %v, want at least 4 s", took)
	}},
	{"a message goes to the dead-letter topic after the last push", pageDeadLetter, func(t *trial) {
		e := t.endpoint(always(http.StatusServiceUnavailable))
		deadTopic := t.topic("dead")
		dead := t.subscription("dead-sub", deadTopic)
		topic, _ := t.queue(withPush(e), withDead(deadTopic, 5))
		t.publish(topic, "x")
		t.got([]*pubsubpb.ReceivedMessage{t.oneWithin(dead, 30*time.Second)}, "x")
		for range 5 {
			t.pushed(e, soon)
		}
		t.silent(e, soon)
	}},
	{"the next message of a key is pushed when the one before it is acknowledged", pageOrder, func(t *trial) {
		e := t.endpoint(first(http.StatusServiceUnavailable))
		topic, _ := t.queue(withPush(e), withOrder)
		t.publishKey(topic, "k", "1", "2", "3")
		for _, want := range []string{"1", "1", "2", "3"} {
			got := string(t.envelope(e, 2*soon).Message.Data)
			t.want(got == want, "%q was pushed, want %q", got, want)
		}
		t.silent(e, soon)
	}},
	{"what is pushed unwrapped is the data of a message alone", pageUnwrapping, func(t *trial) {
		e := t.endpoint(always(http.StatusNoContent))
		topic, _ := t.queue(withPush(e, unwrapped(false)))
		_, err := t.tryPublish(topic, &pubsubpb.PubsubMessage{Data: []byte("x"), Attributes: map[string]string{"color": "red"}})
		t.must(err)
		a := t.pushed(e, soon)
		t.want(string(a.body) == "x", "the body is %q", a.body)
		for name := range a.header {
			t.want(name != "Color" && !strings.HasPrefix(name, "X-Goog-"), "it has the header %s", name)
		}
	}},
	{"metadata of what is pushed unwrapped is in headers when it is to be written", pageUnwrapping, func(t *trial) {
		e := t.endpoint(always(http.StatusNoContent))
		topic, sub := t.queue(withPush(e, unwrapped(true)))
		ids, err := t.tryPublish(topic, &pubsubpb.PubsubMessage{Data: []byte("x"), Attributes: map[string]string{"color": "red"}})
		t.must(err)
		a := t.pushed(e, soon)
		if t.err != nil {
			return
		}
		h := a.header
		t.want(string(a.body) == "x", "the body is %q", a.body)
		t.want(h.Get("Color") == "red" && h.Get("X-Goog-Pubsub-Subscription-Name") == sub && h.Get("X-Goog-Pubsub-Message-Id") == ids[0], "the headers are %v", h)
		_, err = time.Parse(time.RFC3339, h.Get("X-Goog-Pubsub-Publish-Time"))
		t.must(err)
	}},
	{"the ordering key of what is pushed unwrapped is in a header when metadata is written", pageUnwrapping, func(t *trial) {
		e := t.endpoint(always(http.StatusNoContent))
		topic, _ := t.queue(withPush(e, unwrapped(true)), withOrder)
		t.publishKey(topic, "k", "x")
		got := t.pushed(e, soon).header.Get("X-Goog-Pubsub-Ordering-Key")
		t.want(got == "k", "the key is %q", got)
	}},
	{"a push carries a token of its service account when one is configured", pagePushAuth, func(t *trial) {
		e := t.endpoint(always(http.StatusNoContent))
		topic, _ := t.queue(withPush(e, withToken(account, "audience")))
		t.publish(topic, "x")
		a := t.pushed(e, soon)
		c := t.claimsOf(a)
		if t.err != nil {
			return
		}
		t.want(c.Issuer == issuer && c.Email == account && c.EmailVerified && c.Audience == "audience", "the claims are %+v", c)
		t.want(c.Expires-c.Issued == 3600 && c.Issued <= a.at.Unix() && a.at.Unix() < c.Expires, "it is valid from %d to %d, at %d", c.Issued, c.Expires, a.at.Unix())
	}},
	{"the audience of a token is the endpoint when it is not said", reference("PushConfig.OidcToken"), func(t *trial) {
		e := t.endpoint(always(http.StatusNoContent))
		topic, _ := t.queue(withPush(e, withToken(account, "")))
		t.publish(topic, "x")
		got := t.claimsOf(t.pushed(e, soon)).Audience
		t.want(got == e.url, "the audience is %q, want %q", got, e.url)
	}},
	{"a push carries no token when none is configured", pagePushAuth, func(t *trial) {
		e := t.endpoint(always(http.StatusNoContent))
		topic, _ := t.queue(withPush(e))
		t.publish(topic, "x")
		_, there := t.pushed(e, soon).header["Authorization"]
		t.want(!there, "it carries one")
	}},
}
