package localstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// Image is the container image that Start runs unless LOCALSTACK_IMAGE names
// another: the last release that asks for no account token.
const Image = "localstack/localstack:4.14.0"

// The environment variables that Start reads.
const (
	EnvEndpoint = "LOCALSTACK_ENDPOINT" // the address of an instance that runs already
	EnvImage    = "LOCALSTACK_IMAGE"    // the container image, in place of Image
	EnvVia      = "LOCALSTACK_VIA"      // container or process: this way or none
)

// How an instance came to be.
const (
	ViaAddress   = "address"
	ViaContainer = "container"
	ViaProcess   = "process"
)

// readyWithin is how long an instance may take to answer once it is started.
const readyWithin = time.Minute

// Options for Start; nil stands for the zero value.
type Options struct {
	// Services are the AWS services to run; by default sqs. An instance at
	// LOCALSTACK_ENDPOINT must have them.
	Services []string
	// Port is the one to listen on, on the loopback interface; 0 takes a free one.
	Port int
	// Notes gets a line when something takes long, such as the installation of
	// packages; nil for none.
	Notes io.Writer
}

func (o *Options) services() []string {
	if o == nil || len(o.Services) == 0 {
		return []string{"sqs"}
	}
	return o.Services
}

func (o *Options) port() int {
	if o == nil {
		return 0
	}
	return o.Port
}

func (o *Options) note(format string, args ...any) {
	if o != nil && o.Notes != nil {
		fmt.Fprintf(o.Notes, "localstack: "+format+"\n", args...)
	}
}

// Instance is a LocalStack that answers. It is safe for concurrent use.
type Instance struct {
	endpoint string
	via      string
	exited   <-chan struct{} // nil when nobody sees it end
	log      func() string
	end      func(context.Context) error

	once sync.Once // for end and its result
	err  error     // written in once
}

// Endpoint is the address of all its services, such as http://127.0.0.1:4566.
func (i *Instance) Endpoint() string { return i.endpoint }

// Via says how it came to be: ViaAddress, ViaContainer or ViaProcess.
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
// ends; a process that has not ended by then is killed. An instance that was
// there before is left alone. Further calls answer as the first did.
func (i *Instance) Close(ctx context.Context) error {
	i.once.Do(func() {
		if i.end != nil {
			i.err = i.end(ctx)
		}
	})
	return i.err
}

// way is how an instance can come to be on this machine.
type way struct {
	via    string
	start  func(context.Context, *Options) (*Instance, error)
	atHand func(context.Context) error
}

// ways are those that LOCALSTACK_VIA leaves, in the order in which they are tried.
func ways() ([]way, error) {
	all := []way{
		{ViaContainer, startContainer, func(ctx context.Context) error { _, err := engine(ctx); return err }},
		{ViaProcess, startProcess, func(ctx context.Context) error { _, err := findPython(ctx); return err }},
	}
	switch wanted := os.Getenv(EnvVia); wanted {
	case "":
		return all, nil
	case ViaContainer:
		return all[:1], nil
	case ViaProcess:
		return all[1:], nil
	default:
		return nil, fmt.Errorf("localstack: %s is %q; use %s or %s", EnvVia, wanted, ViaContainer, ViaProcess)
	}
}

// none is the error when no way is open.
func none(why []error) error {
	return fmt.Errorf("localstack: set %s, run a Docker engine or install Python 3.13: %w", EnvEndpoint, errors.Join(why...))
}

// Start gives an instance that answers, in one of the ways that the package
// comment lists. The caller closes it. The error says for each way why it is not
// open; with an endpoint in the environment, or a way demanded by LOCALSTACK_VIA,
// for that one. It may take minutes the first time, when packages are installed
// or an image is pulled, and a few seconds after that.
func Start(ctx context.Context, o *Options) (*Instance, error) {
	if endpoint := os.Getenv(EnvEndpoint); endpoint != "" {
		return attach(ctx, endpoint, o)
	}
	ways, err := ways()
	if err != nil {
		return nil, err
	}
	var why []error
	for _, w := range ways {
		i, err := w.start(ctx, o)
		if err == nil {
			return i, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("localstack: start: %w", errors.Join(err, ctx.Err()))
		}
		err = fmt.Errorf("no %s: %w", w.via, err)
		if len(ways) > 1 {
			o.note("%s", shorten(err.Error()))
		}
		why = append(why, err)
	}
	return nil, none(why)
}

// AtHand reports why Start would find no way at all. It starts and installs
// nothing, so that a nil error is no promise: an image may be out of reach.
func AtHand(ctx context.Context) error {
	if os.Getenv(EnvEndpoint) != "" {
		return nil
	}
	ways, err := ways()
	if err != nil {
		return err
	}
	var why []error
	for _, w := range ways {
		err := w.atHand(ctx)
		if err == nil {
			return nil
		}
		why = append(why, fmt.Errorf("no %s: %w", w.via, err))
	}
	return none(why)
}

// attach gives the instance that runs at the endpoint.
func attach(ctx context.Context, endpoint string, o *Options) (*Instance, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("localstack: %s is no address such as http://127.0.0.1:4566", EnvEndpoint)
	}
	i := &Instance{endpoint: strings.TrimRight(endpoint, "/"), via: ViaAddress}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := i.ready(ctx, o.services()); err != nil {
		return nil, fmt.Errorf("localstack: %s: %w", EnvEndpoint, err)
	}
	return i, nil
}

// shorten is the first line of a reason, for a note.
func shorten(reason string) string {
	first, _, more := strings.Cut(reason, "\n")
	if more {
		first += " ..."
	}
	return first
}
