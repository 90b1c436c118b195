package claimcheck

import (
	"context"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/zstd"
)

// FromConfig opens what a configuration file says under payloads and sets c.Payloads, for
// the options of clients and Muxes. The Store is nil when the file names none, which Close
// allows. Call it before c.ClientOptions.
//
// The errors are those of [Open].
func FromConfig(ctx context.Context, c *runtime.Config) (*Store, error) {
	settings := c.PayloadSettings
	if settings == nil {
		return nil, nil
	}
	payloads := &runtime.Payloads{Threshold: settings.Threshold, MaxSize: settings.MaxSize, Timeout: settings.Timeout}
	switch settings.Compression {
	case "":
	case "zstd":
		payloads.Compression = zstd.New()
	default:
		return nil, driver.Errorf(driver.InvalidArgument, "claimcheck: config", "compression %q is not known; use zstd", settings.Compression)
	}
	if settings.URL == "" {
		c.Payloads = payloads
		return nil, nil
	}
	store, err := Open(ctx, settings.URL)
	if err != nil {
		return nil, err
	}
	payloads.Store = store
	c.Payloads = payloads
	return store, nil
}
