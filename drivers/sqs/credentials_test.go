package sqs_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/conformance"
	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// Credentials that are renewed may expire on their way: the next request has others.
// Those that nobody renews are refused for good.
func TestCredentialsThatExpireOnTheirWay(t *testing.T) {
	for renewed, want := range map[bool]driver.Code{true: driver.Unavailable, false: driver.PermissionDenied} {
		on(t, "", nil, func(e *env) {
			o := newClient(e.server).Options()
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret", CanExpire: renewed, Expires: time.Now().Add(time.Hour)}, nil
			})
			q, err := sqs.New(awssqs.New(o), "orders", nil)
			e.must(err)
			defer func() { e.must(q.Close(context.Background())) }()
			e.server.Fault(sqsfake.Fault{Op: "ReceiveMessage", Error: sqsfake.ExpiredToken, Count: 1})
			for _, want := range []driver.Code{want, 0} {
				_, err := q.Receive(e.Context(), driver.ReceiveOptions{Max: 1, Hold: time.Minute})
				if want == 0 {
					e.must(err)
				} else {
					e.code(fmt.Sprintf("renewed %v", renewed), err, want)
				}
			}
		})
	}
}

// What gives credentials may be busy, which the SDK waits for: nobody else tries again
// before a worker is told.
func TestASourceOfCredentialsThatIsBusy(t *testing.T) {
	server := sqsfake.New(nil)
	address := overTCP(t, server)
	if _, err := provision(t.Context(), server, "", conformance.Options{}); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
			<AccessKeyId>id</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>%s</Expiration>
			</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer sts.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("token"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]string{
		"AWS_ENDPOINT_URL_SQS": "http://" + address, "AWS_ENDPOINT_URL_STS": sts.URL, "AWS_REGION": "us-east-1",
		"AWS_ROLE_ARN": "arn:aws:iam::000000000000:role/worker", "AWS_WEB_IDENTITY_TOKEN_FILE": token,
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": t.TempDir() + "/none", "AWS_SHARED_CREDENTIALS_FILE": t.TempDir() + "/none",
	} {
		t.Setenv(name, v)
	}
	q, err := driver.Default.Open(t.Context(), "sqs://orders")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = q.Close(context.Background()) }()
	if _, err := q.Receive(t.Context(), driver.ReceiveOptions{Max: 1}); err != nil {
		t.Errorf("%v; want that the SDK asked again", err)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("credentials were asked for %d times; want 2", n)
	}
}
