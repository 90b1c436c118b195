package claimcheck

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"regexp"
	"strings"

	"gocloud.dev/gcerrors"
	"google.golang.org/api/googleapi"

	"github.com/longshore-dev/longshore/driver"
)

// codeOf is the code of an error of a bucket; Unknown for nil. What gocloud does not
// classify is Unavailable: most of it comes from a network.
func codeOf(err error) driver.Code {
	switch {
	case err == nil:
		return driver.Unknown
	case errors.Is(err, context.Canceled):
		return driver.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return driver.DeadlineExceeded
	case isDenied(err):
		return driver.PermissionDenied
	case isUnresolved(err):
		return driver.Unavailable
	case isOfBucket(err):
		return driver.NotFound
	}
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return driver.NotFound
	case gcerrors.PermissionDenied:
		return driver.PermissionDenied
	case gcerrors.ResourceExhausted:
		return driver.Throttled
	case gcerrors.Canceled:
		return driver.Canceled
	case gcerrors.DeadlineExceeded:
		return driver.DeadlineExceeded
	case gcerrors.FailedPrecondition: // gocloud's of a bucket that was closed
		return driver.Closed
	}
	if coded, ok := errors.AsType[apiError](err); ok && coded.ErrorCode() == "SlowDown" {
		return driver.Throttled
	}
	return driver.Unavailable
}

// apiError is how the AWS SDK tells its codes ("Error responses" in the Amazon S3 API
// reference).
type apiError interface {
	error
	ErrorCode() string
}

// isDenied finds refusals that gocloud takes for something else: it calls Google's 403
// NotFound, and most of Azure's and of a file system Unknown. Azure's are found by their
// text, which a test holds: its SDK is not for every application.
func isDenied(err error) bool {
	if errors.Is(err, fs.ErrPermission) {
		return true
	}
	if coded, ok := errors.AsType[apiError](err); ok {
		switch coded.ErrorCode() {
		case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled", "AccountProblem", "ExpiredToken", "InvalidToken":
			return true
		}
	}
	if e, ok := errors.AsType[*googleapi.Error](err); ok {
		return e.Code == http.StatusForbidden || e.Code == http.StatusUnauthorized
	}
	text := err.Error()
	return strings.Contains(text, "\nRESPONSE 403:") || strings.Contains(text, "\nRESPONSE 401:")
}

// isUnresolved finds a name that does not resolve, which gocloud calls NotFound for Azure.
func isUnresolved(err error) bool {
	_, ok := errors.AsType[*net.DNSError](err)
	return ok
}

// isOfBucket finds what Amazon S3 says when a bucket is not there, or is in another
// region, so that nobody takes it for a word on the object.
func isOfBucket(err error) bool {
	coded, ok := errors.AsType[apiError](err)
	if !ok {
		return false
	}
	switch coded.ErrorCode() {
	case "NoSuchBucket", "PermanentRedirect", "AuthorizationHeaderMalformed":
		return true
	}
	return false
}

// quietError is an error of a client whose text tells no parameters of a URL.
type quietError struct {
	err  error
	text string
}

func (e *quietError) Error() string { return e.text }

func (e *quietError) Unwrap() error { return e.err }

var parameters = regexp.MustCompile(`\?[^\s"]+`)

// quiet keeps the parameters of URLs out of the text of an error, which may be nil. A
// request that was not answered is told with its URL, and for Azure that has the shared
// access signature.
func quiet(err error) error {
	if err == nil {
		return nil
	}
	return &quietError{err, parameters.ReplaceAllString(err.Error(), "?...")}
}
