package pubsubemulator

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheHostOfTheEnvironmentIsUsed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	t.Setenv(EnvHost, host)
	if err := AtHand(); err != nil {
		t.Error(err)
	}
	i, err := Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if i.Host() != host || i.Via() != ViaAddress || i.Log() != "" || i.Exited() != nil {
		t.Errorf("host %s by %s; want %s by %s", i.Host(), i.Via(), host, ViaAddress)
	}
	if err := i.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := Start(t.Context(), nil); err != nil {
		t.Errorf("after a Close of one that was there before: %v", err)
	}
}

func TestWhatIsNoEmulatorIsRefused(t *testing.T) {
	t.Setenv(EnvHost, "localhost")
	if _, err := Start(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "use host and port, such as") {
		t.Errorf("error %v; want one that shows an address", err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	i := &Instance{host: strings.TrimPrefix(server.URL, "http://")}
	if err := i.health(t.Context()); err == nil || !strings.Contains(err.Error(), "is it a Pub/Sub emulator?") {
		t.Errorf("error %v; want one that doubts it", err)
	}
}

// nothing lets a test find neither a Java nor an emulator.
func nothing(t *testing.T) {
	t.Helper()
	for _, name := range []string{EnvHost, EnvJar, "JAVA_HOME", "CLOUDSDK_ROOT_DIR"} {
		t.Setenv(name, "")
	}
	t.Setenv("PATH", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	old := packaged
	packaged = nil
	t.Cleanup(func() { packaged = old })
}

func TestWithoutAWayEachReasonIsGiven(t *testing.T) {
	nothing(t)
	_, start := Start(t.Context(), nil)
	for name, err := range map[string]error{"start": start, "at hand": AtHand()} {
		for _, want := range []string{EnvHost, "no java in JAVA_HOME or on PATH", "no emulator in PUBSUB_EMULATOR_JAR"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v; want one with %q", name, err, want)
			}
		}
	}
	t.Setenv(EnvJar, filepath.Join(t.TempDir(), "missing.jar"))
	if err := AtHand(); err == nil || !strings.Contains(err.Error(), EnvJar+": stat ") {
		t.Errorf("error %v; want one that names the setting", err)
	}
}

func TestTheNewestEmulatorOfAGoogleCloudCLIIsFound(t *testing.T) {
	nothing(t)
	root := t.TempDir()
	lib := filepath.Join(root, "platform", "pubsub-emulator", "lib")
	if err := os.MkdirAll(lib, 0o777); err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(lib, "cloud-pubsub-emulator-0.8.20-all.jar")
	for _, name := range []string{want, filepath.Join(lib, "cloud-pubsub-emulator-0.8.19-all.jar"), filepath.Join(root, "gcloud")} {
		script(t, name, "exit 1")
	}
	bin := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o777); err != nil {
		t.Fatal(err)
	}
	script(t, filepath.Join(root, "bin", "gcloud"), "exit 1")
	if err := os.Symlink(filepath.Join(root, "bin", "gcloud"), filepath.Join(bin, "gcloud")); err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]func(t *testing.T){
		"CLOUDSDK_ROOT_DIR": func(t *testing.T) { t.Setenv("CLOUDSDK_ROOT_DIR", root) },
		"PATH":              func(t *testing.T) { t.Setenv("PATH", bin) },
		EnvJar:              func(t *testing.T) { t.Setenv(EnvJar, want) },
	} {
		t.Run(name, func(t *testing.T) {
			set(t)
			if got, err := findJar(); err != nil || got != want {
				t.Errorf("found %q, %v; want %q", got, err, want)
			}
		})
	}
}

func script(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text+"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
}

func TestAProcessThatDoesNotComeUpShowsItsLastLines(t *testing.T) {
	java := filepath.Join(t.TempDir(), "java")
	script(t, java, `echo "args $*, secret is $GOOGLE_APPLICATION_CREDENTIALS"; exit 1`)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "key")
	_, err := runProcess(t.Context(), java, "emulator.jar", t.TempDir(), &Options{Heap: 99})
	if err == nil || !strings.Contains(err.Error(), errEnded.Error()) || !strings.Contains(err.Error(), "args -Xmx99m -jar emulator.jar --host=127.0.0.1 --port=") || !strings.Contains(err.Error(), "secret is \n") {
		t.Errorf("error %v; want the log in it, without the environment's secret", err)
	}
}

func TestAnInstanceAnswersUntilItIsClosed(t *testing.T) {
	t.Setenv(EnvHost, "")
	if err := AtHand(); err != nil {
		t.Skip(err)
	}
	i, err := Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if i.Via() != ViaProcess {
		t.Errorf("it is a %s; want a %s", i.Via(), ViaProcess)
	}
	if err := i.health(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(i.Log(), "Server started") {
		t.Errorf("log %q; want what it printed", i.Log())
	}
	if err := i.Close(t.Context()); err != nil {
		t.Errorf("close: %v", err)
	}
	select {
	case <-i.Exited():
	case <-time.After(time.Second):
		t.Error("it has not ended")
	}
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", i.Host()); err == nil {
		_ = conn.Close() // it should not be there
		t.Error("it still answers after Close")
	}
}
