package claimcheck_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
	_ "gocloud.dev/blob/s3blob"

	"github.com/longshore-dev/longshore/claimcheck"
	"github.com/longshore-dev/longshore/driver"
)

const limit = 10 << 20

func open(t *testing.T, bucketURL string) *claimcheck.Store {
	t.Helper()
	s, err := claimcheck.Open(t.Context(), bucketURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// directory is a store in a fresh directory, and that.
func directory(t *testing.T, query string) (*claimcheck.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bucket")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return open(t, "file://"+filepath.ToSlash(dir)+query), dir
}

func TestAPayloadComesBack(t *testing.T) {
	inDirectory, dir := directory(t, "?prefix=orders/eu")
	bucket := memblob.OpenBucket(nil)
	named, err := claimcheck.New(bucket, "mem://payloads", "")
	if err != nil {
		t.Fatal(err)
	}
	for base, s := range map[string]*claimcheck.Store{
		"file://" + filepath.ToSlash(dir) + "/orders/eu/": inDirectory,
		"mem://payloads/": named,
		"mem://a/":        open(t, "mem://?prefix=a"),
		"mem://":          open(t, "mem://"),
	} {
		data := bytes.Repeat([]byte("payload"), 5<<20/7)
		ref, err := s.Put(t.Context(), "task-1.ABC", data)
		if err != nil || ref != base+"task-1.ABC" || s.Name() != base {
			t.Errorf("put: %q, %v; want %stask-1.ABC", ref, err, base)
		}
		if again, err := s.Put(t.Context(), "task-1.ABC", data); err != nil || again != ref {
			t.Errorf("put again: %q, %v", again, err)
		}
		if got, err := s.Get(t.Context(), ref, len(data)); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: get answers %d bytes, %v", base, len(got), err)
		}
		if _, err := s.Get(t.Context(), ref, len(data)-1); !driver.Is(err, driver.TooLarge) {
			t.Errorf("%s: a large one: %v", base, err)
		}
		if _, err := s.Get(t.Context(), ref+"x", limit); !driver.Is(err, driver.NotFound) {
			t.Errorf("%s: one that is gone: %v", base, err)
		}
		if err := errors.Join(s.CheckRead(t.Context()), s.CheckWrite(t.Context()), s.CheckRead(t.Context())); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
	var files []string
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, _ error) error {
		if !d.IsDir() {
			files = append(files, path)
		}
		return nil
	})
	if len(files) != 2 { // the payload and that of CheckWrite
		t.Errorf("the directory has %q", files)
	}
}

// Only what stands directly under the prefix is read, by no other name.
func TestAForgedReferenceIsNotRead(t *testing.T) {
	s, dir := directory(t, "?prefix=ours/")
	for name, text := range map[string]string{"ours/good": "good", "secret": "hunter2", "ours/sub/x": "hunter2", "theirs/x": "hunter2"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	base := s.Name()
	if got, err := s.Get(t.Context(), base+"good", limit); err != nil || string(got) != "good" {
		t.Fatalf("%q, %v", got, err)
	}
	bucket := strings.TrimSuffix(base, "ours/")
	for _, ref := range []string{
		"", "good", "/etc/passwd", "file:///etc/passwd", "http://169.254.169.254/latest/meta-data", bucket + "secret", bucket + "theirs/x",
		base, base + "..", base + ".", base + "../secret", base + "..%2fsecret", base + "%2e%2e/secret", base + "..\\secret", base + "./good", base + "/good",
		base + "sub/x", base + "good.attrs", base + "good?x", base + "good#x", base + "good\x00", base + "good ", base + "gööd", base + strings.Repeat("x", 300),
		strings.ToUpper(base) + "good", bucket + "ours", bucket + "oursgood", base + "../ours/good",
	} {
		if got, err := s.Get(t.Context(), ref, limit); !driver.Is(err, driver.InvalidArgument) || len(got) > 0 {
			t.Errorf("%q: %q, %v; want invalid argument", ref, got, err)
		} else if ref != "" && strings.Contains(err.Error(), "passwd") {
			t.Errorf("the error tells the reference: %v", err)
		}
	}
	for _, name := range []string{"", "..", ".", "a/b", "a\\b", "a b", "../x", strings.Repeat("x", 300)} {
		if _, err := s.Put(t.Context(), name, []byte("x")); !driver.Is(err, driver.InvalidArgument) {
			t.Errorf("put %q: %v; want invalid argument", name, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for bucketURL, want := range map[string]string{
		"":                            "no scheme",
		"bucket":                      "no scheme",
		"s3://hunter2:hunter2@bucket": "has a user",
		"ftp://bucket":                "no driver for ftp://",
		"gs://bucket":                 `"gocloud.dev/blob/gcsblob"`,
		"mem://?key=x":                "every payload has one of its own",
		"mem://?prefix=/x":            "prefix",
		"mem://?prefix=../x":          "prefix",
		"mem://?prefix=a//b":          "prefix",
		"mem://?prefix=a%20b":         "prefix",
		"mem://?prefix=" + longPrefix: "more than 512",
		"mem://?no=1":                 "invalid query parameter",
		"file:///nowhere/at/all":      "create_dir",
		"s3://buck\x7fet?hunter2":     "the URL of the bucket is none",
		"mem://?no=hunter2":           "invalid query parameter",
		"s3://bucket?no=hunter2":      "unknown query parameter",
		"file:///tmp?no=hunter2":      "invalid query parameter",
		"s3:bucket":                   "no // after its scheme",
		"file:payloads":               "no // after its scheme",
		"s3://bucket#x&prefix=y":      "has a #",
		"s3://bucket#":                "has a #",
		"mem://?prefix=a&prefix=b":    "prefix twice",
		"mem://?prefix=%zzhunter2":    "do not decode",
		"mem://?a=b;prefix=hunter2":   "do not decode",
		"s3://bucket/reports":         "prefix=reports/",
		"s3://bucket/a%20b/?prefix=x": "has a path",
		"s3://?region=eu-west-1":      "names no bucket",
		"file://payloads":             "file:///directory",
		"file://tmp/payloads":         "file:///directory",
		"file://":                     "file:///directory",
	} {
		_, err := claimcheck.Open(t.Context(), bucketURL)
		if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", bucketURL, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("it tells a secret: %v", err)
		}
	}
	for name, bucket := range map[string]*blob.Bucket{"mem://x": nil, "x": memblob.OpenBucket(nil), "mem://x?a=b": memblob.OpenBucket(nil)} {
		if _, err := claimcheck.New(bucket, name, ""); !driver.Is(err, driver.InvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var none *claimcheck.Store
	if err := none.Close(); err != nil {
		t.Error(err)
	}
}

var longPrefix = strings.Repeat("x", 600)

// A directory that is gone is not an object that is gone.
func TestADirectoryThatIsGone(t *testing.T) {
	s, dir := directory(t, "")
	ref, err := s.Put(t.Context(), "a", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), ref, limit); !driver.Is(err, driver.Unavailable) || !strings.Contains(err.Error(), "neither is its bucket") {
		t.Errorf("get: %v", err)
	}
	if _, err := s.Put(t.Context(), "b", []byte("x")); !driver.Is(err, driver.NotFound) {
		t.Errorf("put: %v", err)
	}
	if err := s.CheckRead(t.Context()); !driver.Is(err, driver.NotFound) {
		t.Errorf("check read: %v", err)
	}
	if err := s.CheckWrite(t.Context()); !driver.Is(err, driver.NotFound) {
		t.Errorf("check write: %v", err)
	}
}

func TestADirectoryThatIsDenied(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	s, dir := directory(t, "")
	ref, err := s.Put(t.Context(), "a", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	_, get := s.Get(t.Context(), ref, limit)
	_, put := s.Put(t.Context(), "b", []byte("x"))
	for what, err := range map[string]error{"get": get, "put": put, "check": s.CheckRead(t.Context())} {
		if !driver.Is(err, driver.PermissionDenied) {
			t.Errorf("%s: %v; want permission denied", what, err)
		}
	}
}

// bucketOfS3 is a store on an S3 that answers every request as the handler does.
func bucketOfS3(t *testing.T, answer http.HandlerFunc) *claimcheck.Store {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	return open(t, "s3://bucket?region=eu-west-1&use_path_style=true&prefix=p&endpoint="+url.QueryEscape(server.URL))
}

func failing(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>m</Message></Error>`, code)
	}
}

// What S3 answers becomes a code; a bucket that is gone or denied buries no task.
func TestTroubleWithS3(t *testing.T) {
	missing := func(bucket http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("list-type") {
				bucket(w, r)
				return
			}
			failing(404, "NoSuchKey")(w, r)
		}
	}
	empty := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<?xml version="1.0"?><ListBucketResult><Name>bucket</Name></ListBucketResult>`)
	}
	for name, c := range map[string]struct {
		answer          http.HandlerFunc
		get, put, check driver.Code
	}{
		"no such bucket":    {failing(404, "NoSuchBucket"), driver.Unavailable, driver.NotFound, driver.NotFound},
		"denied":            {failing(403, "AccessDenied"), driver.PermissionDenied, driver.PermissionDenied, driver.PermissionDenied},
		"a wrong key":       {failing(403, "InvalidAccessKeyId"), driver.PermissionDenied, driver.PermissionDenied, driver.PermissionDenied},
		"too fast":          {failing(503, "SlowDown"), driver.Throttled, driver.Throttled, driver.Throttled},
		"broken":            {failing(500, "InternalError"), driver.Unavailable, driver.Unavailable, driver.Unavailable},
		"object gone":       {missing(empty), driver.NotFound, driver.NotFound, driver.Unknown},
		"may not be listed": {missing(failing(403, "AccessDenied")), driver.Unavailable, driver.NotFound, driver.PermissionDenied},
		"expired":           {failing(400, "ExpiredToken"), driver.PermissionDenied, driver.PermissionDenied, driver.PermissionDenied},
		"no good token":     {failing(400, "InvalidToken"), driver.PermissionDenied, driver.PermissionDenied, driver.PermissionDenied},
		"another region":    {failing(301, "PermanentRedirect"), driver.Unavailable, driver.NotFound, driver.NotFound},
		"a malformed one":   {failing(400, "AuthorizationHeaderMalformed"), driver.Unavailable, driver.NotFound, driver.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			s := bucketOfS3(t, c.answer)
			if _, err := s.Get(t.Context(), "s3://bucket/p/x", limit); !driver.Is(err, c.get) {
				t.Errorf("get: %v; want %v", err, c.get)
			}
			if _, err := s.Put(t.Context(), "x", []byte("x")); !driver.Is(err, c.put) {
				t.Errorf("put: %v; want %v", err, c.put)
			}
			err := s.CheckRead(t.Context())
			if c.check == driver.Unknown && err != nil || c.check != driver.Unknown && !driver.Is(err, c.check) {
				t.Errorf("check: %v; want %v", err, c.check)
			}
		})
	}
}

// A bucket that was not there a moment ago proves nothing of an object.
func TestABucketThatComesBackHasItsObjects(t *testing.T) {
	asked := false
	s := bucketOfS3(t, func(w http.ResponseWriter, r *http.Request) {
		if !asked {
			asked = true
			failing(404, "NoSuchBucket")(w, r)
			return
		}
		fmt.Fprint(w, `<?xml version="1.0"?><ListBucketResult><Name>bucket</Name></ListBucketResult>`)
	})
	if _, err := s.Get(t.Context(), "s3://bucket/p/x", limit); !driver.Is(err, driver.Unavailable) {
		t.Errorf("%v; want unavailable", err)
	}
}

// A client that was not answered tells the URL of its request, whose parameters are the
// signature where the credentials are a shared access signature.
func TestNoErrorTellsTheParametersOfARequest(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	s := open(t, "s3://bucket?region=eu-west-1&use_path_style=true&prefix=p&endpoint="+url.QueryEscape(server.URL))
	_, get := s.Get(t.Context(), "s3://bucket/p/x", limit)
	_, put := s.Put(t.Context(), "x", []byte("x"))
	for what, err := range map[string]error{"get": get, "put": put, "check read": s.CheckRead(t.Context()), "check write": s.CheckWrite(t.Context())} {
		if !driver.Is(err, driver.Unavailable) || strings.Contains(err.Error(), "x-id") || strings.Contains(err.Error(), "list-type") {
			t.Errorf("%s: %v; want unavailable, without the parameters", what, err)
		}
		if dial, ok := errors.AsType[*net.OpError](err); !ok || dial.Op != "dial" {
			t.Errorf("%s: the client's error is not in %v", what, err)
		}
	}
}

// A store that hangs, before it answers or in the middle of a payload, holds nobody
// longer than their context.
func TestAStoreThatHangsIsLeft(t *testing.T) {
	for name, begin := range map[string]func(w http.ResponseWriter){
		"before the answer": func(http.ResponseWriter) {},
		"in the payload": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("part"))
			w.(http.Flusher).Flush()
		},
	} {
		t.Run(name, func(t *testing.T) {
			over := make(chan struct{}) // closed at the end, before the server waits for its handlers
			s := bucketOfS3(t, func(w http.ResponseWriter, r *http.Request) {
				begin(w)
				select {
				case <-r.Context().Done():
				case <-over:
				}
			})
			t.Cleanup(func() { close(over) })
			within := func() context.Context {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				t.Cleanup(cancel)
				return ctx
			}
			begun := time.Now()
			_, get := s.Get(within(), "s3://bucket/p/x", limit)
			errs := map[string]error{"get": get}
			if name == "before the answer" {
				_, errs["put"] = s.Put(within(), "x", []byte("x"))
				errs["check"] = s.CheckRead(within())
			}
			for what, err := range errs {
				if !driver.Is(err, driver.DeadlineExceeded) {
					t.Errorf("%s: %v; want deadline exceeded", what, err)
				}
			}
			if took := time.Since(begun); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// What was not written whole is not there.
func TestAWriteThatIsCutShortLeavesNothing(t *testing.T) {
	s, dir := directory(t, "")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(canceled, "a", make([]byte, 1<<20)); !driver.Is(err, driver.Canceled) {
		t.Errorf("%v; want canceled", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the directory has %v (%v)", entries, err)
	}
}

func TestWhatIsCutShortIsNoPayload(t *testing.T) {
	s := bucketOfS3(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("part"))
	})
	if got, err := s.Get(t.Context(), "s3://bucket/p/x", limit); !driver.Is(err, driver.Unavailable) {
		t.Errorf("%q, %v; want unavailable", got, err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(canceled, "s3://bucket/p/x", limit); !driver.Is(err, driver.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
