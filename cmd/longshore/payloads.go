package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/fileblob"  // file://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://

	"github.com/longshore-dev/longshore/claimcheck"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/zstd"
)

// addPayloads adds --payloads to a command that sends or reads payloads.
func (o *queueFlags) addPayloads(c *cobra.Command) {
	c.Flags().StringVar(&o.payloads, "payloads", "", "`URL` of the store of large payloads, for example "+examplePayloads+"; with --config in place of its payloads.url")
}

const examplePayloads = "s3://shop-payloads?region=eu-west-1&prefix=orders/"

// openPayloads opens the store of large payloads that --payloads or the file names, after
// resolve. It answers what closes it, and nil payloads when neither says anything of them.
func (o *queueFlags) openPayloads(ctx context.Context) (*runtime.Payloads, io.Closer, error) {
	var c runtime.Config
	if o.file != nil {
		c.PayloadSettings = o.file.PayloadSettings
	}
	hint := "correct payloads in " + o.config
	if o.payloads != "" {
		var settings runtime.PayloadSettings
		if c.PayloadSettings != nil {
			settings = *c.PayloadSettings
		}
		settings.URL = o.payloads
		c.PayloadSettings = &settings
		hint = "correct --payloads; it is like '" + examplePayloads + "' or file:///directory"
	}
	store, err := claimcheck.FromConfig(ctx, &c)
	if err != nil {
		return nil, store, &usageError{err, hint}
	}
	return c.Payloads, store, nil
}

// forReading are payloads, which may be nil, that know how to decompress: what is read
// was compressed by a program with settings of its own.
func forReading(p *runtime.Payloads) *runtime.Payloads {
	reading := runtime.Payloads{}
	if p != nil {
		reading = *p
	}
	if reading.Compression == nil {
		reading.Compression = zstd.New()
	}
	return &reading
}

// dataLimit is the most bytes of data that a queue takes with payloads, which may be nil;
// what is over the limit of a message less what the runtime keeps back is refused later.
func dataLimit(q *runtime.QueueInfo, payloads *runtime.Payloads) int {
	limit := q.Driver.Capabilities().MaxBody
	if payloads == nil || payloads.Store == nil {
		return limit
	}
	if payloads.MaxSize > 0 {
		return max(limit, payloads.MaxSize)
	}
	return max(limit, runtime.DefaultMaxPayload)
}
