package main

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

// client pushes as Pub/Sub does: each connection has a token that it sends along with
// every request.
type client struct {
	url    string
	web    http.Client
	tokens []string
	head   []byte       // of a body, up to the id of its message
	tail   []byte       // after it
	sent   atomic.Int64 // pushes so far, and the id of the last
}

func newClient(address string, connections int, signer *rsa.PrivateKey) (*client, error) {
	c := &client{url: "http://" + address + "/"}
	c.web.Transport = &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections}
	for i := range connections {
		now := time.Now()
		t := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
			"iss": "https://accounts.google.com", "aud": audience, "azp": "117", "sub": "117", "email": account, "email_verified": true,
			"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": strconv.Itoa(i),
		})
		t.Header["kid"] = keyID
		text, err := t.SignedString(signer)
		if err != nil {
			return nil, err
		}
		c.tokens = append(c.tokens, text)
	}
	data, err := json.Marshal(load.NewTask())
	if err != nil {
		return nil, err
	}
	event := fmt.Appendf(nil, `{"specversion":"1.0","id":"3S6OHBCXOF6EZSBHSNNO2WEYAS","source":"longshore","type":%q,"time":"2026-03-01T10:00:00Z","datacontenttype":"application/json","data":%s}`,
		load.Task{}.Kind(), data)
	c.head = fmt.Appendf(nil, `{"message":{"attributes":{"tenant":"example"},"data":%q,"publishTime":"2026-03-01T10:00:00.123Z","publish_time":"2026-03-01T10:00:00.123Z","messageId":"`,
		base64.StdEncoding.EncodeToString(event))
	c.tail = fmt.Appendf(nil, `"},"subscription":%q,"deliveryAttempt":1}`, subscription)
	return c, nil
}

// send pushes for a time, so many a second, or with 0 as fast as they are answered.
func (c *client) send(ctx context.Context, perSecond int, length time.Duration) (result, error) {
	n := len(c.tokens)
	results := make([]result, n)
	errs := make([]error, n)
	began := time.Now()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var every, first time.Duration
			if perSecond > 0 {
				every = time.Second * time.Duration(n) / time.Duration(perSecond)
				first = every * time.Duration(i) / time.Duration(n) // they take turns
			}
			results[i].times, errs[i] = c.sendOne(ctx, c.tokens[i], began.Add(first), every, began.Add(length))
		})
	}
	all.Wait()
	total := result{took: time.Since(began)}
	for _, r := range results {
		total.times = append(total.times, r.times...)
	}
	return total, errors.Join(errs...)
}

// sendOne pushes over one connection at a time, from the first moment to the end. The
// time of a push counts from the moment when it is due, also where the one before has
// not been answered by then.
func (c *client) sendOne(ctx context.Context, token string, due time.Time, every time.Duration, end time.Time) (times []time.Duration, err error) {
	body := new(bytes.Buffer)
	for ; due.Before(end); due = due.Add(every) {
		if every == 0 {
			due = time.Now()
		} else if wait := time.Until(due); wait > 0 {
			load.Pause(ctx, wait)
		}
		body.Reset()
		body.Write(c.head)
		body.WriteString(strconv.FormatInt(c.sent.Add(1), 10))
		body.Write(c.tail)
		if err := c.push(ctx, token, body.Bytes()); err != nil {
			return times, err
		}
		times = append(times, time.Since(due))
	}
	return times, nil
}

func (c *client) push(ctx context.Context, token string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	response, err := c.web.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		text, _ := io.ReadAll(response.Body)
		return fmt.Errorf("a push was answered %s: %s", response.Status, text)
	}
	return nil
}

func (c *client) close() { c.web.CloseIdleConnections() }
