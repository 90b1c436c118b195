package lambdaentry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	partial = "ReportBatchItemFailures"
	// wholeText is what is wrong with a mapping that reports none.
	wholeText = "the function's event source mapping lacks FunctionResponseTypes = [" + partial + "]"
	// unknownText is what is wrong while nobody knows.
	unknownText = "it is not known yet whether the function's event source mapping has FunctionResponseTypes = [" + partial + "]"
	// lookTime bounds the look at the mapping.
	lookTime = 5 * time.Second
	// maxMappings bounds the answer to it, in bytes.
	maxMappings = 1 << 20
)

// mapping is what is known of how a function is mapped to its queues.
type mapping struct {
	looked chan struct{} // closed when the look has ended; nil when nobody looks
	whole  atomic.Bool   // a mapping takes an answer for that of the whole batch
}

// isWhole says why Lambda may delete what an answer names; empty when it is not known to.
// It waits for a look that is under way until a time, the zero time for no limit.
func (m *mapping) isWhole(until time.Time) (why string) {
	if m.looked == nil {
		return ""
	}
	late, stop := at(until)
	defer stop()
	select {
	case <-m.looked:
	case <-late:
		select {
		case <-m.looked: // both at once
		default:
			return unknownText
		}
	}
	if m.whole.Load() {
		return wholeText
	}
	return ""
}

// function is where this process runs, as AWS Lambda tells it by the environment.
// Source: AWS Lambda Developer Guide, "Working with Lambda environment variables".
type function struct {
	name, region, endpoint string
	credentials            aws.Credentials
}

// here is the function that this process is; false outside of AWS Lambda.
func here() (function, bool) {
	f := function{
		name: os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), region: os.Getenv("AWS_REGION"),
		endpoint: os.Getenv("AWS_ENDPOINT_URL_LAMBDA"),
		credentials: aws.Credentials{
			AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
		},
	}
	if f.endpoint == "" {
		f.endpoint = os.Getenv("AWS_ENDPOINT_URL")
	}
	if f.endpoint == "" {
		domain := "amazonaws.com"
		if strings.HasPrefix(f.region, "cn-") {
			domain += ".cn"
		}
		f.endpoint = "https://lambda." + f.region + "." + domain
	}
	return f, f.name != "" && f.region != "" && f.credentials.AccessKeyID != ""
}

// look finds out how the function is mapped to the queues of the given names, and says
// what is wrong.
func (m *mapping) look(ctx context.Context, client *http.Client, f function, queues []string, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	all, err := f.mappings(ctx, client)
	if err != nil {
		log.Info("how the function is mapped to its queues cannot be read; its mapping must have FunctionResponseTypes = ["+partial+"]",
			"function", f.name, "error", err)
		return
	}
	for _, one := range all {
		parts := strings.Split(one.EventSourceArn, ":")
		if slices.Contains(queues, parts[len(parts)-1]) && !slices.Contains(one.FunctionResponseTypes, partial) {
			m.whole.Store(true)
			log.Error(wholeText+": failures fail the whole invocation, and what is done is deleted one by one; add it",
				"function", f.name, "mapping", one.UUID, "source", one.EventSourceArn)
		}
	}
}

// eventSourceMapping is a part of what Lambda says of one.
type eventSourceMapping struct {
	UUID, EventSourceArn  string
	FunctionResponseTypes []string
}

// mappings asks Lambda, which needs lambda:ListEventSourceMappings. Source: AWS Lambda
// API Reference, "ListEventSourceMappings".
func (f *function) mappings(ctx context.Context, client *http.Client) ([]eventSourceMapping, error) {
	query := url.Values{"FunctionName": {f.name}, "MaxItems": {"100"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.endpoint+"/2015-03-31/event-source-mappings/?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}
	empty := sha256.Sum256(nil)
	if err := v4.NewSigner().SignHTTP(ctx, f.credentials, request, hex.EncodeToString(empty[:]), "lambda", f.region, time.Now()); err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxMappings))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("lambda answers %s", response.Status)
	}
	var answer struct{ EventSourceMappings []eventSourceMapping }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("lambda's answer does not decode: %w", err)
	}
	return answer.EventSourceMappings, nil
}
