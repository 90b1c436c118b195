package servicebus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"github.com/longshore-dev/longshore/driver"
)

// status is the error of a request by a management link.
type status int

func (s status) Error() string { return fmt.Sprintf("rpc: failed, status code %d", int(s)) }
func (s status) RPCCode() int  { return int(s) }

func condition(c amqp.ErrCond) error { return &amqp.Error{Condition: c, Description: "as it says"} }

func TestClassify(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		code driver.Code
		text string
	}{
		"missing entity, at its token": {&azservicebus.Error{Code: azservicebus.CodeNotFound}, driver.NotFound, `queue "orders" does not exist; create it, or correct the URL`},
		"missing entity, at its link":  {condition(amqp.ErrCondNotFound), driver.NotFound, `queue "orders" does not exist`},
		"missing entity, by status":    {status(404), driver.NotFound, `queue "orders" does not exist`},
		"wrong key":                    {&azservicebus.Error{Code: azservicebus.CodeUnauthorizedAccess}, driver.PermissionDenied, "the credentials are wrong, or do not have the right Listen"},
		"without permission":           {condition(amqp.ErrCondUnauthorizedAccess), driver.PermissionDenied, `grant it, or the role "Azure Service Bus Data Receiver"`},
		"status 401":                   {status(401), driver.PermissionDenied, "the right Listen"},
		"lock lost":                    {&azservicebus.Error{Code: azservicebus.CodeLockLost}, driver.LeaseLost, "the lock has expired, or the message was settled"},
		"lock lost, by condition":      {condition(condLockLost), driver.LeaseLost, "the lock has expired"},
		"session lost":                 {condition(condSessionLost), driver.LeaseLost, "the lock has expired"},
		"status 410":                   {status(410), driver.LeaseLost, "the lock has expired"},
		"over the size limit":          {azservicebus.ErrMessageTooLarge, driver.TooLarge, "use a claim check for large payloads"},
		"over the size limit, by link": {condition(amqp.ErrCondMessageSizeExceeded), driver.TooLarge, "use a claim check"},
		"throttled":                    {condition(condServerBusy), driver.Throttled, "the namespace is throttled"},
		"throttled, by status":         {status(503), driver.Throttled, "the namespace is throttled"},
		"queue full":                   {condition(amqp.ErrCondResourceLimitExceeded), driver.Throttled, `queue "orders" is full`},
		"disabled":                     {condition(condDisabled), driver.InvalidArgument, `queue "orders" is disabled; enable it`},
		"sessions":                     {condition(amqp.ErrCondNotAllowed), driver.InvalidArgument, "requires sessions just where the URL says sessions=true"},
		"internal":                     {condition(amqp.ErrCondInternalError), driver.Unavailable, "as it says"},
		"status 500":                   {status(500), driver.Unavailable, "status code 500"},
		"status 408":                   {status(408), driver.Unavailable, "no answer in time"},
		"connection lost":              {&azservicebus.Error{Code: azservicebus.CodeConnectionLost}, driver.Unavailable, "no connection"},
		"timeout":                      {&azservicebus.Error{Code: azservicebus.CodeTimeout}, driver.Unavailable, "no connection"},
		"closed":                       {&azservicebus.Error{Code: azservicebus.CodeClosed}, driver.Closed, "the client was closed"},
		"own time-out":                 {context.DeadlineExceeded, driver.Unavailable, "no answer in time"},
		"end of the connection":        {&amqp.ConnError{}, driver.Unavailable, "amqp"},
		"end of file":                  {io.EOF, driver.Unavailable, "EOF"},
		"network":                      {&net.OpError{Op: "dial", Err: errors.New("refused")}, driver.Unavailable, "no connection"},
		"admin, missing right":         {&azcore.ResponseError{StatusCode: http.StatusForbidden}, driver.PermissionDenied, "HTTP status 403"},
		"admin, throttled":             {&azcore.ResponseError{StatusCode: http.StatusTooManyRequests}, driver.Throttled, "HTTP status 429"},
		"lock duration over the limit": {&azcore.ResponseError{StatusCode: http.StatusBadRequest}, driver.InvalidArgument, "the service refuses the request"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, err := range []error{test.err, fmt.Errorf("wrapped: %w", test.err)} {
				e := classify(t.Context(), "servicebus: receive", actionListen, "orders", err)
				if e.Code != test.code || !strings.Contains(e.Error(), test.text) || !strings.HasPrefix(e.Error(), "servicebus: receive: ") {
					t.Errorf("%v, %q; want %v with %q", e.Code, e, test.code, test.text)
				}
				if !errors.Is(e, test.err) && !errors.Is(errors.Unwrap(errors.Unwrap(e)), err) {
					t.Errorf("%v does not wrap the library's error", e)
				}
				if strings.Contains(e.Error(), "\n") {
					t.Errorf("%q has several lines", e)
				}
			}
		})
	}
}

func TestClassifyTheEndOfTheCallersContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e := classify(ctx, "op", actionSend, "orders", io.EOF); e.Code != driver.Canceled {
		t.Errorf("code %v; want Canceled", e.Code)
	}
}

func TestRetryAfter(t *testing.T) {
	answered := &azcore.ResponseError{StatusCode: 429, RawResponse: &http.Response{Header: http.Header{"Retry-After": {"7"}}}}
	for name, test := range map[string]struct {
		err  error
		want time.Duration
	}{"as asked": {answered, 7 * time.Second}, "as documented": {condition(condServerBusy), 10 * time.Second}} {
		if e := classify(t.Context(), "op", actionSend, "orders", test.err); e.RetryAfter != test.want {
			t.Errorf("%s: after %v; want %v", name, e.RetryAfter, test.want)
		}
	}
}
