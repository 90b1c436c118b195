package terraformtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/localstack"
)

var apply = flag.Bool("apply", false, "apply the module to a LocalStack")

func TestMain(m *testing.M) { os.Exit(localstack.Main(m)) }

// stack is a queue that Terraform has made on a LocalStack.
type stack struct {
	dir      string // of the configuration
	endpoint string
	longshore,
	url, declared, queueURL, deadURL, deadARN string
	client *sqs.Client
}

// run runs a command with this environment and answers its exit code.
func run(t *testing.T, dir, input string, env []string, name string, args ...string) (code int, out, complaint string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, append(os.Environ(), env...), strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		t.Fatalf("%s: %v", name, err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

func (s *stack) terraform(t *testing.T, args ...string) string {
	t.Helper()
	env := []string{"TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_VAR_endpoint=" + s.endpoint}
	code, out, complaint := run(t, s.dir, "", env, "terraform", args...)
	if code != 0 {
		t.Fatalf("terraform %v: exit code %d\n%s%s", args, code, out, complaint)
	}
	return out
}

// allowPolicy is what a destroy would wait for without end: LocalStack answers a
// policy that was taken away as an empty one, where Amazon SQS leaves it out. It
// goes with its queue.
const allowPolicy = "module.orders.aws_sqs_queue_redrive_allow_policy.dead"

// forget runs terraform after a failure, whatever comes of it.
func (s *stack) forget(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "terraform", args...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "TF_INPUT=0", "TF_VAR_endpoint="+s.endpoint)
	_ = cmd.Run()
}

// command runs longshore on the queue.
func (s *stack) command(t *testing.T, want int, input string, args ...string) string {
	t.Helper()
	env := []string{
		"AWS_ENDPOINT_URL_SQS=" + s.endpoint, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
	}
	code, out, complaint := run(t, t.TempDir(), input, env, s.longshore, args...)
	if code != want {
		t.Fatalf("longshore %v: exit code %d, want %d\n%s%s", args, code, want, out, complaint)
	}
	return out
}

// object is the last line of a command's JSON.
func object(t *testing.T, out string) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var o map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &o); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, out)
	}
	return o
}

// expect compares fields of an object.
func expect(t *testing.T, what string, o map[string]any, want map[string]any) {
	t.Helper()
	for name, value := range want {
		if fmt.Sprint(o[name]) != fmt.Sprint(value) {
			t.Errorf("%s: %s is %v, want %v, in %v", what, name, o[name], value, o)
		}
	}
}

// newStack builds the command and writes the configuration.
func newStack(t *testing.T) *stack {
	t.Helper()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{dir: t.TempDir(), endpoint: localstack.Endpoint(t), longshore: filepath.Join(t.TempDir(), "longshore")}
	if code, out, complaint := run(t, root, "", nil, "go", "build", "-o", s.longshore, "./cmd/longshore"); code != 0 {
		t.Fatalf("go build: %s%s", out, complaint)
	}
	text, err := os.ReadFile("testdata/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.ToSlash(filepath.Join(root, "terraform/modules/sqs-queue"))
	if err := os.WriteFile(filepath.Join(s.dir, "main.tf"), bytes.ReplaceAll(text, []byte("SOURCE"), []byte(source)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.client = sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &s.endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return s
}

// From nothing to a drained dead letter, and back to nothing.
func TestAUserFollowsTheModuleFromApplyToDestroy(t *testing.T) {
	if !*apply {
		t.Skip("it applies the module only with -apply; run make terraform-test")
	}
	s := newStack(t)
	s.terraform(t, "init")
	s.terraform(t, "apply", "-auto-approve")
	destroyed := false
	t.Cleanup(func() {
		if !destroyed { // of a LocalStack that others use, too
			s.forget(t, "state", "rm", allowPolicy)
			s.forget(t, "destroy", "-auto-approve")
		}
	})
	var outputs map[string]struct{ Value string }
	if err := json.Unmarshal([]byte(s.terraform(t, "output", "-json")), &outputs); err != nil {
		t.Fatal(err)
	}
	s.url, s.declared = outputs["url"].Value, outputs["url_declared"].Value
	s.queueURL, s.deadURL, s.deadARN = outputs["queue_url"].Value, outputs["dead_letter_url"].Value, outputs["dead_letter_arn"].Value

	t.Run("apply again changes nothing", func(t *testing.T) {
		s.terraform(t, "plan", "-detailed-exitcode")
	})
	t.Run("doctor finds nothing", s.doctorFindsNothing)
	t.Run("tasks run, and poison dies and comes back", s.tasksRun)
	t.Run("a change behind Terraform's back is named", s.driftIsNamed)
	s.terraform(t, "apply", "-auto-approve")
	t.Run("apply mends it", s.doctorFindsNothing)
	s.terraform(t, "state", "rm", allowPolicy)
	s.terraform(t, "destroy", "-auto-approve")
	destroyed = true
	t.Run("nothing is left", func(t *testing.T) {
		s.command(t, 2, "", "doctor", "--queue", s.url)
	})
}

func (s *stack) doctor(t *testing.T, want int, queue string) map[string]any {
	t.Helper()
	return object(t, s.command(t, want, "", "doctor", "--queue", queue, "--max-attempts", "3", "--timeout", "1m", "--hold", "10s", "--json"))
}

func (s *stack) doctorFindsNothing(t *testing.T) {
	for _, queue := range []string{s.url, s.declared} {
		expect(t, queue, s.doctor(t, 0, queue), map[string]any{"queue": "orders", "errors": 0, "warnings": 0})
	}
}

func (s *stack) tasksRun(t *testing.T) {
	queue := "--queue=" + s.declared
	expect(t, "send", object(t, s.command(t, 0, "1\n2\npoison\n3\n", "send", queue, "--kind=order", "--content-type=text/plain", "--lines", "--json")),
		map[string]any{"read": 4, "sent": 4, "refused": 0, "failed": 0})
	work := []string{"work", queue, "--max-attempts=3", "--timeout=1m", "--backoff=0s", "--until-empty=2s", "--grace=3s", "--json"}
	expect(t, "work", object(t, s.command(t, 1, "", append(work, `--exec=read x; test "$x" != poison || { echo "it is poison" >&2; exit 1; }`)...)),
		map[string]any{"event": "end", "why": "empty", "succeeded": 3, "dead": 1, "unsettled": 0, "attempts": 6, "retries": 2})

	dead := object(t, s.command(t, 0, "", "dlq", "list", queue, "--json"))
	letters, _ := dead["letters"].([]any)
	if len(letters) != 1 {
		t.Fatalf("dead letters: %v", dead)
	}
	letter, _ := letters[0].(map[string]any)
	expect(t, "dlq list", letter, map[string]any{"kind": "order", "reason": "max-attempts", "detail": "exit status 1: it is poison", "attempts": 3})

	expect(t, "dlq redrive", object(t, s.command(t, 0, "", "dlq", "redrive", queue, "--reason=max-attempts", "--json")),
		map[string]any{"moved": 1, "failed": 0, "complete": true})
	expect(t, "work again", object(t, s.command(t, 0, "", append(work, "--exec=grep -q poison")...)),
		map[string]any{"succeeded": 1, "dead": 0})
	expect(t, "doctor", s.doctor(t, 0, s.url)["stats"].(map[string]any), map[string]any{"ready": 0, "leased": 0, "delayed": 0, "dead": 0})
}

func (s *stack) driftIsNamed(t *testing.T) {
	redrive := func(receives int) string {
		return fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, s.deadARN, receives)
	}
	for _, c := range []struct {
		name       string
		of         string // the URL of the queue that is changed
		attribute  string
		wrong, was string
		queue      string
		code       int
		setting    string
		native     string
	}{
		{"visibility timeout", s.queueURL, "VisibilityTimeout", "20", "10", s.declared, 1, "hold", "VisibilityTimeout"},
		{"visibility timeout, by the flag", s.queueURL, "VisibilityTimeout", "20", "10", s.url, 3, "hold", "VisibilityTimeout"},
		{"max receive count", s.queueURL, "RedrivePolicy", redrive(2), redrive(11), s.url, 1, "attempt-limit", "RedrivePolicy.maxReceiveCount"},
		{"max receive count that is declared", s.queueURL, "RedrivePolicy", redrive(100), redrive(11), s.declared, 1, "attempt-limit", "RedrivePolicy.maxReceiveCount"},
		{"dead letter", s.queueURL, "RedrivePolicy", "", redrive(11), s.url, 1, "dead-letter", "RedrivePolicy.deadLetterTargetArn"},
		{"retention", s.deadURL, "MessageRetentionPeriod", "3600", "1209600", s.url, 1, "dead-letter-retention", "MessageRetentionPeriod of the dead letter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.set(t, c.of, c.attribute, c.wrong)
			defer s.set(t, c.of, c.attribute, c.was)
			found, _ := s.doctor(t, c.code, c.queue)["findings"].([]any)
			if len(found) == 0 {
				t.Fatal("nothing is found")
			}
			first, _ := found[0].(map[string]any)
			expect(t, "doctor", first, map[string]any{"setting": c.setting, "native": c.native})
		})
	}
	s.set(t, s.queueURL, "VisibilityTimeout", "20") // for Terraform to mend
}

func (s *stack) set(t *testing.T, queueURL, attribute, value string) {
	t.Helper()
	_, err := s.client.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &queueURL, Attributes: map[string]string{attribute: value},
	})
	if err != nil {
		t.Fatalf("set %s to %q: %v", attribute, value, err)
	}
}
