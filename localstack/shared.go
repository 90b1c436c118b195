package localstack

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// shared is the instance of a test binary.
var shared struct {
	mu       sync.Mutex
	managed  bool      // guarded by mu; Main runs
	started  bool      // guarded by mu
	instance *Instance // guarded by mu
	err      error     // guarded by mu; why there is none
}

// startWithin bounds the start of the shared instance, with an installation.
const startWithin = 8 * time.Minute

// Main runs the tests of a package and then ends the instance that they shared.
// It returns the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(localstack.Main(m)) }
func Main(m *testing.M) int {
	shared.mu.Lock()
	shared.managed = true
	shared.mu.Unlock()
	code := m.Run()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.instance != nil {
		if code != 0 {
			fmt.Fprintf(os.Stderr, "the last lines of LocalStack:\n%s\n", shared.instance.Log())
		}
		if err := shared.instance.Close(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	return code
}

// Shared is the one instance of a test binary, with SQS. The first call starts
// it, and [Main] closes it. The error says why there is none.
func Shared() (*Instance, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.managed {
		return nil, fmt.Errorf("localstack: call Main in TestMain, which ends the shared instance")
	}
	if !shared.started {
		shared.started = true
		ctx, cancel := context.WithTimeout(context.Background(), startWithin)
		defer cancel()
		shared.instance, shared.err = Start(ctx, &Options{Notes: os.Stderr})
	}
	return shared.instance, shared.err
}

// Endpoint is the address of the shared instance. Where there is none it skips
// the test and says why, or fails it when LOCALSTACK_REQUIRE is not empty.
func Endpoint(tb testing.TB) string {
	tb.Helper()
	i, err := Shared()
	if err == nil {
		return i.Endpoint()
	}
	if os.Getenv("LOCALSTACK_REQUIRE") != "" {
		tb.Fatal(err)
	}
	tb.Skip(err)
	return ""
}
