package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime/internal/configfile"
)

// Config is what a configuration file says: which queues there are, and where the
// tasks of each kind go. Moving to another provider changes that file alone.
//
//	queues:
//	  orders:
//	    url: sqs://orders?region=${AWS_REGION}
//	    concurrency: 20
//	    hold: 1m
//	    retry:
//	      max_attempts: 8
//	      backoff: 2s       # doubles with each attempt
//	      max_backoff: 1h
//	  mails:
//	    url: sqs://mails?region=${AWS_REGION}
//	routes:
//	  mail.send: mails
//	default_queue: orders
//
// Give Routes and DefaultQueue to [ClientOptions]. It must not be changed once a
// Client or Worker uses it.
type Config struct {
	// Queues are the open queues, in the order of the file, with the retry policy
	// and the declared policy of each; nil after ReadConfig.
	Queues *Queues
	// Settings are what the file says of each queue, in its order.
	Settings []QueueSettings
	// Routes are the names of the queues of kinds, and DefaultQueue that of kinds
	// without a route, or empty.
	Routes       map[string]string
	DefaultQueue string
}

// QueueSettings are what a configuration file says of one queue. What it does not
// say is zero.
type QueueSettings struct {
	// Name is 1 to 128 letters, digits and any of ._-
	Name string
	// URL is the queue's, with the variables of the environment in their places.
	URL string
	// Concurrency is how many of its tasks run at a time, 1 to 100,000, and Hold
	// how long a lease runs before it has to be extended. No worker takes them by
	// itself: give them to the [WorkerOptions] of the queue's worker.
	Concurrency int
	Hold        time.Duration
	// Retry is the policy for kinds that have none of their own; nil when the file
	// has none.
	Retry *RetryPolicy
	// Declared is what stands in for a configuration that cannot be read; nil when
	// the file has none. See [QueueInfo].
	Declared *driver.Policy

	op        string // names file and line
	variables []configfile.Variable
}

// ReadConfig reads a configuration file, of at most 256 KiB, without opening its
// queues. In a URL ${NAME} stands for a variable of the environment, which must be
// set and not empty.
//
// NotFound when there is no such file, PermissionDenied when it may not be read,
// InvalidArgument for what is wrong in it: no YAML, an unknown key, a value of the
// wrong type or out of range, a name that occurs twice, a route to no queue, a
// variable that is not set. That error has line and column and no value of the
// file, as a secret may stand in the wrong place.
func ReadConfig(path string) (*Config, error) {
	op := "runtime: config " + path
	data, err := readConfigFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, driver.Errorf(driver.NotFound, op, "there is no such file")
	case errors.Is(err, fs.ErrPermission):
		return nil, driver.Errorf(driver.PermissionDenied, op, "the file may not be read")
	case err != nil:
		return nil, driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	f, err := configfile.Parse(data, os.LookupEnv)
	if wrong, ok := errors.AsType[*configfile.Error](err); ok {
		about := "the file"
		if wrong.Key != "" {
			about = wrong.Key
		}
		return nil, driver.Errorf(driver.InvalidArgument, fmt.Sprintf("%s:%d:%d", op, wrong.Line, wrong.Column), "%s: %s", about, wrong.Problem)
	}
	c := &Config{Routes: f.Routes, DefaultQueue: f.DefaultQueue}
	for i := range f.Queues {
		c.Settings = append(c.Settings, newQueueSettings(op, &f.Queues[i]))
	}
	return c, nil
}

// readConfigFile reads no more than a file may have, and one byte.
func readConfigFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, configfile.MaxSize+1))
}

func newQueueSettings(op string, q *configfile.Queue) QueueSettings {
	s := QueueSettings{
		Name: q.Name, URL: q.URL, Concurrency: q.Concurrency, Hold: q.Hold,
		op: fmt.Sprintf("%s:%d:%d: queues.%s", op, q.Line, q.Column, q.Name), variables: q.Variables,
	}
	if q.MaxAttempts > 0 || q.MaxDeliveries > 0 || q.Backoff > 0 || q.MaxBackoff > 0 {
		s.Retry = &RetryPolicy{MaxAttempts: q.MaxAttempts, MaxDeliveries: q.MaxDeliveries}
		if q.Backoff > 0 || q.MaxBackoff > 0 {
			base := cmp.Or(q.Backoff, time.Second)
			s.Retry.Backoff = Exponential(base, max(base, cmp.Or(q.MaxBackoff, 10*time.Minute)))
		}
	}
	if d := q.Declared; d != nil {
		s.Declared = &driver.Policy{
			Hold: d.Hold, MaxAttempts: d.MaxAttempts, DeadLetterTarget: d.DeadLetter, DeadLetterReadable: d.DeadLetter != "",
			Retention: d.Retention, DeadLetterRetention: d.DeadLetterRetention,
		}
	}
	return s
}

// OpenConfig reads a configuration file and opens its queues, which does no I/O
// with them. The driver of each scheme must have been imported. Close
// Config.Queues at the end.
//
// The errors are those of [ReadConfig], and InvalidArgument for a URL that its
// driver refuses.
func OpenConfig(ctx context.Context, path string) (*Config, error) {
	c, err := ReadConfig(path)
	if err != nil {
		return nil, err
	}
	c.Queues = new(Queues)
	for i := range c.Settings {
		if err := c.Settings[i].open(ctx, c.Queues); err != nil {
			return nil, errors.Join(err, c.Queues.Close(ctx))
		}
	}
	return c, nil
}

func (s *QueueSettings) open(ctx context.Context, queues *Queues) error {
	q, err := driver.Default.Open(ctx, s.URL)
	if err != nil {
		return driver.Errorf(driver.CodeOf(err), s.op, "%s", s.redact(err.Error()))
	}
	if err := queues.Add(QueueInfo{Name: s.Name, Driver: q, Retry: s.Retry, Declared: s.Declared}); err != nil {
		return errors.Join(driver.Errorf(driver.CodeOf(err), s.op, "%w", err), q.Close(ctx))
	}
	return nil
}

// redact puts the names of variables in the place of their values, which came from
// outside the file and may be secret.
func (s *QueueSettings) redact(text string) string {
	for _, v := range s.variables {
		if len(v.Value) < 4 {
			continue // no secret, and maybe a part of any number
		}
		text = strings.ReplaceAll(text, v.Value, "${"+v.Name+"}")
		if decoded, err := url.QueryUnescape(v.Value); err == nil {
			text = strings.ReplaceAll(text, decoded, "${"+v.Name+"}")
		}
	}
	return text
}

// Queue finds what the file says of the queue with this name; false when it has
// none.
func (c *Config) Queue(name string) (QueueSettings, bool) {
	for _, s := range c.Settings {
		if s.Name == name {
			return s, true
		}
	}
	return QueueSettings{}, false
}
