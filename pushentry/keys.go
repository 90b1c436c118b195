package pushentry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

const (
	// shortest and longest are how long keys are used before they are fetched again,
	// whatever their server says.
	shortest = time.Minute
	longest  = 24 * time.Hour
	// pause is the least time between two fetches while there are keys. Without any it
	// begins with firstPause and doubles.
	pause      = time.Minute
	firstPause = time.Second
	// fetchTime bounds one fetch.
	fetchTime = 5 * time.Second
	// maxKeys is the most bytes in a set of keys: that of Google has two kilobytes.
	maxKeys = 1 << 20
)

var (
	errNoKeys     = errors.New("the keys that sign tokens cannot be fetched")
	errUnknownKey = errors.New("no key that is known signed the token")
	errKeyUse     = errors.New("the token's key is for another algorithm")
)

// keys are those that sign tokens, fetched when they are needed: before they run out,
// and for an id that is not known, at most once a minute. Keys of which no newer ones
// can be fetched stay in use. It is safe for concurrent use.
type keys struct {
	url    string
	client *http.Client
	own    bool // nobody else uses the client's connections
	logger *slog.Logger
	work   sync.WaitGroup // the fetch under way; close waits for it

	mu       sync.Mutex // guards what follows
	known    map[string]key
	renew    time.Time // from then on they are fetched beside the requests
	fresh    time.Time // from then on before
	next     time.Time // no fetch begins before
	failures int       // in a row
	fetch    *fetch    // under way; nil for none
	closed   bool
}

// fetch is one fetch under way.
type fetch struct {
	done   chan struct{} // closed at its end
	cancel context.CancelFunc
}

func newKeys(url string, client *http.Client, logger *slog.Logger) *keys {
	k := &keys{url: url, client: client, logger: logger}
	if client == nil {
		k.client = new(http.Client)
		if t, ok := http.DefaultTransport.(*http.Transport); ok { // a program may have put another there
			k.own = true
			k.client.Transport = t.Clone()
		}
	}
	return k
}

// get is the key of an id for an algorithm. errUnknownKey when there is none, errNoKeys
// when that cannot be known.
func (k *keys) get(ctx context.Context, id, algorithm string) (any, error) {
	found, ok, f := k.find(id)
	if f != nil {
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, errNoKeys
		}
		found, ok, _ = k.find(id)
	}
	switch {
	case ok && found.algorithm != algorithm:
		return nil, errKeyUse
	case ok:
		return found.public, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failures > 0 || len(k.known) == 0 {
		return nil, errNoKeys
	}
	return nil, errUnknownKey
}

// find looks a key up. When it answers a fetch, its end is to be waited for first.
func (k *keys) find(id string) (found key, ok bool, wait *fetch) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	found, ok = k.known[id]
	if ok && now.Before(k.renew) {
		return found, true, nil
	}
	if k.fetch == nil && !k.closed && !now.Before(k.next) {
		k.begin()
	}
	if ok && now.Before(k.fresh) {
		return found, true, nil
	}
	return found, ok, k.fetch
}

// load makes sure that there are keys. Unavailable when there are none.
func (k *keys) load(ctx context.Context) error {
	for range 2 {
		k.mu.Lock()
		n := len(k.known)
		if n == 0 && k.fetch == nil && !k.closed && !time.Now().Before(k.next) {
			k.begin()
		}
		f := k.fetch
		k.mu.Unlock()
		if n > 0 {
			return nil
		}
		if f == nil {
			break
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return driver.ContextError(ctx, "pushentry: fetch keys")
		}
	}
	return driver.Errorf(driver.Unavailable, "pushentry: fetch keys", "%w; the log says why", errNoKeys)
}

// begin begins a fetch. The caller holds mu.
func (k *keys) begin() {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	f := &fetch{make(chan struct{}), cancel}
	k.fetch = f
	k.work.Go(func() {
		defer cancel()
		known, life, err := k.download(ctx)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.take(known, life, err)
		k.fetch = nil
		close(f.done)
	})
}

// take takes in the result of a fetch. The caller holds mu.
func (k *keys) take(known map[string]key, life time.Duration, err error) {
	now := time.Now()
	k.next = now.Add(pause)
	if err == nil {
		k.known, k.failures = known, 0
		k.renew, k.fresh = now.Add(life*3/4), now.Add(life)
		return
	}
	if k.closed {
		return
	}
	k.failures++
	if len(k.known) == 0 {
		k.next = now.Add(min(firstPause<<min(k.failures-1, 10), pause))
	}
	k.logger.Warn("the keys that sign tokens cannot be fetched", "url", k.url, "known", len(k.known), "error", err)
}

// download fetches the keys, and for how long they are good.
func (k *keys) download(ctx context.Context) (known map[string]key, life time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, http.NoBody)
	if err != nil {
		return nil, 0, err
	}
	response, err := k.client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("the answer is %q", response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxKeys+1))
	switch {
	case err != nil:
		return nil, 0, err
	case len(text) > maxKeys:
		return nil, 0, fmt.Errorf("the answer exceeds %d bytes", maxKeys)
	}
	if known, err = parseKeys(text); err != nil {
		return nil, 0, err
	}
	return known, lifetime(response.Header), nil
}

// lifetime is for how long an answer may be kept, within shortest and longest.
func lifetime(header http.Header) time.Duration {
	seconds := 0
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return shortest
		case "max-age":
			n, err := strconv.Atoi(strings.Trim(value, `"`))
			if err == nil && n > 0 {
				seconds = min(n, int(longest/time.Second))
			}
		}
	}
	if age, err := strconv.Atoi(header.Get("Age")); err == nil && age > 0 {
		seconds -= min(age, seconds)
	}
	return max(time.Duration(seconds)*time.Second, shortest)
}

// close ends a fetch that is under way, and has none begin. It waits for that no longer
// than ctx, as the client may be one that does not heed its context.
func (k *keys) close(ctx context.Context) {
	k.mu.Lock()
	k.closed = true
	f := k.fetch
	k.mu.Unlock()
	if f != nil {
		f.cancel()
		select {
		case <-f.done:
		case <-ctx.Done():
			return
		}
	}
	k.work.Wait()
	if k.own {
		k.client.CloseIdleConnections()
	}
}
