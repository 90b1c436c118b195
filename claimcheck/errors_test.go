package claimcheck

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"gocloud.dev/blob"
	blobdriver "gocloud.dev/blob/driver"
	"gocloud.dev/gcerrors"
	"google.golang.org/api/googleapi"

	"github.com/longshore-dev/longshore/driver"
)

// unresolved is a bucket whose name does not resolve, the first time. As that of Azure it
// calls that NotFound.
type unresolved struct{ blobdriver.Bucket }

func (unresolved) NewRangeReader(context.Context, string, int64, int64, *blobdriver.ReaderOptions) (blobdriver.Reader, error) {
	return nil, &url.Error{Op: "Get", URL: "https://a.blob.core.windows.net/c/k?sig=hunter2", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}}
}

func (unresolved) ListPaged(context.Context, *blobdriver.ListOptions) (*blobdriver.ListPage, error) {
	return new(blobdriver.ListPage), nil
}

func (unresolved) ErrorCode(error) gcerrors.ErrorCode { return gcerrors.NotFound }

func (unresolved) Close() error { return nil }

// A name that does not resolve says nothing of an object, and the error of it nothing of
// a shared access signature.
func TestANameThatDoesNotResolveIsNoMissingObject(t *testing.T) {
	s, err := New(blob.NewBucket(unresolved{}), "azblob://c", "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Get(t.Context(), "azblob://c/k", 10)
	if !driver.Is(err, driver.Unavailable) {
		t.Errorf("%v; want unavailable", err)
	}
	if text := err.Error(); strings.Contains(text, "hunter2") || !strings.Contains(text, `windows.net/c/k?..."`) || !strings.Contains(text, "no such host") {
		t.Errorf("it says %s", text)
	}
}

// gocloud calls Google's refusals NotFound and Azure's Unknown. They are neither.
func TestRefusalsAreFound(t *testing.T) {
	for status, want := range map[int]driver.Code{401: driver.PermissionDenied, 403: driver.PermissionDenied, 500: driver.Unavailable} {
		azure := runtime.NewResponseError(&http.Response{
			StatusCode: status, Status: fmt.Sprintf("%d x", status), Header: http.Header{"X-Ms-Error-Code": {"AuthorizationPermissionMismatch"}},
			Body:    io.NopCloser(strings.NewReader("")),
			Request: &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "a.blob.core.windows.net", Path: "/c/k"}},
		})
		for _, err := range []error{azure, &googleapi.Error{Code: status}} {
			if got := codeOf(fmt.Errorf("blob (key %q): %w", "k", err)); got != want {
				t.Errorf("%d of %T is %v; want %v", status, err, got, want)
			}
		}
	}
}
