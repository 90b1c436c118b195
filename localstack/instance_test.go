package localstack

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheEndpointOfTheEnvironmentIsUsed(t *testing.T) {
	page := `{"services": {"sqs": "running", "iam": "disabled"}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/_localstack/health" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(page)) // the client looks at what came
	}))
	defer server.Close()
	t.Setenv(EnvEndpoint, server.URL+"/")
	i, err := Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if i.Endpoint() != server.URL || i.Via() != ViaAddress {
		t.Errorf("endpoint %s by %s; want %s by %s", i.Endpoint(), i.Via(), server.URL, ViaAddress)
	}
	if err := i.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := Start(t.Context(), nil); err != nil {
		t.Errorf("after a Close of one that was there before: %v", err)
	}
}

func TestWhatIsNoLocalStackIsRefused(t *testing.T) {
	t.Setenv(EnvEndpoint, "localhost:4566")
	if _, err := Start(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "no address such as") {
		t.Errorf("error %v; want one that shows an address", err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	i := &Instance{endpoint: server.URL}
	if err := i.health(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "is it a LocalStack?") {
		t.Errorf("error %v; want one that doubts it", err)
	}
}

func TestWithoutAWayEachReasonIsGiven(t *testing.T) {
	t.Setenv(EnvEndpoint, "")
	t.Setenv(EnvVia, "")
	t.Setenv("PATH", t.TempDir())
	t.Setenv("PYENV_ROOT", t.TempDir())
	reasons := []string{"no container: docker", "no process: no Python 3.13", EnvEndpoint}
	if _, err := engine(t.Context()); err == nil { // testcontainers finds it by itself
		t.Setenv(EnvVia, ViaProcess)
		reasons = reasons[1:]
	}
	for name, err := range map[string]error{"start": startErr(t), "at hand": AtHand(t.Context())} {
		for _, want := range reasons {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v; want one with %q", name, err, want)
			}
		}
	}
	t.Setenv(EnvVia, "magic")
	if err := startErr(t); err == nil || !strings.Contains(err.Error(), `LOCALSTACK_VIA is "magic"`) {
		t.Errorf("error %v; want one that names the setting", err)
	}
}

func startErr(t *testing.T) error {
	i, err := Start(t.Context(), nil)
	if err == nil {
		t.Fatal(i.Close(t.Context()))
	}
	return err
}

func TestAnotherPythonIsNotTaken(t *testing.T) {
	bin := t.TempDir()
	script(t, filepath.Join(bin, "python3.13"), "echo the version is not chosen; exit 127")
	script(t, filepath.Join(bin, "python3"), "echo it is 3.11.2; exit 1")
	root := t.TempDir()
	want := filepath.Join(root, "versions", "3.13.0", "bin", "python")
	if err := os.MkdirAll(filepath.Dir(want), 0o777); err != nil {
		t.Fatal(err)
	}
	script(t, want, "exit 0")
	t.Setenv("PATH", bin+":/bin:/usr/bin")
	t.Setenv("PYENV_ROOT", root)
	got, err := findPython(t.Context())
	if err != nil || got != want {
		t.Errorf("found %q, %v; want %q", got, err, want)
	}
	if err := os.Remove(want); err != nil {
		t.Fatal(err)
	}
	_, err = findPython(t.Context())
	for _, want := range []string{"the version is not chosen", "it is 3.11.2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one with %q", err, want)
		}
	}
}

func script(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text+"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
}

func TestAProcessThatDoesNotComeUpShowsItsLastLines(t *testing.T) {
	python := filepath.Join(t.TempDir(), "python")
	script(t, python, `echo "SERVICES is $SERVICES, secret is $AWS_SECRET_ACCESS_KEY"; exit 1`)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "key")
	_, err := runProcess(t.Context(), python, t.TempDir(), nil)
	if err == nil || !strings.Contains(err.Error(), errEnded.Error()) || !strings.Contains(err.Error(), "SERVICES is sqs, secret is \n") {
		t.Errorf("error %v; want the log in it, without the environment's secret", err)
	}
}

func TestAnInstanceAnswersUntilItIsClosed(t *testing.T) {
	for _, via := range []string{ViaContainer, ViaProcess} {
		t.Run(via, func(t *testing.T) {
			t.Setenv(EnvEndpoint, "")
			t.Setenv(EnvVia, via)
			if err := AtHand(t.Context()); err != nil {
				t.Skip(err)
			}
			i, err := Start(t.Context(), &Options{Notes: os.Stderr})
			if err != nil {
				if via == ViaContainer {
					t.Skip(err) // the engine may reach no registry
				}
				t.Fatal(err)
			}
			if i.Via() != via {
				t.Errorf("it is a %s; want a %s", i.Via(), via)
			}
			if err := i.health(t.Context(), []string{"sqs"}); err != nil {
				t.Error(err)
			}
			if !strings.Contains(i.Log(), "Ready.") {
				t.Errorf("log %q; want what it printed", i.Log())
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := i.Close(ctx); err != nil {
				t.Errorf("close: %v", err)
			}
			if via == ViaProcess {
				<-i.Exited()
			}
			if conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(i.Endpoint(), "http://")); err == nil {
				_ = conn.Close() // it should not be there
				t.Error("it still answers after Close")
			}
		})
	}
}
