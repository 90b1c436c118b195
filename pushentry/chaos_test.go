//go:build unix

package pushentry_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/pubsub"
	"github.com/longshore-dev/longshore/drivers/pubsub/pubsubfake"
	"github.com/longshore-dev/longshore/internal/process"
	"github.com/longshore-dev/longshore/runtime"
)

var (
	chaos     = flag.Bool("chaos", false, "kill endpoints at work")
	chaosSeed = flag.Uint64("chaos-seed", 0, "the seed of what is done when; 0 takes the time")
)

// chaosWork is what the endpoint takes.
type chaosWork struct {
	Do    string        `json:"do"`
	Pause time.Duration `json:"pause"`
}

func (chaosWork) Kind() string { return "work" }

// relay is what is between the pusher and the endpoint. To cut it is what the end of
// the pusher looks like from either side.
type relay struct {
	listener net.Listener
	to       string
	all      sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

func (r *relay) serve() {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		var dialer net.Dialer
		out, err := dialer.DialContext(context.Background(), "tcp", r.to)
		if err != nil {
			_ = in.Close() // as if nobody had been there
			continue
		}
		r.mu.Lock()
		r.conns = append(r.conns, in, out)
		r.mu.Unlock()
		for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
			r.all.Go(func() {
				_, _ = io.Copy(pair[0], pair[1]) // it was cut
				_ = pair[0].Close()
				_ = pair[1].Close()
			})
		}
	}
}

// cut ends every connection.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close() // it may have ended
	}
	r.conns = nil
}

// The endpoint and the pusher are killed at any moment, 25 times in all: every task is
// done, those that are hopeless are dead, and nothing is left.
func TestChaos(t *testing.T) {
	if !*chaos {
		t.Skip("it runs with -chaos")
	}
	const tasks, kills = 3000, 25
	seed := *chaosSeed
	if seed == 0 {
		seed = uint64(time.Now().Unix())
	}
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	ctx := t.Context()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(dir, "endpoint")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./internal/endpoint").CombinedOutput(); err != nil {
		t.Fatalf("build the endpoint: %v\n%s", err, out)
	}

	// Pub/Sub, over TCP for the endpoint.
	server := pubsubfake.New(nil)
	var config net.ListenConfig
	grpc, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	must(err)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(grpc) })
	defer serving.Wait()
	defer server.Close()
	address, err := process.FreeAddress(ctx, 0)
	must(err)
	front, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	must(err)
	between := &relay{listener: front, to: address}
	between.all.Go(between.serve)
	defer between.all.Wait()
	defer between.cut()
	defer front.Close()

	var clients pubsub.Clients
	clients.Topics, err = apiv1.NewTopicAdminClient(ctx, server.ClientOptions()...)
	must(err)
	clients.Subscriptions, err = apiv1.NewSubscriptionAdminClient(ctx, server.ClientOptions()...)
	must(err)
	for _, id := range []string{"orders-dead", "orders"} {
		topic := "projects/test/topics/" + id
		_, err := clients.Topics.CreateTopic(ctx, &pubsubpb.Topic{Name: topic})
		must(err)
		s := &pubsubpb.Subscription{Name: "projects/test/subscriptions/" + id, Topic: topic, AckDeadlineSeconds: 10,
			ExpirationPolicy: &pubsubpb.ExpirationPolicy{}, MessageRetentionDuration: durationpb.New(14 * 24 * time.Hour)}
		if id == "orders" {
			s.MessageRetentionDuration = durationpb.New(24 * time.Hour)
			s.PushConfig = &pubsubpb.PushConfig{PushEndpoint: "http://" + front.Addr().String() + "/"}
			s.RetryPolicy = &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(200 * time.Millisecond), MaximumBackoff: durationpb.New(time.Second)}
			s.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: "projects/test/topics/orders-dead", MaxDeliveryAttempts: 100}
		}
		_, err = clients.Subscriptions.CreateSubscription(ctx, s)
		must(err)
	}
	queue, err := pubsub.New(clients, "test", "orders", nil)
	must(err)
	queues := new(runtime.Queues)
	must(queues.Add(runtime.QueueInfo{Name: "orders", Driver: queue}))
	defer queues.Close(context.WithoutCancel(ctx))
	client, err := runtime.NewClient(queues, nil)
	must(err)

	// The endpoint.
	printed, err := os.Create(filepath.Join(dir, "log"))
	must(err)
	defer printed.Close()
	journal := filepath.Join(dir, "journal")
	_, port, err := net.SplitHostPort(address)
	must(err)
	start := func() *process.Process {
		cmd := exec.Command(binary) //nolint:noctx // it is killed
		cmd.Env = append(os.Environ(), "LONGSHORE_QUEUE=pubsub://test/orders", "LONGSHORE_JOURNAL="+journal,
			"PUBSUB_EMULATOR_HOST="+grpc.Addr().String(), "PORT="+port)
		cmd.Stdout, cmd.Stderr = printed, printed
		p, err := process.Launch(cmd)
		must(err)
		return p
	}
	p := start()
	defer func() { p.Kill() }()

	batch := make([]chaosWork, tasks)
	for i := range batch {
		batch[i].Pause = time.Duration(random.IntN(60)) * time.Millisecond
		if random.IntN(50) == 0 {
			batch[i].Do = "bury"
		}
	}
	var ids []runtime.TaskID
	for _, r := range runtime.EnqueueMany(ctx, client, batch) {
		must(r.Err)
		ids = append(ids, r.ID)
	}
	done := func() map[runtime.TaskID]int {
		all := make(map[runtime.TaskID]int)
		b, err := os.ReadFile(journal)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) == 4 {
				all[runtime.TaskID(f[1])]++
			}
		}
		return all
	}
	hopeless := make(map[runtime.TaskID]bool)
	for i, id := range ids {
		if batch[i].Do == "bury" {
			hopeless[id] = true
		}
	}
	dead := make(map[runtime.TaskID]int)
	collect := func() {
		ls, err := queue.DeadLetter().Receive(ctx, driver.ReceiveOptions{Max: 100})
		must(err)
		var acks []driver.Settlement
		for _, l := range ls {
			var event struct{ ID runtime.TaskID }
			must(json.Unmarshal(l.Message().Body, &event))
			dead[event.ID]++
			acks = append(acks, driver.Settlement{Lease: l, Verdict: driver.Ack})
		}
		for _, err := range queue.DeadLetter().Settle(ctx, acks) {
			must(err)
		}
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	left, processes := kills, 1
	next, end := time.Now(), time.Now().Add(4*time.Minute)
	for ; len(done())+len(dead) < tasks || left > 0; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%d of %d tasks are done or dead after 4m", len(done())+len(dead), tasks)
		}
		collect()
		if left == 0 || time.Now().Before(next) {
			continue
		}
		left--
		next = time.Now().Add(time.Duration(100+random.IntN(900)) * time.Millisecond)
		if random.IntN(3) == 0 {
			between.cut()
			continue
		}
		p.Kill()
		p = start()
		processes++
	}
	again := 0
	for id, n := range done() {
		again += n - 1
		if hopeless[id] {
			t.Errorf("the hopeless task %s ended", id)
		}
	}
	for id := range dead {
		if !hopeless[id] {
			t.Errorf("task %s is dead", id)
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(ids), func(id runtime.TaskID) bool { return done()[id]+dead[id] > 0 })); n > 0 {
		t.Errorf("%d tasks are lost", n)
	}
	must(alive(ctx, address))
	t.Logf("%d tasks, %d kills, %d processes: %d ended, %d of them again, %d dead of %d hopeless ones, none lost",
		tasks, kills, processes, len(done()), again, len(dead), len(hopeless))
}

// alive asks the endpoint whether it is.
func alive(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/healthz", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the endpoint's health is %s", response.Status)
	}
	return nil
}
