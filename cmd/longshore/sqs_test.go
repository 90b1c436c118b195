package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
	"github.com/longshore-dev/longshore/runtime"
)

// sqsServer is an Amazon SQS in this process, which commands find by the
// environment.
type sqsServer struct {
	*awssqs.Client
	server *sqsfake.Server
	url    string // of its queue "orders", with declarations
}

func startSQS(t *testing.T) *sqsServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		t.Fatal(err)
	}
	server := sqsfake.New(nil)
	ended := make(chan error, 1) // one result, never closed
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	endpoint := "http://" + listener.Addr().String()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SQS": endpoint, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	s := &sqsServer{server: server, Client: awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})}
	s.create(t, "orders-dead", map[string]string{"MessageRetentionPeriod": "1209600"})
	s.create(t, "orders", map[string]string{
		"VisibilityTimeout": "30", "MessageRetentionPeriod": "345600", "RedrivePolicy": redrivePolicy("orders-dead", 15),
	})
	s.url = "sqs://orders?region=us-east-1&hold=30s&max_receives=15&dead_letter=orders-dead"
	return s
}

func redrivePolicy(dead string, receives int) string {
	return fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":%d}`, dead, receives)
}

func (s *sqsServer) create(t *testing.T, name string, attributes map[string]string) {
	t.Helper()
	if _, err := s.CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes}); err != nil {
		t.Fatal(err)
	}
}

func (s *sqsServer) set(t *testing.T, name string, attributes map[string]string) {
	t.Helper()
	at, err := s.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String(name)})
	if err == nil {
		_, err = s.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: at.QueueUrl, Attributes: attributes})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The way of an operator: the queue is right, tasks go through it, one is poison,
// and it comes back once the handler is mended.
func TestCommandsOnSQS(t *testing.T) {
	s := startSQS(t)
	queue := "--queue=" + s.url

	if e := here(t, "", "doctor", queue); e.code != 0 {
		t.Errorf("doctor: exit code %d\n%s%s", e.code, e.out, e.err)
	}
	if e := here(t, "fine\npoison\nalso fine\n", "send", queue, "--kind=order", "--content-type=text/plain", "--lines"); e.code != 0 {
		t.Fatalf("send: exit code %d\n%s", e.code, e.err)
	}
	work := []string{"work", queue, "--until-empty=1s", "--grace=1s", "--grace=1s", "--backoff=0s", "--max-attempts=5", "--json"}
	e := here(t, "", append(work, "--exec", `! grep poison`)...)
	if end := e.lastEvent(t); e.code != 1 || end.Succeeded != 2 || end.Dead != 1 || end.Attempts != 7 {
		t.Errorf("work: exit code %d, %+v\n%s%s", e.code, end, e.out, e.err)
	}

	e = here(t, "", "dlq", "list", queue, "--json")
	var dead listing
	if err := json.Unmarshal([]byte(e.out), &dead); err != nil || e.code != 0 || len(dead.Letters) != 1 {
		t.Fatalf("dlq list: exit code %d (%v)\n%s%s", e.code, err, e.out, e.err)
	}
	if l := dead.Letters[0]; l.Kind != "order" || l.Reason != driver.ReasonExhausted || l.Attempts != 5 || l.ID == "" {
		t.Errorf("dlq list: %+v", l)
	}
	e = here(t, "", "dlq", "redrive", queue, "--kind=order", "--json")
	if r := redrivenBy(t, &e); e.code != 0 || r.Moved != 1 || !r.Complete {
		t.Errorf("dlq redrive: exit code %d, %+v\n%s", e.code, r, e.err)
	}
	e = here(t, "", append(work, "--exec", "cat")...)
	if end := e.lastEvent(t); e.code != 0 || end.Succeeded != 1 {
		t.Errorf("work again: exit code %d, %+v\n%s", e.code, end, e.err)
	}
}

func TestRedriveByTheBrokerOnSQS(t *testing.T) {
	s := startSQS(t)
	queue := "--queue=" + s.url
	if e := here(t, "1\n2\n3\n", "send", queue, "--kind=order", "--lines"); e.code != 0 {
		t.Fatalf("send: exit code %d\n%s", e.code, e.err)
	}
	here(t, "", "work", queue, "--until-empty=1s", "--grace=1s", "--exec", `exit 65`)

	e := here(t, "", "dlq", "redrive", queue, "--native", "--json")

	if r := redrivenBy(t, &e); e.code != 0 || r.Moved != 3 || !r.Complete || r.Reason != "the broker has moved all" {
		t.Errorf("exit code %d, %+v\n%s", e.code, r, e.err)
	}
	e = here(t, "", "work", queue, "--until-empty=1s", "--grace=1s", "--json", "--exec", "cat")
	if end := e.lastEvent(t); e.code != 0 || end.Succeeded != 3 {
		t.Errorf("work again: exit code %d, %+v\n%s", e.code, end, e.err)
	}
}

func TestDoctorNamesDriftOnSQS(t *testing.T) {
	for name, c := range map[string]struct {
		change map[string]string // of the queue
		dead   map[string]string // of the dead letter
		code   int
		want   []runtime.Setting
		says   []string
	}{
		"hold": {change: map[string]string{"VisibilityTimeout": "60"}, code: 1, want: []runtime.Setting{runtime.SettingHold},
			says: []string{"hold (VisibilityTimeout): the hold is declared as 30s and is 1m0s", "change it back, with terraform apply"}},
		"max receive count": {change: map[string]string{"RedrivePolicy": redrivePolicy("orders-dead", 3)}, code: 1,
			want: []runtime.Setting{runtime.SettingAttemptLimit, runtime.SettingAttemptLimit},
			says: []string{"attempt-limit (RedrivePolicy.maxReceiveCount): the broker's attempt limit is declared as 15 and is 3", "3 is below 15"}},
		"dead letter taken away": {change: map[string]string{"RedrivePolicy": ""}, code: 1,
			want: []runtime.Setting{runtime.SettingDeadLetter, runtime.SettingDeadLetter},
			says: []string{`the dead letter is declared as "orders-dead" and is none`, "it has no dead letter"}},
		"retention of the dead letter": {dead: map[string]string{"MessageRetentionPeriod": "345600"}, code: 1,
			want: []runtime.Setting{runtime.SettingDeadLetterRetention},
			says: []string{"the dead letter keeps messages for 96h0m0s, not longer than the queue's 96h0m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := startSQS(t)
			if c.change != nil {
				s.set(t, "orders", c.change)
			}
			if c.dead != nil {
				s.set(t, "orders-dead", c.dead)
			}
			text := here(t, "", "doctor", "--queue", "SQS"+strings.TrimPrefix(s.url, "sqs")) // a scheme has no case
			e := here(t, "", "doctor", "--queue", s.url, "--json")
			var d diagnosis
			if err := json.Unmarshal([]byte(e.out), &d); err != nil {
				t.Fatalf("%v\n%s%s", err, e.out, e.err)
			}
			var got []runtime.Setting
			for _, f := range d.Findings {
				got = append(got, f.Setting)
			}
			if e.code != c.code || text.code != c.code || !slices.Equal(got, c.want) {
				t.Errorf("exit code %d, found %v; want %d and %v\n%s", e.code, got, c.code, c.want, text.out)
			}
			for _, says := range c.says {
				if !strings.Contains(text.out, says) {
					t.Errorf("it does not say %q but\n%s", says, text.out)
				}
			}
		})
	}
}

// What is wrong with the URL itself is no drift.
func TestDoctorRefusesAMalformedURLThatDeclaresOnSQS(t *testing.T) {
	s := startSQS(t)
	e := here(t, "", "doctor", "--queue", s.url+"&hold=60s")
	if e.code != 2 || e.out != "" || !strings.Contains(e.err, `parameter "hold" is given twice`) {
		t.Errorf("exit code %d, and it says\n%s%s", e.code, e.out, e.err)
	}
}

// What a file declares is held against the queue itself, and its retries against the
// queue's limit.
func TestDoctorOnAnSQSQueueOfAFile(t *testing.T) {
	s := startSQS(t)
	const file = "queues:\n  pay:\n    url: sqs://orders?region=${AWS_REGION}\n    retry: {max_attempts: %d}\n    declared: {max_attempts: 15, dead_letter: orders-dead, hold: 30s, retention: 4d}\n"
	for name, c := range map[string]struct {
		attempts int
		change   map[string]string
		code     int
		says     string
	}{
		"nothing":  {5, nil, 0, "queue pay\n  hold                   30s\n  attempt limit          15 deliveries\n"},
		"attempts": {9, nil, 1, "error: attempt-limit (RedrivePolicy.maxReceiveCount): the broker's attempt limit 15 is below 23, so "},
		"drift": {5, map[string]string{"VisibilityTimeout": "60"}, 3,
			"warning: hold (VisibilityTimeout): the hold is declared as 30s and is 1m0s, so a program that may not read the queue would rely on what is not so; correct declared in the file, or change it back\n"},
	} {
		s.set(t, "orders", map[string]string{"VisibilityTimeout": "30"})
		if c.change != nil {
			s.set(t, "orders", c.change)
		}
		e := here(t, "", "doctor", "--config", writeConfig(t, fmt.Sprintf(file, c.attempts)))
		if e.code != c.code || !strings.Contains(e.out, c.says) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s\n%s", name, e.code, c.code, c.says, e.out, e.err)
		}
	}
}

func TestCommandsOnAnSQSQueueThatIsMissing(t *testing.T) {
	startSQS(t)
	for _, args := range [][]string{
		{"doctor"}, {"stats"}, {"dlq", "list"}, {"dlq", "show", "--id=x"}, {"dlq", "redrive"}, {"dlq", "redrive", "--native"},
		{"dlq", "redrive", "--dry-run"}, {"dlq", "discard", "--yes"},
		{"send", "--kind=k", "1"}, {"work", "--exec=cat"},
	} {
		e := here(t, "", append(args, "--queue=sqs://nowhere")...)
		moves := slices.Contains(args, "redrive") && !slices.Contains(args, "--dry-run")
		if e.code != 2 || e.out != "" || !strings.Contains(e.err, "nowhere") || strings.Count(e.err, "\n") != 2 ||
			!moves && strings.Contains(e.err, ": redrive") {
			t.Errorf("%v: exit code %d, output %q, and it says\n%s", args, e.code, e.out, e.err)
		}
	}
}

// A foreign message that the broker buried has no time of death, and no time in
// its body.
func TestDeadLettersOfOthersHaveAnAge(t *testing.T) {
	s := startSQS(t)
	s.sendDead(t, "no task")

	e := here(t, "", "dlq", "list", "--queue", s.url, "--younger-than=1h")
	if e.code != 0 || !strings.Contains(e.out, "(0s)") {
		t.Errorf("exit code %d, and it shows\n%s%s", e.code, e.out, e.err)
	}
	e = here(t, "", "dlq", "list", "--queue", s.url, "--older-than=1h")
	if e.code != 0 || e.out != "" {
		t.Errorf("exit code %d, and it shows\n%s%s", e.code, e.out, e.err)
	}
}

// sendDead sends a message to the dead letter of orders, as others may.
func (s *sqsServer) sendDead(t *testing.T, body string) {
	t.Helper()
	at, err := s.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("orders-dead")})
	if err == nil {
		_, err = s.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: at.QueueUrl, MessageBody: &body})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestDLQListThatFailsOnTheWaySaysSoOnce(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		s := startSQS(t)
		s.sendDead(t, "no task")
		var receives atomic.Int32
		s.server.Fault(sqsfake.Fault{
			Op: "ReceiveMessage", Queue: "orders-dead", Error: sqsfake.AccessDenied,
			Items: func(int) bool { return receives.Add(1) > 1 },
		})

		e := here(t, "", "dlq", "list", "--queue", s.url, fmt.Sprintf("--json=%t", asJSON))

		if n := strings.Count(e.err, "not authorized"); e.code != 1 || n != 1 || !strings.Contains(e.out, "broker-limit") {
			t.Errorf("json %t: exit code %d, it says why %d times\n%s%s", asJSON, e.code, n, e.out, e.err)
		}
	}
}
