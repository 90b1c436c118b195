package pubsubemulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// The environment variables that Start reads.
const (
	EnvHost = "PUBSUB_EMULATOR_HOST" // host and port of an emulator that runs already
	EnvJar  = "PUBSUB_EMULATOR_JAR"  // the file of the emulator, in place of the Google Cloud CLI's
)

// How an instance came to be.
const (
	ViaAddress = "address"
	ViaProcess = "process"
)

// readyWithin is how long an instance may take to answer once it is started; it
// takes about a second.
const readyWithin = time.Minute

// pollEvery is how often an instance that is starting is asked.
const pollEvery = 50 * time.Millisecond

// Options for Start; nil stands for the zero value.
type Options struct {
	// Port is the one to listen on, on the loopback interface; 0 takes a free one.
	Port int
	// Heap is the most that the emulator keeps in memory, in MiB; 0 means 512. A
	// backlog of 100,000 short messages fits 256.
	Heap int
}

func (o *Options) port() int {
	if o == nil {
		return 0
	}
	return o.Port
}

func (o *Options) heap() int {
	if o == nil || o.Heap == 0 {
		return 512
	}
	return o.Heap
}

// Instance is an emulator that answers. It is safe for concurrent use.
type Instance struct {
	host   string
	via    string
	exited <-chan struct{} // nil when nobody sees it end
	log    func() string
	end    func(context.Context) error

	once sync.Once // for end and its result
	err  error     // written in once
}

// Host is its host and port, such as 127.0.0.1:8085, as PUBSUB_EMULATOR_HOST has it.
func (i *Instance) Host() string { return i.host }

// Via says how it came to be: ViaAddress or ViaProcess.
func (i *Instance) Via() string { return i.via }

// Exited is closed when the instance has ended, by itself or by Close. It is nil
// where that cannot be seen.
func (i *Instance) Exited() <-chan struct{} { return i.exited }

// Log is the last lines of what the instance has printed, where they can be read.
func (i *Instance) Log() string {
	if i.log == nil {
		return ""
	}
	return i.log()
}

// Close ends what Start has started and waits for it, at the latest until ctx
// ends; a process that has not ended by then is killed. An instance that was there
// before is left alone. Further calls answer as the first did.
func (i *Instance) Close(ctx context.Context) error {
	i.once.Do(func() {
		if i.end != nil {
			i.err = i.end(ctx)
		}
	})
	return i.err
}

// Start gives an instance that answers, in one of the ways that the package
// comment lists. The caller closes it. The error says what is missing.
func Start(ctx context.Context, o *Options) (*Instance, error) {
	if host := os.Getenv(EnvHost); host != "" {
		return attach(ctx, host)
	}
	java, jar, err := find()
	if err != nil {
		return nil, none(err)
	}
	return startProcess(ctx, java, jar, o)
}

// AtHand reports why Start would find no way at all. It starts nothing.
func AtHand() error {
	if os.Getenv(EnvHost) != "" {
		return nil
	}
	if _, _, err := find(); err != nil {
		return none(err)
	}
	return nil
}

// none is the error when no way is open.
func none(why error) error {
	return fmt.Errorf("pubsubemulator: set %s to the address of an emulator, or install Java and the component pubsub-emulator of the Google Cloud CLI: %w", EnvHost, why)
}

// attach gives the instance that runs at an address.
func attach(ctx context.Context, host string) (*Instance, error) {
	if _, port, err := net.SplitHostPort(host); err != nil || port == "" {
		return nil, fmt.Errorf("pubsubemulator: %s is %q; use host and port, such as 127.0.0.1:8085", EnvHost, host)
	}
	i := &Instance{host: host, via: ViaAddress}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := i.ready(ctx); err != nil {
		return nil, fmt.Errorf("pubsubemulator: %s: %w", EnvHost, err)
	}
	return i, nil
}

// errEnded says that there is nobody left to ask.
var errEnded = errors.New("it ended before it was ready")

// ready waits until the instance answers, until ctx ends or the instance has ended.
func (i *Instance) ready(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := i.health(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-i.exited: // never, where it is nil
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", err)
		}
	}
}

// health asks once. The emulator answers a GET of / with status 200.
func (i *Instance) health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.host+"/", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d; is it a Pub/Sub emulator?", resp.StatusCode)
	}
	return nil
}
