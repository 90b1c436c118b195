package configfile

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// MaxSize is the most bytes in a file.
const MaxSize = 256 << 10

// File is what a configuration file says.
type File struct {
	Queues      []Queue // in the order of the file, at least one
	Concurrency int     // 1 to 100,000
	Strict      bool
	// Routes are the names of the queues of kinds.
	Routes map[string]string
	// DefaultQueue is the name of the queue of kinds without a route, or empty.
	DefaultQueue string
	Payloads     *Payloads // nil when the file has none
}

// Payloads is what a file says of large payloads. What it does not say is zero.
type Payloads struct {
	URL            string // of the store, with its variables replaced
	Threshold, Max int    // bytes, 1 to 1 GiB
	Timeout        time.Duration
	Compression    string // zstd
}

// Queue is what a file says of a queue. What it does not say is zero.
type Queue struct {
	Name          string
	URL           string // with its variables replaced
	Variables     []Variable
	Line, Column  int // of the URL
	Weight        int // 1 to 1,000
	Concurrency   int // 1 to 100,000
	Hold          time.Duration
	Rate          float64 // a second; above 0, at most 1,000,000
	Burst         int     // 1 to 1,000,000, only with a rate
	MaxAttempts   int     // 1 to 1,000
	MaxDeliveries int     // 1 to 10,000
	Backoff       time.Duration
	MaxBackoff    time.Duration
	Declared      *Policy
}

// Variable is a variable of the environment in a URL.
type Variable struct{ Name, Value string }

// Policy is what a file declares of a queue's configuration. Retentions without
// end are the longest duration.
type Policy struct {
	Hold                time.Duration
	MaxAttempts         int
	DeadLetter          string
	Retention           time.Duration
	DeadLetterRetention time.Duration
	RetryDelay          time.Duration
}

// Error is what is wrong with a file.
type Error struct {
	Line, Column int    // from 1
	Key          string // what it is about, such as queues.orders.hold; may be empty
	Problem      string // without any value of the file
}

// Error is line, column, key and problem.
func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Problem)
	}
	return fmt.Sprintf("%d:%d: %s: %s", e.Line, e.Column, e.Key, e.Problem)
}

// Parse reads a file. Lookup finds a variable of the environment. The error is an
// *Error, the first in the file.
func Parse(data []byte, lookup func(name string) (value string, found bool)) (*File, error) {
	root, err := parse(data)
	if err != nil {
		return nil, err
	}
	r := &reader{lookup: lookup}
	f := r.file(root)
	if r.err != nil {
		return nil, r.err
	}
	return f, nil
}

func (r *reader) file(root item) *File {
	f := &File{Routes: make(map[string]string)}
	fields := r.fields(root, "queues", "routes", "default_queue", "concurrency", "strict", "payloads")
	queues, ok := fields["queues"]
	if !ok {
		r.fail(root, "there are no queues; name at least one under queues")
		return f
	}
	known, owners := make(map[string]bool), make(map[string]string)
	for _, e := range r.entries(queues) {
		if !isName(e.key) {
			r.fail(e.name, "the name of a queue is not 1 to 128 letters, digits and any of ._-")
			continue
		}
		known[e.key] = true
		q := r.queue(e.key, e.item)
		if owner, taken := owners[q.URL]; taken && r.err == nil {
			r.err = &Error{q.Line, q.Column, e.item.key + ".url", "it is that of queue " + owner + " too; route several kinds to one queue instead"}
		}
		owners[q.URL] = q.Name
		f.Queues = append(f.Queues, q)
	}
	if len(f.Queues) == 0 {
		r.fail(queues, "there are no queues; name at least one")
	}
	names := func(i item) string {
		name := r.text(i)
		if r.err == nil && !known[name] {
			r.fail(i, "there is no queue of this name under queues")
		}
		return name
	}
	if i, ok := fields["routes"]; ok {
		for _, e := range r.entries(i) {
			if !isKind(e.key) {
				r.fail(e.name, "a kind is not 1 to 128 letters, digits and any of .:/_-")
				continue
			}
			f.Routes[e.key] = names(e.item)
		}
	}
	if i, ok := fields["default_queue"]; ok {
		f.DefaultQueue = names(i)
	}
	if i, ok := fields["concurrency"]; ok {
		f.Concurrency = r.number(i, maxConcurrency)
	}
	if i, ok := fields["strict"]; ok {
		f.Strict = r.boolean(i)
	}
	if i, ok := fields["payloads"]; ok {
		f.Payloads = r.payloads(i)
	}
	return f
}

func (r *reader) payloads(i item) *Payloads {
	p := new(Payloads)
	fields := r.fields(i, "url", "threshold", "max", "timeout", "compression")
	if url, ok := fields["url"]; ok {
		p.URL, _ = r.expand(url)
	}
	if size, ok := fields["threshold"]; ok {
		p.Threshold = r.size(size)
	}
	if size, ok := fields["max"]; ok {
		p.Max = r.size(size)
	}
	if d, ok := fields["timeout"]; ok {
		p.Timeout = r.duration(d, time.Millisecond, 24*time.Hour)
	}
	if c, ok := fields["compression"]; ok {
		if p.Compression = r.text(c); p.Compression != "zstd" {
			r.fail(c, "it is no compression; known is zstd")
		}
	}
	if p.URL == "" && p.Compression == "" {
		r.fail(i, "it has neither url nor compression")
	}
	return p
}

func (r *reader) queue(name string, i item) Queue {
	q := Queue{Name: name}
	fields := r.fields(i, "url", "weight", "concurrency", "rate", "burst", "hold", "retry", "declared")
	if url, ok := fields["url"]; ok {
		q.Line, q.Column = url.at()
		q.URL, q.Variables = r.expand(url)
	} else {
		r.fail(i, "it has no url")
	}
	if i, ok := fields["weight"]; ok {
		q.Weight = r.number(i, 1000)
	}
	if i, ok := fields["concurrency"]; ok {
		q.Concurrency = r.number(i, maxConcurrency)
	}
	if i, ok := fields["rate"]; ok {
		q.Rate = r.rate(i)
	}
	if i, ok := fields["burst"]; ok {
		q.Burst = r.number(i, maxRate)
		if q.Rate == 0 {
			r.fail(i, "it is that of a rate, and the queue has none")
		}
	}
	if i, ok := fields["hold"]; ok {
		q.Hold = r.duration(i, time.Millisecond, 7*day)
	}
	if i, ok := fields["retry"]; ok {
		r.retry(&q, i)
	}
	if i, ok := fields["declared"]; ok {
		q.Declared = r.policy(i)
	}
	return q
}

func (r *reader) retry(q *Queue, i item) {
	fields := r.fields(i, "max_attempts", "max_deliveries", "backoff", "max_backoff")
	if i, ok := fields["max_attempts"]; ok {
		q.MaxAttempts = r.number(i, 1000)
	}
	if i, ok := fields["max_deliveries"]; ok {
		q.MaxDeliveries = r.number(i, 10_000)
		if q.MaxDeliveries < q.MaxAttempts {
			r.fail(i, "it is below max_attempts")
		}
	}
	if i, ok := fields["backoff"]; ok {
		q.Backoff = r.duration(i, time.Millisecond, 365*day)
	}
	if i, ok := fields["max_backoff"]; ok {
		q.MaxBackoff = r.duration(i, time.Millisecond, 365*day)
		if q.MaxBackoff < q.Backoff {
			r.fail(i, "it is below backoff")
		}
	}
}

func (r *reader) policy(i item) *Policy {
	p := new(Policy)
	fields := r.fields(i, "hold", "max_attempts", "dead_letter", "retention", "dead_letter_retention", "retry_delay")
	if i, ok := fields["hold"]; ok {
		p.Hold = r.duration(i, time.Millisecond, 7*day)
	}
	if i, ok := fields["max_attempts"]; ok {
		p.MaxAttempts = r.number(i, 10_000)
	}
	if i, ok := fields["dead_letter"]; ok {
		p.DeadLetter = r.text(i)
	}
	if i, ok := fields["retention"]; ok {
		p.Retention = r.retention(i)
	}
	if i, ok := fields["dead_letter_retention"]; ok {
		p.DeadLetterRetention = r.retention(i)
	}
	if i, ok := fields["retry_delay"]; ok {
		p.RetryDelay = r.duration(i, time.Millisecond, 7*day)
	}
	return p
}

// retention is a duration, or unlimited.
func (r *reader) retention(i item) time.Duration {
	if s, ok := i.string(); ok && s == "unlimited" {
		return math.MaxInt64
	}
	return r.duration(i, time.Second, 100*365*day)
}

const (
	maxConcurrency = 100_000
	maxRate        = 1_000_000 // a second
	maxPayload     = 1 << 30   // bytes
)

// maxName is the most bytes in the name of a queue, or a kind.
const maxName = 128

func isName(s string) bool { return isToken(s, "._-") }
func isKind(s string) bool { return isToken(s, ".:/_-") }

func isToken(s, others string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || isDigit(c)
		if !alphanumeric && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
