package pubsubemulator_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/pubsubemulator"
)

// openQueue opens a queue of an emulator by its URL, as users do.
func openQueue(host, url string) (driver.Queue, error) {
	if err := os.Setenv(pubsubemulator.EnvHost, host); err != nil {
		return nil, err
	}
	return driver.Default.Open(context.Background(), url)
}

// newQueue makes a queue on the shared emulator and opens it.
func newQueue(t *testing.T, hold time.Duration) (host, url string, q driver.Queue, err error) {
	t.Helper()
	host = pubsubemulator.Host(t)
	clients := connect(t, host)
	id, err := makeQueue(t.Context(), driverClients(clients), queueOptions{hold: hold, maxAttempts: 100})
	if err != nil {
		return "", "", nil, err
	}
	url = "pubsub://" + project + "/" + id
	q, err = openQueue(host, url)
	return host, url, q, err
}
