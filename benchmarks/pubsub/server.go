package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/benchmarks/internal/load"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// project has all queues.
	project = "bench"
	// hold is the ack deadline of all subscriptions, the shortest of Pub/Sub.
	hold = 10 * time.Second
	// retention and deadRetention are for how long a queue and its dead letter keep
	// messages.
	retention, deadRetention = 24 * time.Hour, 14 * 24 * time.Hour
	deadSuffix               = "-dead"
)

// command is what a server is told, a line of JSON each; it answers with its state.
type command struct {
	Make string // a queue to make
	Fill int    // with so many tasks
	Drop string // a queue to delete
	Look string // a queue to count
}

// state is what a server has and has done.
type state struct {
	Address  string         // where it listens
	Requests map[string]int // answered, by operation
	InFlight map[string]int // waiting, by operation
	Count    pubsubfake.Count
	Error    string // why the command failed
}

// broker is a server with clients of its own.
type broker struct {
	server        *pubsubfake.Server
	topics        *apiv1.TopicAdminClient
	subscriptions *apiv1.SubscriptionAdminClient
}

// serve is the process of a server: it obeys the commands on in, and ends with it.
func serve(ctx context.Context, in io.Reader, out io.Writer) error {
	b := broker{server: pubsubfake.New(nil)}
	var err error
	if b.topics, err = apiv1.NewTopicAdminClient(ctx, b.server.ClientOptions()...); err != nil {
		return err
	}
	if b.subscriptions, err = apiv1.NewSubscriptionAdminClient(ctx, b.server.ClientOptions()...); err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ended := make(chan error, 1) // one result, never closed
	go func() { ended <- b.server.Serve(l) }()
	commands, answers := json.NewDecoder(in), json.NewEncoder(out)
	err = answers.Encode(state{Address: l.Addr().String()})
	for err == nil {
		var c command
		if err = commands.Decode(&c); err != nil {
			break
		}
		err = answers.Encode(b.obey(ctx, c))
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, b.topics.Close(), b.subscriptions.Close(), b.server.Close(), <-ended)
}

func (b *broker) obey(ctx context.Context, c command) state {
	var err error
	switch {
	case c.Make != "":
		err = b.make(ctx, c.Make, c.Fill)
	case c.Drop != "":
		err = b.drop(ctx, c.Drop)
	}
	s := state{Requests: b.server.Requests(), InFlight: b.server.InFlight(), Count: b.server.Count(subscription(c.Look))}
	if err != nil {
		s.Error = err.Error()
	}
	return s
}

func topic(queue string) string        { return "projects/" + project + "/topics/" + queue }
func subscription(queue string) string { return "projects/" + project + "/subscriptions/" + queue }

// make makes a queue with its dead letter, and sends tasks.
func (b *broker) make(ctx context.Context, name string, tasks int) error {
	for _, id := range []string{name + deadSuffix, name} {
		s := &pubsubpb.Subscription{
			Name: subscription(id), Topic: topic(id), AckDeadlineSeconds: int32(hold / time.Second),
			MessageRetentionDuration: durationpb.New(deadRetention), ExpirationPolicy: &pubsubpb.ExpirationPolicy{}, // never
		}
		if id == name {
			s.MessageRetentionDuration = durationpb.New(retention)
			s.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topic(name + deadSuffix), MaxDeliveryAttempts: 100}
		}
		if _, err := b.topics.CreateTopic(ctx, &pubsubpb.Topic{Name: s.Topic}); err != nil {
			return err
		}
		if _, err := b.subscriptions.CreateSubscription(ctx, s); err != nil {
			return err
		}
	}
	q, err := pubsub.New(pubsub.Clients{Topics: b.topics, Subscriptions: b.subscriptions}, project, name, nil)
	if err != nil {
		return err
	}
	queues := new(runtime.Queues)
	if err := queues.Add(runtime.QueueInfo{Name: load.QueueName, Driver: q}); err != nil {
		return err
	}
	client, err := runtime.NewClient(queues, nil)
	if err != nil {
		return err
	}
	for tasks > 0 {
		n := min(tasks, 1000)
		for _, r := range runtime.EnqueueMany(ctx, client, load.NewTasks(n)) {
			if r.Err != nil {
				return r.Err
			}
		}
		tasks -= n
	}
	return queues.Close(ctx)
}

// drop deletes a queue with all that it has.
func (b *broker) drop(ctx context.Context, name string) error {
	var errs []error
	for _, id := range []string{name, name + deadSuffix} {
		errs = append(errs,
			b.subscriptions.DeleteSubscription(ctx, &pubsubpb.DeleteSubscriptionRequest{Subscription: subscription(id)}),
			b.topics.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: topic(id)}))
	}
	return errors.Join(errs...)
}

// serverProcess is a server in a process of its own. It is not safe for concurrent
// use.
type serverProcess struct {
	address string
	command *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
}

// startServer starts this program as a server.
func startServer(ctx context.Context) (*serverProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &serverProcess{command: exec.CommandContext(ctx, self, "server")}
	s.command.Stderr = os.Stderr
	if s.in, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	s.out = json.NewDecoder(bufio.NewReader(out))
	var hello state
	if err := s.out.Decode(&hello); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.address = hello.Address
	return s, nil
}

// do has the server obey a command.
func (s *serverProcess) do(c command) (state, error) {
	if err := json.NewEncoder(s.in).Encode(c); err != nil {
		return state{}, err
	}
	var got state
	if err := s.out.Decode(&got); err != nil {
		return state{}, err
	}
	if got.Error != "" {
		return state{}, fmt.Errorf("the server: %s", got.Error)
	}
	return got, nil
}

// close ends the process and waits for it.
func (s *serverProcess) close() error {
	return errors.Join(s.in.Close(), s.command.Wait())
}

// environment is by which a process finds the server, as Google's libraries do.
func (s *serverProcess) environment() string { return "PUBSUB_EMULATOR_HOST=" + s.address }
