package main

import (
	"bufio"
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
)

// client pushes as Pub/Sub does, over connections that it keeps, each with a token that
// it sends along with every request.
type client struct {
	connections []*connection
	body        []byte       // up to the id of its message
	tail        []byte       // after it
	sent        atomic.Int64 // pushes so far, and the id of the last
}

// connection has one request at a time.
type connection struct {
	net.Conn
	answers *bufio.Reader
	header  []byte // of a request, up to its length
	request []byte
}

func dial(ctx context.Context, address string, connections int, signer *rsa.PrivateKey) (*client, error) {
	c := new(client)
	data, err := json.Marshal(load.NewTask())
	if err != nil {
		return nil, err
	}
	event := fmt.Appendf(nil, `{"specversion":"1.0","id":"3S6OHBCXOF6EZSBHSNNO2WEYAS","source":"longshore","type":%q,"time":"2026-03-01T10:00:00Z","datacontenttype":"application/json","data":%s}`,
		load.Task{}.Kind(), data)
	c.body = fmt.Appendf(nil, `{"message":{"attributes":{"tenant":"example"},"data":%q,"publishTime":"2026-03-01T10:00:00.123Z","publish_time":"2026-03-01T10:00:00.123Z","messageId":"`,
		base64.StdEncoding.EncodeToString(event))
	c.tail = fmt.Appendf(nil, `"},"subscription":%q,"deliveryAttempt":1}`, subscription)
	for i := range connections {
		token, err := sign(signer, i)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, errors.Join(err, c.close())
		}
		c.connections = append(c.connections, &connection{
			Conn: conn, answers: bufio.NewReader(conn),
			header: fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: application/json\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: ",
				address, token),
		})
	}
	return c, nil
}

// sign makes a token as Google does.
func sign(signer *rsa.PrivateKey, number int) (string, error) {
	now := time.Now()
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": "https://accounts.google.com", "aud": audience, "azp": "117", "sub": "117", "email": account, "email_verified": true,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": strconv.Itoa(number),
	})
	t.Header["kid"] = keyID
	return t.SignedString(signer)
}

// send pushes for a time, so many a second, or with 0 as fast as they are answered.
func (c *client) send(ctx context.Context, perSecond int, length time.Duration) (result, error) {
	n := len(c.connections)
	times := make([][]time.Duration, n)
	errs := make([]error, n)
	began := time.Now()
	var all sync.WaitGroup
	for i, conn := range c.connections {
		all.Go(func() {
			var every, first time.Duration
			if perSecond > 0 {
				every = time.Second * time.Duration(n) / time.Duration(perSecond)
				first = every * time.Duration(i) / time.Duration(n) // they take turns
			}
			times[i], errs[i] = c.sendOver(ctx, conn, began.Add(first), every, began.Add(length))
		})
	}
	all.Wait()
	total := result{took: time.Since(began)}
	for _, t := range times {
		total.times = append(total.times, t...)
	}
	return total, errors.Join(errs...)
}

// sendOver pushes over one connection, from the first moment to the end. The time of a
// push counts from the moment when it is due, also where the one before has not been
// answered by then.
func (c *client) sendOver(ctx context.Context, conn *connection, due time.Time, every time.Duration, end time.Time) (times []time.Duration, err error) {
	for ; due.Before(end) && ctx.Err() == nil; due = due.Add(every) {
		if every == 0 {
			due = time.Now()
		} else if wait := time.Until(due); wait > 0 {
			load.Pause(ctx, wait)
		}
		if err := conn.push(c.body, strconv.FormatInt(c.sent.Add(1), 10), c.tail); err != nil {
			return times, err
		}
		times = append(times, time.Since(due))
	}
	return times, context.Cause(ctx)
}

// push sends one request and reads its answer.
func (c *connection) push(body []byte, id string, tail []byte) error {
	r := c.request[:0]
	r = append(r, c.header...)
	r = strconv.AppendInt(r, int64(len(body)+len(id)+len(tail)), 10)
	r = append(append(append(append(r, "\r\n\r\n"...), body...), id...), tail...)
	c.request = r
	if _, err := c.Write(r); err != nil {
		return err
	}
	response, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("a push was answered %s: %s", response.Status, text)
	}
	return nil
}

func (c *client) close() error {
	var errs []error
	for _, conn := range c.connections {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}
