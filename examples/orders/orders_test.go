package orders_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/longshore-dev/longshore/examples/orders"
	"github.com/longshore-dev/longshore/examples/orders/internal/clouds"
	"github.com/longshore-dev/longshore/examples/orders/internal/payments"
)

// The same binary on every cloud, and from one to the other while orders come.
func TestOneProgramOnEveryCloud(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and runs programs")
	}
	p := build(t)
	t.Run("move from sqs to pubsub", func(t *testing.T) {
		t.Parallel()
		movesFromSQSToPubSub(t, p)
	})
	t.Run("lambda", func(t *testing.T) {
		t.Parallel()
		confirmsOrdersOnLambda(t, p)
	})
	t.Run("push", func(t *testing.T) {
		t.Parallel()
		confirmsOrdersByPush(t, p)
	})
	for _, cloud := range []string{"mem", "sqs", "pubsub", "servicebus"} {
		t.Run(cloud, func(t *testing.T) {
			t.Parallel()
			confirmsSixtyOrders(t, p, cloud)
		})
	}
}

// shop is what a worker needs beside its queue.
type shop struct {
	clouds   *clouds.Clouds
	book     *payments.Server
	receipts string
	env      []string // by which programs find this and the clouds
	placed   map[string]orders.Order
}

func open(t *testing.T) *shop {
	t.Helper()
	servers, err := clouds.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(servers.Close)
	book, err := payments.New(&payments.Options{Fail: 0.2, Throttle: 40, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(book)
	t.Cleanup(web.Close)
	s := &shop{clouds: servers, book: book, receipts: t.TempDir(), placed: make(map[string]orders.Order)}
	s.env = environment(t, append(servers.Environment(), "PAYMENTS_URL="+web.URL, "RECEIPTS_DIR="+s.receipts)...)
	return s
}

// place says that these orders have been placed.
func (s *shop) place(t *testing.T, placed iter.Seq2[orders.Order, error]) {
	t.Helper()
	for o, err := range placed {
		if err != nil {
			t.Fatal(err)
		}
		s.placed[o.Number] = o
	}
}

// payable are the numbers of the orders that can be paid, and declined those that
// cannot, in order.
func (s *shop) payable() (payable, declined []string) {
	for _, number := range slices.Sorted(maps.Keys(s.placed)) {
		if s.placed[number].Cents > payments.CardLimit {
			declined = append(declined, number)
		} else {
			payable = append(payable, number)
		}
	}
	return payable, declined
}

// written are the names of the receipts.
func (s *shop) written(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.receipts, "*"+orders.ReceiptSuffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var (
	ofOrder = regexp.MustCompile(`(?m)^Receipt for order (\S+)$`)
	payment = regexp.MustCompile(`(?m)^Payment +(\S+)$`)
)

// addsUp holds book and receipts against what was placed: each order that can be paid
// was charged once and has one receipt, with the payment of the book.
func (s *shop) addsUp(t *testing.T) {
	t.Helper()
	payable, _ := s.payable()
	var charged []string
	paidBy := make(map[string]string)
	want := 0
	for _, number := range payable {
		want += s.placed[number].Cents
	}
	for _, c := range s.book.Book() {
		charged = append(charged, c.Order)
		paidBy[c.Order] = c.Payment
		if o := s.placed[c.Order]; c.Key != "charge-"+c.Order || c.Cents != o.Cents {
			t.Errorf("charged %+v, want %d cents by the key of the task", c, o.Cents)
		}
	}
	slices.Sort(charged)
	if !slices.Equal(charged, payable) {
		t.Errorf("charged are %d orders, want each of %d once\n%v\n%v", len(charged), len(payable), charged, payable)
	}
	sum := s.book.Sum()
	if sum.Cents != want {
		t.Errorf("charged are %d cents, want %d", sum.Cents, want)
	}
	var confirmed []string
	for _, name := range s.written(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		number, paid := ofOrder.FindSubmatch(text), payment.FindSubmatch(text)
		if number == nil || paid == nil || paidBy[string(number[1])] != string(paid[1]) {
			t.Errorf("%s is no receipt, or of another payment:\n%s", name, text)
			continue
		}
		confirmed = append(confirmed, string(number[1]))
	}
	slices.Sort(confirmed)
	if !slices.Equal(confirmed, payable) {
		t.Errorf("there are %d receipts, want one for each of %d orders\n%v\n%v", len(confirmed), len(payable), confirmed, payable)
	}
	t.Logf("%d orders, %d charged: %+v", len(s.placed), len(charged), sum)
}

// deadAre compares the dead letters' tasks with the orders that were declined.
func deadAre(t *testing.T, dead, declined []string) {
	t.Helper()
	var want []string
	for _, number := range declined {
		want = append(want, "charge-"+number)
	}
	slices.Sort(dead)
	slices.Sort(want)
	if !slices.Equal(dead, want) {
		t.Errorf("dead are %v, want %v", dead, want)
	}
}

func confirmsSixtyOrders(t *testing.T, p programs, cloud string) {
	s := open(t)
	config := cloud + ".yaml"
	s.place(t, orders.Made(1, 60))
	payable, declined := s.payable()

	work := []string{"-config", config, "-grace", "6s"}
	if cloud == "mem" { // only the worker has that queue
		var lines bytes.Buffer
		for _, o := range s.placed {
			line, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			lines.Write(append(line, '\n'))
		}
		file := filepath.Join(t.TempDir(), "orders.jsonl")
		if err := os.WriteFile(file, lines.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		work = append(work, "-place", file)
	}
	worker := p.start(t, s.env, "worker", work...)
	if cloud != "mem" {
		producer := p.start(t, s.env, "shop", "-config", config, "-n", "60")
		producer.wait(t)
		if n := len(producer.lines()); n != 60 {
			t.Errorf("the shop has placed %d orders, want 60", n)
		}
	}

	eventually(t, "every order is confirmed or dead", func() bool {
		return len(s.written(t)) == len(payable) && strings.Count(worker.err.String(), "msg=dead") == len(declined)
	})
	worker.stop(t)

	s.addsUp(t)
	if cloud != "mem" {
		deadAre(t, p.dead(t, s.env, config), declined)
	} else if want := fmt.Sprintf("msg=ended queue=orders ready=0 leased=0 delayed=0 dead=%d", len(declined)); !strings.Contains(worker.err.String(), want) {
		t.Errorf("at its end the worker does not say %q", want)
	}
}

// What differs between the clouds is the URL of the queue.
func TestConfigurationsDifferInTheURL(t *testing.T) {
	rest := make(map[string][]string)
	for _, cloud := range []string{"mem", "sqs", "pubsub", "servicebus"} {
		text, err := os.ReadFile(cloud + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if trimmed := strings.TrimSpace(line); !strings.HasPrefix(trimmed, "#") && !strings.HasPrefix(trimmed, "url: "+cloud+"://") {
				rest[cloud] = append(rest[cloud], line)
			}
		}
		if len(rest[cloud]) == 0 || !slices.Equal(rest[cloud], rest["mem"]) {
			t.Errorf("%s.yaml has\n%v\nbeside its URL, mem.yaml\n%v", cloud, rest[cloud], rest["mem"])
		}
	}
}
