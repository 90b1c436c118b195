package claimcheck

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"gocloud.dev/blob"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

// maxPrefix is the most bytes in a prefix: with the name of an object it is a key of at
// most 1,024 bytes, the limit of Amazon S3 and Google Cloud Storage.
const maxPrefix = 512

// Store is a bucket, or what of it has a prefix. It is safe for concurrent use.
type Store struct {
	bucket *blob.Bucket
	base   string // of references: the bucket's URL without parameters, a / and the prefix
	prefix string // of keys
	dir    string // of a bucket that is a directory, else empty
}

// New is a store in a bucket that the application has opened, such as one with
// credentials of its own. Messages refer to it by the name, a URL without parameters
// such as s3://shop-payloads, which must not change while messages are under way; prefix
// is as in a URL of [Open]. Close closes the bucket.
//
// InvalidArgument for a name or prefix that is not legal.
func New(bucket *blob.Bucket, name, prefix string) (*Store, error) {
	if bucket == nil {
		return nil, driver.Errorf(driver.InvalidArgument, "claimcheck: new", "there is no bucket; open one first")
	}
	return newStore(bucket, name, prefix)
}

func newStore(bucket *blob.Bucket, name, prefix string) (*Store, error) {
	const op = "claimcheck: open"
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	u, err := url.Parse(name)
	switch {
	case err != nil || u.Scheme == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, driver.Errorf(driver.InvalidArgument, op, "the name of the bucket is no URL without user and parameters, such as s3://bucket")
	case len(prefix) > maxPrefix:
		return nil, driver.Errorf(driver.InvalidArgument, op, "the prefix has %d bytes, more than %d", len(prefix), maxPrefix)
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(prefix, "/"), "/") {
		if prefix != "" && !isName(part) {
			return nil, driver.Errorf(driver.InvalidArgument, op, "prefix %q is not names of letters, digits and any of ._- with a / between them", prefix)
		}
	}
	base := strings.TrimSuffix(name, "/") + "/" + prefix
	if strings.HasSuffix(name, "://") { // of a bucket without a name, as in memory
		base = name + prefix
	}
	return &Store{bucket: bucket, base: base, prefix: prefix}, nil
}

// Name is the URL of the bucket without parameters, and the prefix: how references
// begin.
func (s *Store) Name() string { return s.base }

// Close closes the bucket. It may be called on nil.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	return s.bucket.Close()
}

// Put writes an object; see [runtime.PayloadStore].
//
// NotFound when there is no such bucket, PermissionDenied when this program may not
// write to it, InvalidArgument for a name that is not legal, Throttled, Canceled,
// DeadlineExceeded, else Unavailable.
func (s *Store) Put(ctx context.Context, name string, data []byte) (ref string, err error) {
	op := fmt.Sprintf("claimcheck: put to %q", s.base)
	if !isName(name) {
		return "", driver.Errorf(driver.InvalidArgument, op, "the name of the object is not letters, digits and any of ._-")
	}
	if s.dir != "" && s.gone() {
		return "", driver.Errorf(driver.NotFound, op, "the directory is not there; make it")
	}
	err = quiet(s.bucket.WriteAll(ctx, s.prefix+name, data, &blob.WriterOptions{ContentType: "application/octet-stream"}))
	switch code := codeOf(err); {
	case err == nil:
		return s.base + name, nil
	case code == driver.NotFound:
		return "", driver.Errorf(code, op, "there is no such bucket, or this program may not see it; make it, or correct its URL: %w", err)
	case code == driver.PermissionDenied:
		return "", driver.Errorf(code, op, "this program may not write to the bucket; give it the right to put objects: %w", err)
	default:
		return "", driver.Errorf(code, op, "%w", err)
	}
}

// Get reads an object; see [runtime.PayloadStore].
//
// InvalidArgument for a reference that is not of this store, NotFound when the bucket is
// there and the object is not, TooLarge for more than limit bytes. A bucket that is not
// there, or of which this program cannot tell, is Unavailable, and one that it may not
// read PermissionDenied: an object that was written may still be in it.
func (s *Store) Get(ctx context.Context, ref string, limit int) ([]byte, error) {
	op := fmt.Sprintf("claimcheck: get from %q", s.base)
	name, ok := strings.CutPrefix(ref, s.base)
	if !ok || !isName(name) {
		return nil, driver.Errorf(driver.InvalidArgument, op, "the reference to the payload is not to an object of this store")
	}
	r, err := s.bucket.NewReader(ctx, s.prefix+name, nil)
	if err != nil {
		return nil, s.cannotGet(ctx, op, quiet(err))
	}
	defer r.Close()
	size := r.Size()
	if size > int64(limit) {
		return nil, driver.Errorf(driver.TooLarge, op, "the payload has %d bytes, more than %d; raise Payloads.MaxSize if that is right", size, limit)
	}
	var data bytes.Buffer
	data.Grow(int(max(0, size)) + bytes.MinRead)
	n, err := io.Copy(&data, io.LimitReader(r, int64(limit)+1))
	switch {
	case err != nil:
		return nil, s.cannotGet(ctx, op, quiet(err))
	case n > int64(limit):
		return nil, driver.Errorf(driver.TooLarge, op, "the payload has more than %d bytes; raise Payloads.MaxSize if that is right", limit)
	}
	return data.Bytes(), nil
}

// cannotGet says why an object cannot be read. That it is gone is said only of a bucket
// which is there, because its task is buried then.
func (s *Store) cannotGet(ctx context.Context, op string, err error) error {
	switch code := codeOf(err); code {
	case driver.NotFound:
		if isOfBucket(err) {
			return driver.Errorf(driver.Unavailable, op, "there is no such bucket; make it, or correct its URL: %w", err)
		}
		if wrong := s.reach(ctx); wrong != nil {
			return driver.Errorf(driver.Unavailable, op, "the payload is not there, and neither is its bucket as far as this program can tell: %w", wrong)
		}
		return driver.Errorf(code, op, "the payload is gone: %w", err)
	case driver.PermissionDenied:
		return driver.Errorf(code, op, "this program may not read the payload; give it the rights to get and to list objects: %w", err)
	default:
		return driver.Errorf(code, op, "%w", err)
	}
}

// gone says whether the directory that is the bucket is not there.
func (s *Store) gone() bool {
	info, err := os.Stat(s.dir)
	return err != nil || !info.IsDir()
}

// isName says whether this is the last part of a key, and no other key by another name.
// A directory has no .attrs: fileblob keeps them for itself.
func isName(s string) bool {
	if s == "" || len(s) > maxName || strings.Trim(s, ".") == "" || strings.HasSuffix(s, ".attrs") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// maxName is the most bytes in the name of an object, and more than runtime makes.
const maxName = 200

var (
	_ runtime.PayloadStore   = (*Store)(nil)
	_ runtime.PayloadChecker = (*Store)(nil)
)
