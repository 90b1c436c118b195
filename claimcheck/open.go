package claimcheck

import (
	"context"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gocloud.dev/blob"

	"github.com/longshore-dev/longshore/driver"
)

// Open opens the bucket of a URL. It does no I/O with object stores; a directory must
// be there, unless the URL has create_dir. Close the store at the end.
//
// InvalidArgument for a URL that is none, has a user or password, a part that the driver
// would ignore, an unknown parameter, one that comes twice or a prefix that is not legal,
// and for a scheme whose driver nobody has imported. The error repeats no parameter's
// value.
func Open(ctx context.Context, bucketURL string) (*Store, error) {
	const op = "claimcheck: open"
	u, q, err := parse(bucketURL)
	if err != nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "%w", err)
	}
	prefix := q.Get("prefix")
	q.Del("prefix")
	if u.Scheme == "file" { // one file a payload, written in its place
		setDefault(q, "metadata", "skip")
		setDefault(q, "no_tmp_dir", "true")
	}
	s, err := newStore(nil, u.Scheme+"://"+u.Host+u.EscapedPath(), prefix)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "file" {
		s.dir = filepath.FromSlash(u.Path)
		if u.Host == "." || os.PathSeparator != '/' { // as fileblob has it
			s.dir = filepath.FromSlash(strings.TrimPrefix(u.Path, "/"))
		}
	}
	u.RawQuery = q.Encode()
	if s.bucket, err = blob.DefaultURLMux().OpenBucketURL(ctx, u); err != nil {
		err = quiet(err) // it may repeat the URL
		if s.dir != "" {
			return nil, driver.Errorf(driver.InvalidArgument, op, "directory %s cannot be opened; make it, or add create_dir=true to the URL: %w", s.dir, err)
		}
		return nil, driver.Errorf(driver.InvalidArgument, op, "bucket %s: %w", s.base, err)
	}
	return s, nil
}

// parse takes a URL apart and refuses one of which some would be ignored, as payloads
// would then be where nobody looks for them.
func parse(bucketURL string) (*url.URL, url.Values, error) {
	refuse := func(format string, args ...any) (*url.URL, url.Values, error) {
		return nil, nil, driver.Errorf(driver.InvalidArgument, "", "the URL of the bucket "+format, args...)
	}
	u, err := url.Parse(bucketURL)
	switch {
	case err != nil: // it repeats the URL, which may have a secret in the wrong place
		return refuse("is none; it is like s3://bucket?region=eu-west-1&prefix=payloads/")
	case u.Scheme == "":
		return refuse("has no scheme; it is like s3://bucket, gs://bucket, azblob://container or file:///directory")
	case u.User != nil:
		return refuse("has a user; credentials come by the provider's convention")
	case u.Opaque != "":
		return refuse("has no // after its scheme; it is like s3://bucket or file:///directory")
	case strings.Contains(bucketURL, "#"):
		return refuse("has a #, after which all is ignored; write %%23 where one is meant")
	case !blob.DefaultURLMux().ValidBucketScheme(u.Scheme):
		return nil, nil, driver.Errorf(driver.InvalidArgument, "", "no driver for %s:// is imported; known are %s. Import one, such as %q",
			u.Scheme, strings.Join(blob.DefaultURLMux().BucketSchemes(), ", "), packageOf(u.Scheme))
	}
	switch u.Scheme {
	case "s3", "gs", "azblob":
		if path := strings.Trim(u.Path, "/"); path != "" {
			return refuse("has a path, which is no part of a bucket; say prefix=%s/ in its place", url.QueryEscape(path))
		}
		if u.Host == "" {
			return refuse("names no bucket; it is like %s://bucket", u.Scheme)
		}
	case "file":
		if u.Path == "" || u.Host != "" && u.Host != "." && u.Host != "localhost" {
			return refuse("names no directory; it is like file:///directory with three slashes, or file://./directory for one below the working directory")
		}
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil { // it repeats what does not decode
		return refuse("has parameters that do not decode; escape what is in them, such as %%25 for a percent sign")
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if len(q[name]) > 1 {
			return refuse("has %s twice; leave one out", name)
		}
	}
	if q.Has("key") {
		return refuse("has a key; every payload has one of its own")
	}
	return u, q, nil
}

func setDefault(q url.Values, name, value string) {
	if !q.Has(name) {
		q.Set(name, value)
	}
}

// packageOf is what has the driver of a scheme.
func packageOf(scheme string) string {
	for s, name := range map[string]string{"s3": "s3blob", "gs": "gcsblob", "azblob": "azureblob", "file": "fileblob", "mem": "memblob"} {
		if s == scheme {
			return "gocloud.dev/blob/" + name
		}
	}
	return "gocloud.dev/blob/s3blob"
}
