package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/localstack"
)

// address is that of something that answers as a LocalStack does.
func address(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"services": {"sqs": "running"}}`) // the client looks at what came
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// What it prints is all that another terminal needs, and it stays until it is ended.
func TestItRunsInTheForegroundUntilItIsEnded(t *testing.T) {
	endpoint := address(t)
	t.Setenv(localstack.EnvEndpoint, endpoint)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	out, in := io.Pipe()
	ended := make(chan error, 1) // one result, never closed
	go func() {
		err := run(ctx, in, nil)
		if ctx.Err() == nil {
			err = errors.Join(err, errors.New("it ended by itself"))
		}
		ended <- err
		_ = in.Close()
	}()
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			time.AfterFunc(50*time.Millisecond, end) // one that does not stay has ended by then
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, want := range []string{"export AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=", "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="} {
		if all := strings.Join(said, "\n"); !strings.Contains(all, want) {
			t.Errorf("it does not say %s but\n%s", want, all)
		}
	}
}

// The exit status of -check decides whether the suite runs on one.
func TestTheCheckSaysWhetherOneRunsHere(t *testing.T) {
	t.Setenv(localstack.EnvEndpoint, address(t))
	if err := try(t.Context()); err != nil {
		t.Errorf("with an address: %v", err)
	}
	t.Setenv(localstack.EnvEndpoint, "")
	t.Setenv(localstack.EnvVia, localstack.ViaProcess)
	t.Setenv("PATH", t.TempDir())
	t.Setenv("PYENV_ROOT", t.TempDir())
	if err := try(t.Context()); err == nil || !strings.Contains(err.Error(), "no Python 3.13") {
		t.Errorf("without a way: %v; want why", err)
	}
}
