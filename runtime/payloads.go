package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

// PayloadStore keeps payloads that do not fit into messages. Package claimcheck has
// one for the object stores of Amazon, Google and Azure, and for directories. It is
// called by Enqueue and before handlers run, and must be safe for concurrent use.
//
// Objects are written before the message that refers to them is sent, are shared by
// all its copies, and are never deleted by the runtime: a rule of the store is to
// delete them when no message can refer to them any more.
//
// Calls must return soon after their context ends, however slow the store is: a fetch
// that does not keeps its task's lease and the place of a handler until it does.
type PayloadStore interface {
	// Put writes an object and answers its reference: a URI reference of at most
	// 1,024 bytes without secrets, as messages carry it. The name is fresh and not to
	// be guessed, 28 to 155 letters, digits and any of ._-; a call that failed is
	// repeated with another, so that a right to overwrite is not needed. It must not
	// change or keep data.
	Put(ctx context.Context, name string, data []byte) (ref string, err error)
	// Get reads an object of at most limit bytes. The reference comes from a message
	// and may be forged: one that Put of this store cannot have answered is
	// InvalidArgument, and nothing is read. NotFound says that the store is there and
	// the object is not, and TooLarge that it has more than limit bytes; after these
	// three the task is buried. All other errors put it off.
	Get(ctx context.Context, ref string, limit int) ([]byte, error)
}

// PayloadChecker is a PayloadStore that can say whether it can be read from. A Worker
// asks it at its start.
type PayloadChecker interface {
	// CheckRead answers nil when Get could read objects. It is called again after an
	// error that driver.Retryable takes for a passing one; others end the Worker.
	CheckRead(ctx context.Context) error
}

// Compression compresses payloads. Package runtime/zstd has one. It must be safe for
// concurrent use.
type Compression interface {
	// ContentType is the media type of what Compress answers, such as
	// application/zstd.
	ContentType() string
	// Compress compresses data. It must not change or keep it.
	Compress(data []byte) []byte
	// Decompress undoes Compress for data that may be forged. TooLarge when that makes
	// more than limit bytes, of which no more than a part may have been made.
	Decompress(data []byte, limit int) ([]byte, error)
}

// Payloads say what becomes of payloads that are large. Clients and Muxes of an
// application are given the same ones. The zero value of each field is its default.
type Payloads struct {
	// Store keeps what makes a message larger than Threshold; nil for none: then a
	// task over the queue's limit is refused.
	Store PayloadStore
	// Threshold is the size of a message, in bytes, above which its payload goes to the
	// Store: 1 to 1 GiB, default 64 KiB. What the queue does not take goes there in any
	// case.
	Threshold int
	// MaxSize is the most bytes in a payload, as the handler sees it: 1 to 1 GiB,
	// default 64 MiB. Enqueue refuses more, and a Mux reads and decompresses no more:
	// a worker may hold as much, and its compressed form, for each handler that runs.
	MaxSize int
	// Timeout bounds the writing of one payload with its retries, and the reading of one
	// before an attempt: above 0, default 1 min. It is no part of a handler's Timeout.
	Timeout time.Duration
	// Compression compresses what a Client sends of at least 1 KiB, where that makes it
	// smaller, and decompresses what a Mux gets; nil for neither. A Mux that does not
	// know the compression of a task puts it off, as one of a kind that it does not
	// know: give it to all workers before the first client.
	Compression Compression

	unopened bool // see Config.ClientOptions
}

// DefaultMaxPayload is Payloads.MaxSize, in bytes, when nobody says.
const DefaultMaxPayload = 64 << 20

const (
	defaultThreshold   = 64 << 10
	maxPayload         = 1 << 30
	minCompressed      = 1 << 10
	defaultPayloadTime = time.Minute
)

// checked is a copy with the defaults filled in; nil for nil.
func (p *Payloads) checked() (*Payloads, error) {
	if p == nil {
		return nil, nil
	}
	c := *p
	if c.Threshold == 0 {
		c.Threshold = defaultThreshold
	}
	if c.MaxSize == 0 {
		c.MaxSize = DefaultMaxPayload
	}
	if c.Timeout == 0 {
		c.Timeout = defaultPayloadTime
	}
	switch {
	case c.unopened:
		return nil, errors.New("payloads: the configuration file has some, and nobody has opened their store; call claimcheck.FromConfig")
	case c.Threshold < 1 || c.Threshold > maxPayload:
		return nil, fmt.Errorf("payloads: threshold %d is not within 1 to %d bytes", c.Threshold, maxPayload)
	case c.MaxSize < 1 || c.MaxSize > maxPayload:
		return nil, fmt.Errorf("payloads: max size %d is not within 1 to %d bytes", c.MaxSize, maxPayload)
	case c.Timeout < 0:
		return nil, fmt.Errorf("payloads: timeout %v is negative; use more than 0", c.Timeout)
	case c.Compression != nil && mediaType(c.Compression.ContentType()) == "":
		return nil, errors.New("payloads: the compression has no content type")
	}
	return &c, nil
}

// checkRead asks the store whether it can be read from, where it can say that.
func (p *Payloads) checkRead(ctx context.Context) error {
	if p == nil {
		return nil
	}
	checker, ok := p.Store.(PayloadChecker)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	if err := checker.CheckRead(ctx); err != nil {
		return driver.Errorf(driver.CodeOf(err), "runtime: start", "the store of payloads cannot be read from: %w", err)
	}
	return nil
}
