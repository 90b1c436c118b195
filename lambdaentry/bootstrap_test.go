//go:build unix

package lambdaentry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/sqs"
	"github.com/longshore-dev/longshore/drivers/sqs/sqsfake"
	"github.com/longshore-dev/longshore/internal/eventsource"
	"github.com/longshore-dev/longshore/internal/lambdaruntime"
	"github.com/longshore-dev/longshore/runtime"
)

// bootstrap builds the function of the tests once; TestMain takes it away.
var bootstrap = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, "./internal/function")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the function: %w\n%s", err, out)
	}
	return binary, nil
})

var binary string // set by TestMain

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "bootstrap")
	if err != nil {
		log.Fatal(err)
	}
	binary = filepath.Join(dir, "bootstrap")
	code := m.Run()
	_ = os.RemoveAll(dir) // what stays is in the directory of temporary files
	os.Exit(code)
}

// work is what the function takes.
type work struct {
	Do    string        `json:"do"`
	Pause time.Duration `json:"pause"`
}

func (work) Kind() string { return "work" }

// deployed is a function in an environment, on a queue of a server of this process over
// TCP.
type deployed struct {
	*testing.T
	queue   *sqs.Queue
	client  *runtime.Client
	env     *lambdaruntime.Environment
	journal string
	log     string
	whole   bool // its mapping takes an answer for that of the whole batch
}

const visibility = 3 * time.Second

func deploy(t *testing.T, timeout time.Duration, whole bool) *deployed {
	t.Helper()
	binary, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := sqsfake.New(nil)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	endpoint := "http://" + l.Addr().String()
	native := awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
	d := &deployed{T: t, whole: whole, journal: filepath.Join(t.TempDir(), "journal"), log: filepath.Join(t.TempDir(), "log")}
	d.create(native, "orders-dead", map[string]string{"MessageRetentionPeriod": "1209600"})
	d.create(native, "orders", map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(visibility / time.Second)),
		"RedrivePolicy":     `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:orders-dead","maxReceiveCount":1000}`,
	})
	if d.queue, err = sqs.New(native, "orders", nil); err != nil {
		t.Fatal(err)
	}
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: "orders", Driver: d.queue}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = queues.Close(context.WithoutCancel(t.Context())) })
	if d.client, err = runtime.NewClient(queues, nil); err != nil {
		t.Fatal(err)
	}
	printed, err := os.Create(d.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { printed.Close() })
	d.env, err = lambdaruntime.New(t.Context(), lambdaruntime.Function{
		Binary: binary, Timeout: timeout, Log: printed, Queue: "orders", Whole: whole,
		Env: []string{
			"LONGSHORE_QUEUE=sqs://orders?region=us-east-1", "LONGSHORE_JOURNAL=" + d.journal, "AWS_ENDPOINT_URL=" + endpoint,
			"AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.env.Close)
	return d
}

func (d *deployed) create(native *awssqs.Client, name string, attributes map[string]string) {
	d.Helper()
	if _, err := native.CreateQueue(d.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes}); err != nil {
		d.Fatal(err)
	}
}

func (d *deployed) enqueue(tasks ...work) []runtime.TaskID {
	d.Helper()
	var ids []runtime.TaskID
	for _, r := range runtime.EnqueueMany(d.Context(), d.client, tasks) {
		if r.Err != nil {
			d.Fatal(r.Err)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

// mapped brings the messages of the queue to the function until stop is called.
func (d *deployed) mapped() (stop func()) {
	ctx, cancel := context.WithCancel(d.Context())
	var mapping sync.WaitGroup
	mapping.Go(func() {
		m := eventsource.Mapping{Queue: d.queue, Name: "orders", Function: d.env.Invoke, Messages: 10, Timeout: time.Minute, Whole: d.whole}
		if err := m.Run(ctx); err != nil {
			d.Error(err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		mapping.Wait()
	})
	d.Cleanup(stop)
	return stop
}

// lines are the lines of the journal that begin with a word, by task.
func (d *deployed) lines(word string) map[runtime.TaskID]int {
	d.Helper()
	all := make(map[runtime.TaskID]int)
	b, err := os.ReadFile(d.journal)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		d.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 4 && f[0] == word {
			all[runtime.TaskID(f[1])]++
		}
	}
	return all
}

func (d *deployed) await(what string, holds func() bool) {
	d.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !holds(); <-tick.C {
		if time.Now().After(end) {
			printed, _ := os.ReadFile(d.log)
			d.Fatalf("not within a minute: %s\n%s", what, printed)
		}
	}
}

// left is how many messages the queue has, and how many dead letters there are.
func (d *deployed) left() (live, dead int64) {
	d.Helper()
	s, err := d.queue.Stats(d.Context())
	if err != nil {
		d.Fatal(err)
	}
	return s.Ready + s.Leased + s.Delayed, s.Dead
}

func (d *deployed) awaitEmpty() {
	d.Helper()
	d.await("the queue is empty", func() bool { live, _ := d.left(); return live == 0 })
}

func TestTheBootstrapAcks(t *testing.T) {
	t.Parallel()
	d := deploy(t, 10*time.Second, false)
	ids := d.enqueue(make([]work, 25)...)
	stop := d.mapped()
	d.awaitEmpty()
	stop()
	ended := d.lines("ended")
	for _, id := range ids {
		if ended[id] != 1 {
			t.Errorf("task %s ended %d times; want once", id, ended[id])
		}
	}
	if _, dead := d.left(); dead != 0 || d.env.Started() != 1 {
		t.Errorf("%d dead letters, %d processes; want none and one", dead, d.env.Started())
	}
	d.env.Shutdown(t.Context())
	if printed, err := os.ReadFile(d.log); err != nil || strings.Contains(string(printed), "the process ends before") {
		t.Errorf("at SIGTERM: %s, %v", printed, err)
	}
}

func TestTheBootstrapReportsPartialFailures(t *testing.T) {
	t.Parallel()
	d := deploy(t, 10*time.Second, false)
	ids := d.enqueue(work{Do: "fail"}, work{}, work{}, work{Do: "panic"})
	stop := d.mapped()
	d.await("two are dead", func() bool { live, dead := d.left(); return live == 0 && dead == 2 })
	stop()
	began := d.lines("began")
	for i, want := range []int{5, 1, 1, 5} {
		if began[ids[i]] != want {
			t.Errorf("task %d ran %d times; want %d", i, began[ids[i]], want)
		}
	}
	if d.env.Started() != 1 {
		t.Errorf("a panic ended the process")
	}
}

// On a mapping that does not report failures one by one nothing is lost: the function
// asks Lambda how it is mapped.
func TestTheBootstrapOnAMappingOfWholeBatches(t *testing.T) {
	t.Parallel()
	d := deploy(t, 10*time.Second, true)
	ids := d.enqueue(work{Do: "fail"}, work{}, work{})
	stop := d.mapped()
	d.await("one is dead", func() bool { live, dead := d.left(); return live == 0 && dead == 1 })
	stop()
	began := d.lines("began")
	for i, want := range []int{5, 1, 1} {
		if began[ids[i]] != want {
			t.Errorf("task %d ran %d times; want %d", i, began[ids[i]], want)
		}
	}
	if printed, err := os.ReadFile(d.log); err != nil || !strings.Contains(string(printed), "lacks FunctionResponseTypes") {
		t.Errorf("the log does not say what is wrong: %s, %v", printed, err)
	}
}

func TestTheBootstrapBuries(t *testing.T) {
	t.Parallel()
	d := deploy(t, 10*time.Second, false)
	ids := d.enqueue(work{Do: "bury"}, work{})
	stop := d.mapped()
	d.awaitEmpty()
	stop()
	ls, err := d.queue.DeadLetter().Receive(t.Context(), driver.ReceiveOptions{Max: 1, Wait: time.Second})
	if err != nil || len(ls) != 1 {
		t.Fatalf("dead letters %v, %v; want one", ls, err)
	}
	m := ls[0].Message()
	if m.Death == nil || m.Death.Reason != driver.ReasonPermanent || !strings.Contains(string(m.Body), string(ids[0])) {
		t.Errorf("the dead letter is %+v", m.Death)
	}
}

// What hangs has the invocation time out; those beside it are done once.
func TestTheBootstrapTimesOut(t *testing.T) {
	t.Parallel()
	d := deploy(t, 2*time.Second, false)
	ids := d.enqueue(work{Do: "hang"}, work{}, work{})
	stop := d.mapped()
	d.await("the first process was ended", func() bool { return d.env.Started() >= 2 })
	stop()
	ended := d.lines("ended")
	for _, id := range ids[1:] {
		if ended[id] != 1 {
			t.Errorf("a task beside one that hangs ended %d times; want once", ended[id])
		}
	}
	if live, dead := d.left(); live != 1 || dead != 0 {
		t.Errorf("%d messages and %d dead letters; want the one that hangs", live, dead)
	}
}

// What ends its process comes again; what was done before beside it does not.
func TestTheBootstrapSurvivesWhatKillsIt(t *testing.T) {
	t.Parallel()
	d := deploy(t, 20*time.Second, false)
	ids := d.enqueue(work{Do: "exit", Pause: 3 * time.Second}, work{}, work{})
	stop := d.mapped()
	d.await("what ends its process has come again", func() bool { return d.lines("began")[ids[0]] >= 2 })
	d.env.Kill()
	stop()
	ended := d.lines("ended")
	for _, id := range ids[1:] {
		if ended[id] != 1 {
			t.Errorf("a task beside it ended %d times; want once", ended[id])
		}
	}
	if live, dead := d.left(); live != 1 || dead != 0 {
		t.Errorf("%d messages and %d dead letters; want the one that ends its process", live, dead)
	}
}

func TestABootstrapWithoutADeadLetterDoesNotStart(t *testing.T) {
	t.Parallel()
	d := deploy(t, 10*time.Second, false)
	native := new(awssqs.Client)
	d.queue.As(&native)
	url, err := native.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := native.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{
		QueueUrl: url.QueueUrl, Attributes: map[string]string{string(types.QueueAttributeNameRedrivePolicy): ""},
	}); err != nil {
		t.Fatal(err)
	}
	event, err := json.Marshal(events.SQSEvent{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.env.Invoke(t.Context(), event); !errors.Is(err, lambdaruntime.ErrExit) {
		t.Errorf("the invocation answers %v; want that the process ended", err)
	}
	printed, err := os.ReadFile(d.log)
	if err != nil || !strings.Contains(string(printed), "it has no dead letter") {
		t.Errorf("the log does not say why: %s, %v", printed, err)
	}
}
