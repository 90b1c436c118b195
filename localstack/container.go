package localstack

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
	tclocalstack "github.com/testcontainers/testcontainers-go/modules/localstack"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/longshore-dev/longshore/internal/process"
)

// inner is the port inside the container.
const inner = "4566/tcp"

// startContainer runs LocalStack in a container.
func startContainer(ctx context.Context, o *Options) (_ *Instance, err error) {
	local, err := engine(ctx)
	if err != nil {
		return nil, err
	}
	image := cmp.Or(os.Getenv(EnvImage), Image)
	o.note("starting a container of %s", image)
	c, err := tclocalstack.Run(ctx, image,
		testcontainers.WithEnv(map[string]string{
			"SERVICES":               strings.Join(o.services(), ","),
			"EAGER_SERVICE_LOADING":  "1",
			"DISABLE_EVENTS":         "1",
			"SKIP_SSL_CERT_DOWNLOAD": "1",
		}),
		testcontainers.WithHostConfigModifier(func(h *container.HostConfig) {
			h.Binds = nil // these services start no containers of their own
			binding := network.PortBinding{HostPort: strconv.Itoa(o.port())}
			if local {
				binding.HostIP = loopback
			}
			h.PortBindings = network.PortMap{network.MustParsePort(inner): {binding}}
		}),
		testcontainers.WithWaitStrategy(wait.ForMappedPort(inner).WithStartupTimeout(readyWithin)),
		testcontainers.WithLogger(tclog.NewNoopLogger()),
	)
	end := func() error {
		return testcontainers.TerminateContainer(c, testcontainers.StopTimeout(process.EndsWithin))
	}
	fail := func(err error) (*Instance, error) {
		said := containerLog(c)
		if also := end(); also != nil {
			err = fmt.Errorf("%w; then %w", err, also)
		}
		if said != "" {
			err = fmt.Errorf("%w; its last lines:\n%s", err, said)
		}
		return nil, err
	}
	if err != nil {
		return fail(err)
	}
	endpoint, err := containerEndpoint(ctx, c, local)
	if err != nil {
		return fail(err)
	}
	i := &Instance{endpoint: endpoint, via: ViaContainer, log: func() string { return containerLog(c) }}
	i.end = func(context.Context) error { return end() } // the engine kills it after endsWithin
	ready, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := i.ready(ready, o.services()); err != nil {
		return fail(err)
	}
	return i, nil
}

// loopback is where the container is reached, and by nobody but this machine,
// when the engine is on this machine.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// containerEndpoint is the address of the container as seen from here.
func containerEndpoint(ctx context.Context, c *tclocalstack.LocalStackContainer, local bool) (string, error) {
	if !local {
		return c.PortEndpoint(ctx, inner, "http")
	}
	port, err := c.MappedPort(ctx, inner)
	if err != nil {
		return "", err
	}
	return "http://" + net.JoinHostPort(loopback.String(), port.Port()), nil
}

// engine reports why no Docker engine answers, and whether it is on this machine:
// reached by a socket, with no other host given to testcontainers.
func engine(ctx context.Context) (local bool, err error) {
	defer func() {
		if p := recover(); p != nil { // testcontainers does, on odd settings
			err = fmt.Errorf("docker: %v", p)
		}
	}()
	provider, err := testcontainers.NewDockerProvider(testcontainers.WithLogger(tclog.NewNoopLogger()))
	if err != nil {
		return false, fmt.Errorf("docker: %w", err)
	}
	defer provider.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := provider.Health(ctx); err != nil {
		return false, fmt.Errorf("docker: %w", err)
	}
	_, overridden := os.LookupEnv("TESTCONTAINERS_HOST_OVERRIDE")
	return !overridden && strings.HasPrefix(provider.Client().DaemonHost(), "unix:"), nil
}

// containerLog is the end of what the container has printed.
func containerLog(c *tclocalstack.LocalStackContainer) string {
	if c == nil || c.Container == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, err := c.Logs(ctx)
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-process.TailSize):])
}
