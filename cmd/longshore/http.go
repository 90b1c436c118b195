package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/runtime"
)

const (
	// maxDrained is how much of a response is read so that its connection can
	// be used again.
	maxDrained = 256 << 10
	// maxRetryAfter is the longest Retry-After that is honoured; a longer one
	// counts as this.
	maxRetryAfter = 24 * time.Hour
)

// poster posts each task to a URL.
type poster struct {
	url    string
	client *http.Client
}

// newPoster checks the URL. Connections are kept for as many requests as run at
// a time.
func newPoster(raw string, concurrency int) (*poster, error) {
	const hint = "for example --http http://localhost:8080/tasks"
	u, err := url.Parse(raw)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the URL, which may hold a password
		}
		return nil, usagef(hint, "--http is not a URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usagef(hint, "--http %q is not an http or https URL with a host", u.Redacted())
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = concurrency, concurrency
	return &poster{raw, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// handle posts one task. The status of the answer decides.
func (p *poster) handle(ctx context.Context, t *runtime.Info) error {
	payload, contentType := t.Payload()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(payload))
	if err != nil {
		return runtime.Permanent(err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("User-Agent", "longshore")
	request.Header.Set("Longshore-Id", string(t.ID))
	request.Header.Set("Longshore-Kind", t.Kind)
	request.Header.Set("Longshore-Attempt", strconv.Itoa(t.Attempt))
	request.Header.Set("Longshore-Max-Attempts", strconv.Itoa(t.MaxAttempts))
	addTraceHeaders(ctx, request.Header)
	response, err := p.client.Do(request)
	if err != nil && ctx.Err() != nil {
		return cutShort(ctx, "no answer to POST "+request.URL.Redacted())
	} else if err != nil {
		return err
	}
	defer response.Body.Close()
	text := &tail{limit: maxErrorText}
	if _, err := io.CopyN(text, response.Body, maxErrorText); err == nil {
		_, _ = io.CopyN(io.Discard, response.Body, maxDrained)
	}
	return judge(response, text.String(), time.Now())
}

// judge turns an answer into what the runtime does with the task.
func judge(r *http.Response, text string, now time.Time) error {
	status := r.StatusCode
	if status >= 200 && status < 300 {
		return nil
	}
	message := strings.TrimSpace("status " + r.Status)
	if status >= 300 && status < 400 {
		message += fmt.Sprintf(" to %q; redirects are not followed, give the final URL", r.Header.Get("Location"))
	}
	if text != "" {
		message += ": " + text
	}
	err := errors.New(message)
	switch {
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		if delay, ok := retryAfter(r.Header.Get("Retry-After"), now); ok {
			return runtime.RetryAfter(delay, err)
		}
		return err
	case status < 500:
		return runtime.Permanent(err)
	}
	return err
}

// retryAfter reads a Retry-After header, which is in seconds or a date (RFC
// 9110, section 10.2.3).
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second, true
	} else if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter, true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return min(max(0, at.Sub(now)), maxRetryAfter), true
}
