// Package zstd compresses the payloads of tasks with Zstandard (RFC 8878). Give it to
// the Muxes of all workers first, then to clients:
//
//	payloads := &runtime.Payloads{Compression: zstd.New()}
//
// A producer in another language sends the data of an event as application/zstd and
// names the media type of what is compressed in the extension decodedcontenttype.
package zstd

import (
	"errors"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// ContentType is the media type of what is compressed (RFC 8878, section 7.1).
const ContentType = "application/zstd"

// maxEncoders is how many payloads are compressed at the same time, and as many
// decompressed: each takes some MiB of memory.
const maxEncoders = 4

// minMemory is the window that encoders use by default, and so what a decoder takes at
// least, whatever the limit.
const minMemory = 8 << 20

// Compression is [runtime.Compression] with Zstandard. It is safe for concurrent use.
type Compression struct {
	encoder func() *zstd.Encoder

	mu      sync.Mutex
	decoder *zstd.Decoder // guarded by mu; nil until the first is needed
	limit   int           // guarded by mu; of decoder
}

// New makes a Compression. It has no goroutines and needs no closing.
func New() *Compression {
	return &Compression{encoder: sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(maxEncoders))
		if err != nil {
			panic("zstd: " + err.Error()) // for options that are wrong
		}
		return e
	})}
}

// ContentType is application/zstd.
func (*Compression) ContentType() string { return ContentType }

// Compress compresses data into one frame with a checksum.
func (c *Compression) Compress(data []byte) []byte {
	return c.encoder().EncodeAll(data, make([]byte, 0, len(data)/4))
}

// Decompress decompresses frames. TooLarge when they have more than limit bytes, above
// 0, in all, of which a part may have been decompressed; InvalidArgument when they are
// not whole.
func (c *Compression) Decompress(data []byte, limit int) ([]byte, error) {
	const op = "zstd: decompress"
	decoder, err := c.decoderFor(limit)
	if err != nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	whole, err := decoder.DecodeAll(data, nil)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), err == nil && len(whole) > limit:
		return nil, driver.Errorf(driver.TooLarge, op, "it has more than %d bytes", limit)
	case err != nil:
		return nil, driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	return whole, nil
}

// decoderFor is a decoder with this limit. All calls of a program have the same, as a
// rule, so one is kept.
func (c *Compression) decoderFor(limit int) (*zstd.Decoder, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.decoder != nil && c.limit == limit {
		return c.decoder, nil
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(maxEncoders), zstd.WithDecoderMaxMemory(uint64(max(minMemory, limit))))
	if err != nil {
		return nil, err
	}
	c.decoder, c.limit = d, limit
	return d, nil
}

var _ runtime.Compression = (*Compression)(nil)
