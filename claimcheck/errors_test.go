package claimcheck

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"google.golang.org/api/googleapi"

	"github.com/longshore-dev/longshore/driver"
)

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
