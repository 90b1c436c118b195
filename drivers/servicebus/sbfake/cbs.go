package sbfake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/go-amqp"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/broker"
)

// authorize answers a request to $cbs, by which a client shows a token for an entity
// ("AMQP Claims-based Security").
func (c *conn) authorize(m *amqp.Message) {
	audience, _ := m.ApplicationProperties["name"].(string)
	name, _ := node(path(audience))
	c.s.counts.add(func(t *Traffic) { t.Requests[OpToken]++ })
	f := c.s.strike(OpToken, name)
	err := c.s.checkToken(m, name)
	c.answer(m, f, 202, nil, err)
}

func (s *Server) checkToken(m *amqp.Message, name string) error {
	if op, _ := m.ApplicationProperties["operation"].(string); op != OpToken {
		return &broker.Error{Condition: "amqp:not-implemented", Status: 501, Text: fmt.Sprintf("There is no operation %q.", op)}
	}
	if kind, _ := m.ApplicationProperties["type"].(string); kind == "servicebus.windows.net:sastoken" {
		token, _ := m.Value.(string)
		if err := s.checkSignature(token); err != nil {
			return &broker.Error{Condition: "amqp:unauthorized-access", Status: 401, Text: "InvalidSignature: " + err.Error()}
		}
	}
	_, err := s.find(name)
	return err
}

// checkSignature checks a shared access signature ("Service Bus access control with
// Shared Access Signatures").
func (s *Server) checkSignature(token string) error {
	fields, ok := strings.CutPrefix(token, "SharedAccessSignature ")
	if !ok {
		return errors.New("the token is not a shared access signature")
	}
	raw := make(map[string]string)
	for field := range strings.SplitSeq(fields, "&") {
		k, v, _ := strings.Cut(field, "=")
		raw[k] = v
	}
	expiry, err := strconv.ParseInt(raw["se"], 10, 64)
	if err != nil || time.Unix(expiry, 0).Before(time.Now()) {
		return errors.New("the token has expired")
	}
	name, _ := url.QueryUnescape(raw["skn"])
	got, _ := url.QueryUnescape(raw["sig"])
	mac := hmac.New(sha256.New, []byte(s.opts.Key))
	mac.Write([]byte(raw["sr"] + "\n" + raw["se"]))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if name != s.opts.KeyName || !hmac.Equal([]byte(got), []byte(want)) {
		return errors.New("the token has an invalid signature")
	}
	return nil
}
