package main

import (
	"context"
	"io"

	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/fileblob"  // file://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://

	"github.com/longshore-dev/longshore/claimcheck"
	"github.com/longshore-dev/longshore/runtime"
)

// openPayloads opens the store of large payloads that the file names, after resolve. It
// answers what closes it, and nil payloads without a file or when that says nothing of
// them.
func (o *queueFlags) openPayloads(ctx context.Context) (*runtime.Payloads, io.Closer, error) {
	if o.file == nil {
		return nil, (*claimcheck.Store)(nil), nil
	}
	store, err := claimcheck.FromConfig(ctx, o.file)
	if err != nil {
		return nil, store, &usageError{err, "correct payloads in " + o.config}
	}
	return o.file.Payloads, store, nil
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
