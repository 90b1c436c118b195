package lambdaentry

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// answers is an HTTP client whose every request gets the same answer.
func answers(t *testing.T, status int, body string) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != "/2015-03-31/event-source-mappings/" || r.URL.Query().Get("FunctionName") != "orders" {
			t.Errorf("the request is for %s", r.URL)
		}
		if a := r.Header.Get("Authorization"); !strings.Contains(a, "Credential=id/") || !strings.Contains(a, "/eu-west-1/lambda/aws4_request") {
			t.Errorf("the request is signed as %q", a)
		}
		return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(strings.NewReader(body))}, nil
	})}
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAMappingWithoutPartialAnswersIsFound(t *testing.T) {
	mapped := func(queue, types string) string {
		return `{"EventSourceMappings":[{"UUID":"u","EventSourceArn":"arn:aws:sqs:eu-west-1:1:` + queue + `"` + types + `}]}`
	}
	for what, tt := range map[string]struct {
		status int
		body   string
		whole  bool
		says   string
	}{
		"with":              {200, mapped("orders", `,"FunctionResponseTypes":["ReportBatchItemFailures"]`), false, ""},
		"without":           {200, mapped("orders", ""), true, "add it"},
		"with none":         {200, mapped("orders", `,"FunctionResponseTypes":[]`), true, "add it"},
		"of another queue":  {200, mapped("mails", ""), false, ""},
		"none":              {200, `{"EventSourceMappings":[]}`, false, ""},
		"denied":            {403, `{}`, false, "cannot be read"},
		"not JSON":          {200, `<html>`, false, "cannot be read"},
		"of a strange form": {200, `{"EventSourceMappings":7}`, false, "cannot be read"},
	} {
		var log bytes.Buffer
		m := &mapping{looked: make(chan struct{})}
		f := function{name: "orders", region: "eu-west-1", endpoint: "https://lambda.test", credentials: aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}}
		m.look(context.Background(), answers(t, tt.status, tt.body), f, []string{"orders"}, slog.New(slog.NewTextHandler(&log, nil)))
		close(m.looked)
		if got := m.isWhole(time.Time{}); (got != "") != tt.whole {
			t.Errorf("%s: whole %q; want %v", what, got, tt.whole)
		}
		if got := log.String(); (tt.says == "") != (got == "") || !strings.Contains(got, tt.says) || strings.Contains(got, "secret") {
			t.Errorf("%s: the log says %q; want %q", what, got, tt.says)
		}
	}
}

func TestTheAnswerWaitsForTheLookAtTheMapping(t *testing.T) {
	m := &mapping{looked: make(chan struct{})}
	if got := m.isWhole(time.Now().Add(time.Millisecond)); got != unknownText { // late, the worst is taken for true
		t.Errorf("before it is known: %q", got)
	}
	close(m.looked)
	for range 10 {
		if got := m.isWhole(time.Now().Add(-time.Second)); got != "" { // it is known, however late
			t.Errorf("when it is known: %q", got)
		}
	}
	if new(mapping).isWhole(time.Time{}) != "" {
		t.Errorf("outside of AWS Lambda a mapping is whole")
	}
}

func TestAllFailedIsAMetric(t *testing.T) {
	var b bytes.Buffer
	writeAllFailed(&b, 3)
	for _, want := range []string{`"Namespace":"Longshore"`, `"AllFailed":1`, `"Messages":3`, `"Name":"AllFailed"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s has no %s", b.String(), want)
		}
	}
	writeAllFailed(nil, 3) // outside of AWS Lambda
}
