package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime/internal/configfile"
)

// Config is what a configuration file says: which queues there are, how a worker
// treats them, and where the tasks of each kind go. Moving to another provider
// changes that file alone.
//
//	concurrency: 50           # of a worker, over all queues
//	queues:
//	  orders:
//	    url: sqs://orders?region=${AWS_REGION}
//	    weight: 3             # three tasks of four, while both queues have some
//	    concurrency: 20
//	    rate: 100/s
//	    hold: 1m
//	    retry:
//	      max_attempts: 8
//	      backoff: 2s         # doubles with each attempt
//	      max_backoff: 1h
//	  mails:
//	    url: sqs://mails?region=${AWS_REGION}
//	routes:
//	  mail.send: mails
//	default_queue: orders
//	payloads:                 # larger than a threshold, to an object store
//	  url: s3://shop-payloads?region=${AWS_REGION}
//
// The guide has all keys. What the file says of a queue stands in its [QueueInfo],
// so every Worker of Queues heeds it; what it says of a Client and of a Worker as a
// whole is in ClientOptions and WorkerOptions. It must not be changed once a Client
// or Worker uses it.
type Config struct {
	// Queues are the open queues, in the order of the file; nil after ReadConfig.
	Queues *Queues
	// Settings are what the file says of each queue, in its order.
	Settings []QueueSettings
	// Routes are the names of the queues of kinds. DefaultQueue is that of kinds
	// without a route: the one that the file names, or its only one, or empty.
	Routes       map[string]string
	DefaultQueue string
	// Concurrency is how many tasks a worker runs at a time, over all queues: 1 to
	// 100,000, 0 when the file does not say; see Config.WorkerOptions.
	Concurrency int
	// Strict is WorkerOptions.Strict.
	Strict bool
	// PayloadSettings is what the file says of large payloads; nil when it says nothing.
	// Payloads are what became of it, for ClientOptions and MuxOptions: claimcheck.FromConfig
	// opens the store and sets them.
	PayloadSettings *PayloadSettings
	Payloads        *Payloads
}

// PayloadSettings is what a configuration file says of large payloads. Zero fields stand
// for the defaults of [Payloads].
type PayloadSettings struct {
	// URL is that of the store, empty for none.
	URL string
	// Threshold and MaxSize are in bytes.
	Threshold, MaxSize int
	Timeout            time.Duration
	// Compression is zstd, or empty for none.
	Compression string
}

// ReadConfig reads a configuration file, of at most 256 KiB, without opening its
// queues. In a URL ${NAME} stands for a variable of the environment, which must be
// set and not empty.
//
// NotFound when there is no such file, PermissionDenied when it may not be read,
// InvalidArgument for what is wrong in it: no YAML, an unknown key, a value of the
// wrong type or out of range, a name or URL that occurs twice, a route to no queue, a
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
	c := &Config{Routes: f.Routes, DefaultQueue: f.DefaultQueue, Concurrency: f.Concurrency, Strict: f.Strict}
	if c.DefaultQueue == "" && len(f.Queues) == 1 {
		c.DefaultQueue = f.Queues[0].Name
	}
	if p := f.Payloads; p != nil {
		c.PayloadSettings = &PayloadSettings{URL: p.URL, Threshold: p.Threshold, MaxSize: p.Max, Timeout: p.Timeout, Compression: p.Compression}
	}
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
		if err := c.Settings[i].addTo(ctx, c.Queues); err != nil {
			return nil, errors.Join(err, c.Queues.Close(ctx))
		}
	}
	return c, nil
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

// ClientOptions are what the file says of a Client: its routes, its default queue, and
// the payloads. NewClient refuses them while there are PayloadSettings and no Payloads.
func (c *Config) ClientOptions() *ClientOptions {
	payloads := c.Payloads
	if payloads == nil && c.PayloadSettings != nil {
		payloads = &Payloads{unopened: true}
	}
	return &ClientOptions{Routes: c.Routes, DefaultQueue: c.DefaultQueue, Payloads: payloads}
}

// WorkerOptions are what the file says of a Worker that works on the named queues,
// by default all: Queues, Strict and Concurrency. Where the top of the file has no
// concurrency, that is enough for those of the queues: their sum, and 10 at least
// when one of them has none.
func (c *Config) WorkerOptions(queues ...string) *WorkerOptions {
	o := &WorkerOptions{Queues: queues, Strict: c.Strict, Concurrency: c.Concurrency}
	if o.Concurrency > 0 {
		return o
	}
	least := 1
	for i := range c.Settings {
		s := &c.Settings[i]
		if len(queues) > 0 && !slices.Contains(queues, s.Name) {
			continue
		}
		if s.Concurrency == 0 {
			least = 10
		}
		o.Concurrency += s.Concurrency
	}
	o.Concurrency = min(max(o.Concurrency, least), maxConcurrency)
	return o
}
