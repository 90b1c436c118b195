package observability

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
)

// deadline is when a test gives up on what should come soon.
const deadline = 60 * time.Second

// secret is part of each payload, and must be in no scrape.
const secret = "secret-of-ann"

// sample is one line of a scrape.
type sample struct {
	labels labels.Labels
	value  float64
}

// parse reads a scrape, as Prometheus does.
func parse(text string) (samples []sample, err error) {
	p := textparse.NewPromParser([]byte(text), labels.NewSymbolTable(), false)
	for {
		switch entry, err := p.Next(); {
		case errors.Is(err, io.EOF):
			return samples, nil
		case err != nil:
			return nil, err
		case entry == textparse.EntrySeries:
			var s sample
			p.Labels(&s.labels)
			_, _, s.value = p.Series()
			samples = append(samples, s)
		}
	}
}

// allWorkers is what workers told, of which one or another did all that can go wrong. It is
// scraped once for all tests.
var allWorkers = sync.OnceValues(scrapeWorkers)

func scraped(t *testing.T) []sample {
	t.Helper()
	samples, err := allWorkers()
	if err != nil {
		t.Fatal(err)
	}
	return samples
}

// names are the metrics of samples, with the names of the labels that each has.
func names(samples []sample) map[string]map[string]bool {
	all := make(map[string]map[string]bool)
	for _, s := range samples {
		name := s.labels.Get(model.MetricNameLabel)
		if all[name] == nil {
			all[name] = map[string]bool{"job": true, "instance": true} // of Prometheus itself
		}
		s.labels.Range(func(l labels.Label) { all[name][l.Name] = true })
	}
	return all
}

// scrapeWorkers runs the command line on an Amazon SQS that has its bad days and on
// a queue in memory, and scrapes it.
func scrapeWorkers() (samples []sample, err error) {
	dir, err := os.MkdirTemp("", "observability")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	e := &environment{binary: filepath.Join(dir, "longshore"), dir: dir}
	build := exec.CommandContext(ctx, "go", "build", "-C", "..", "-o", e.binary, "./cmd/longshore")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := e.serveSQS(ctx); err != nil {
		return nil, err
	}
	defer e.close()
	var text strings.Builder
	for _, scrape := range []func(context.Context) (string, error){e.badDay, e.refusedSends, e.memory} {
		one, err := scrape(ctx)
		if err != nil {
			return nil, err
		}
		if strings.Contains(one, secret) {
			return nil, fmt.Errorf("a payload is in the metrics:\n%s", one)
		}
		text.WriteString(one)
	}
	return parse(text.String())
}

// environment is where the command line runs.
type environment struct {
	binary, dir string
	server      *sqsfake.Server
	ended       chan error // one result, never closed
	variables   []string
}

const declared = "?region=us-east-1&hold=30s&max_receives=15&dead_letter="

func (e *environment) serveSQS(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	e.server, e.ended = sqsfake.New(nil), make(chan error, 1)
	go func() { e.ended <- e.server.Serve(listener) }()
	endpoint := "http://" + listener.Addr().String()
	e.variables = append(os.Environ(), "AWS_ENDPOINT_URL_SQS="+endpoint, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true")
	client := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	for _, name := range []string{"payments", "lines"} {
		dead := name + "-dead"
		for queue, attributes := range map[string]map[string]string{
			dead: {"MessageRetentionPeriod": "1209600"},
		} {
			if _, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &queue, Attributes: attributes}); err != nil {
				return err
			}
		}
		attributes := map[string]string{"VisibilityTimeout": "30", "MessageRetentionPeriod": "345600",
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:` + dead + `","maxReceiveCount":15}`}
		if _, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes}); err != nil {
			return err
		}
	}
	return nil
}

func (e *environment) close() {
	_ = e.server.Close()
	if err := <-e.ended; !errors.Is(err, http.ErrServerClosed) {
		panic(err)
	}
}

// script does the tasks. A slow one waits for the gate.
func (e *environment) script() string {
	return `read x rest; case $x in
		flaky) [ -e ` + e.dir + `/tried ] || { : > ` + e.dir + `/tried; exit 1; } ;;
		bad) exit 65 ;;
		hopeless) exit 1 ;;
		slow) until [ -e ` + e.dir + `/gate ]; do sleep 0.05; done ;;
	esac`
}

// badDay is longshore work on a queue whose tasks succeed, fail, die and lose their
// lease, and which refuses some settles and extends.
func (e *environment) badDay(ctx context.Context) (string, error) {
	url := "sqs://payments" + declared + "payments-dead"
	send := exec.CommandContext(ctx, e.binary, "send", "--queue", url, "--kind", "pay", "--content-type", "text/plain", "--lines")
	send.Env, send.Stdin = e.variables, strings.NewReader("ok "+secret+"\nflaky "+secret+"\nbad "+secret+"\nhopeless "+secret+"\nslow "+secret+"\n")
	if out, err := send.CombinedOutput(); err != nil {
		return "", fmt.Errorf("send: %w\n%s", err, out)
	}
	all := func(int) bool { return true }
	e.server.Fault(sqsfake.Fault{Op: "DeleteMessageBatch", Queue: "payments", Count: 1, Items: all})
	w, err := e.start(ctx, "work", "--queue", url, "--hold", "3s", "--backoff", "10ms", "--max-attempts", "2", "--exec", e.script())
	if err != nil {
		return "", err
	}
	defer w.kill()
	if _, err := w.await(ctx, `messaging_process_duration_seconds_count{`, `longshore_outcome="success"`, `longshore_outcome="retry"`,
		`longshore_reason="permanent"`, `longshore_reason="max-attempts"`, "longshore_settle_failures_total{"); err != nil {
		return "", err
	}
	e.server.Fault(sqsfake.Fault{Op: "ChangeMessageVisibilityBatch", Queue: "payments", Count: 1, Items: all, Error: sqsfake.ServiceUnavailable})
	if _, err := w.await(ctx, `longshore_lease_extensions_total{error_type=`); err != nil {
		return "", err
	}
	disarm := e.server.Fault(sqsfake.Fault{Op: "ChangeMessageVisibilityBatch", Queue: "payments", Stale: true, Items: all})
	defer disarm()
	return w.await(ctx, `longshore_outcome="lost"`)
}

// refusedSends is longshore run on a queue that takes one task, and no more.
func (e *environment) refusedSends(ctx context.Context) (string, error) {
	w, err := e.start(ctx, "run", "--queue", "sqs://lines"+declared+"lines-dead", "--exec", e.script())
	if err != nil {
		return "", err
	}
	defer w.kill()
	fmt.Fprintln(w.in, "slow "+secret)
	if _, err := w.await(ctx, "longshore_task_running{", "messaging_client_sent_messages_total{"); err != nil {
		return "", err
	}
	disarm := e.server.Fault(sqsfake.Fault{Queue: "lines", Op: "SendMessageBatch", Error: sqsfake.AccessDenied})
	defer disarm()
	defer e.server.Fault(sqsfake.Fault{Queue: "lines", Op: "SendMessage", Error: sqsfake.AccessDenied})()
	fmt.Fprintln(w.in, "ok "+secret)
	return w.await(ctx, `messaging_client_sent_messages_total{error_type=`)
}

// memory is longshore run on a queue that tells how old its oldest message is.
func (e *environment) memory(ctx context.Context) (string, error) {
	w, err := e.start(ctx, "run", "--queue", "mem://lines", "--exec", e.script())
	if err != nil {
		return "", err
	}
	defer w.kill()
	fmt.Fprintln(w.in, "ok "+secret)
	fmt.Fprintln(w.in, "slow "+secret)
	return w.await(ctx, `longshore_outcome="success"`, "longshore_queue_oldest_age_seconds{")
}

// process is a command that goes on, and is scraped.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	url string
	log *log
}

// log is what a process says. It is safe for concurrent use.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var address = regexp.MustCompile(`metrics are on (http://\S+)\n`)

func (e *environment) start(ctx context.Context, args ...string) (*process, error) {
	p := &process{Cmd: exec.CommandContext(ctx, e.binary, append(args, "--metrics", "127.0.0.1:0")...), log: new(log)}
	p.Env, p.Dir, p.Stdout, p.Stderr = e.variables, e.dir, p.log, p.log
	var err error
	if p.in, err = p.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.Start(); err != nil {
		return nil, err
	}
	err = until(ctx, func() bool {
		m := address.FindStringSubmatch(p.log.String())
		if m != nil {
			p.url = m[1]
		}
		return m != nil
	})
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("%s says no address: %w\n%s", args[0], err, p.log)
	}
	return p, nil
}

// kill ends the process and the commands that it runs: the first signal has it give
// them up, the second end them.
func (p *process) kill() {
	_ = p.Process.Signal(syscall.SIGTERM)
	_ = until(context.Background(), func() bool {
		return strings.Contains(p.log.String(), "Ctrl-C again ends at once") || p.ProcessState != nil
	})
	_ = p.Process.Signal(syscall.SIGTERM)
	_ = p.Wait()
}

// await scrapes until each text is in the answer, and gives that.
func (p *process) await(ctx context.Context, texts ...string) (answer string, err error) {
	missing := func(text string) bool { return !strings.Contains(answer, text) }
	err = until(ctx, func() bool {
		answer, err = get(ctx, p.url)
		return err == nil && !slices.ContainsFunc(texts, missing)
	})
	if err != nil {
		return "", fmt.Errorf("%q are not in the metrics: %w\n%s\n%s", slices.DeleteFunc(texts, func(s string) bool { return !missing(s) }), err, answer, p.log)
	}
	return answer, nil
}

func get(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// until looks until a condition holds, for at most deadline.
func until(ctx context.Context, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// The scrape has all that the runtime counts: the dashboard and the alerts are of no
// use on anything else.
func TestTheScrapeIsComplete(t *testing.T) {
	have := names(scraped(t))
	for name, wanted := range map[string][]string{
		"messaging_client_sent_messages_total":     {"longshore_task_kind", "error_type", "messaging_operation_name"},
		"messaging_client_consumed_messages_total": {"messaging_operation_name"},
		"messaging_process_duration_seconds_count": {"longshore_task_kind", "error_type"},
		"longshore_task_wait_seconds_bucket":       {"longshore_task_kind", "le"},
		"longshore_task_ended_total":               {"longshore_task_kind", "longshore_task_attempt"},
		"longshore_task_outcomes_total":            {"longshore_task_kind", "longshore_outcome", "longshore_reason"},
		"longshore_task_running":                   {"messaging_system"},
		"longshore_lease_held":                     {"messaging_system"},
		"longshore_lease_extensions_total":         {"error_type"},
		"longshore_lease_lost_total":               {"messaging_system"},
		"longshore_settle_failures_total":          {"longshore_verdict"},
		"longshore_forks_total":                    {"messaging_system"},
		"longshore_clock_skewed_total":             {"longshore_clock"},
		"longshore_queue_depth":                    {"longshore_state"},
		"longshore_queue_oldest_age_seconds":       {"messaging_system"},
	} {
		for _, label := range append(wanted, "messaging_destination_name") {
			if !have[name][label] {
				t.Errorf("%s has no label %s but %q", name, label, slices.Sorted(maps.Keys(have[name])))
			}
		}
	}
}
