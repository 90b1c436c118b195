package pubsubemulator

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is the instance of a test binary.
var shared struct {
	mu       sync.Mutex
	managed  bool      // guarded by mu; Main runs
	started  bool      // guarded by mu
	instance *Instance // guarded by mu
	err      error     // guarded by mu; why there is none
}

// Main runs the tests of a package and then ends the instance that they shared. It
// returns the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(pubsubemulator.Main(m)) }
func Main(m *testing.M) int {
	shared.mu.Lock()
	shared.managed = true
	shared.mu.Unlock()
	code := m.Run()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.instance != nil {
		if code != 0 {
			fmt.Fprintf(os.Stderr, "the last lines of the emulator:\n%s\n", shared.instance.Log())
		}
		if err := shared.instance.Close(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	return code
}

// Shared is the one instance of a test binary. The first call starts it, and
// [Main] closes it. The error says why there is none.
func Shared() (*Instance, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.managed {
		return nil, errors.New("pubsubemulator: call Main in TestMain, which ends the shared instance")
	}
	if !shared.started {
		shared.started = true
		shared.instance, shared.err = Start(context.Background(), nil)
	}
	return shared.instance, shared.err
}

// Host is the address of the shared instance. Where there is none it skips the
// test and says why, or fails it when PUBSUB_EMULATOR_REQUIRE is not empty.
func Host(tb testing.TB) string {
	tb.Helper()
	i, err := Shared()
	if err == nil {
		return i.Host()
	}
	if os.Getenv("PUBSUB_EMULATOR_REQUIRE") != "" {
		tb.Fatal(err)
	}
	tb.Skip(err)
	return ""
}
