package localstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// pollEvery is how often an instance that is starting is asked.
const pollEvery = 100 * time.Millisecond

// errEnded says that there is nobody left to ask.
var errEnded = errors.New("it ended before it was ready")

// ready waits until the instance answers and has the services, until ctx ends or
// the instance has ended.
func (i *Instance) ready(ctx context.Context, services []string) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := i.health(ctx, services)
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

// health asks once. The page is documented by LocalStack as Internal Endpoints.
func (i *Instance) health(ctx context.Context, services []string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, i.endpoint+"/_localstack/health", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("health is status %d; is it a LocalStack?", resp.StatusCode)
	}
	var page struct{ Services map[string]string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&page); err != nil {
		return fmt.Errorf("health is not JSON; is it a LocalStack? %w", err)
	}
	for _, s := range services {
		if state := page.Services[s]; state != "running" && state != "available" {
			return fmt.Errorf("service %s is %q; want running or available", s, state)
		}
	}
	return nil
}
