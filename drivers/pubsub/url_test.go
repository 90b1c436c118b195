package pubsub

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apiv1 "cloud.google.com/go/pubsub/v2/apiv1"

	"github.com/longshore-dev/longshore/driver"
)

// isolate keeps the machine's own configuration out of a test.
func isolate(t *testing.T) {
	for _, name := range []string{"PUBSUB_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("CLOUDSDK_CONFIG", t.TempDir())
	t.Setenv("NO_GCE_CHECK", "true")
}

func TestOpen(t *testing.T) {
	isolate(t)
	named := address{"orders", "projects/p/topics/orders", "projects/p/subscriptions/orders", "projects/p/topics/orders-dead", "projects/p/subscriptions/orders-dead"}
	for url, want := range map[string]struct {
		at address
		o  Options
	}{
		"pubsub://p/orders": {named, Options{}},
		"pubsub://p/orders?ordering=true&exactly_once=true&hold=30s&max_deliveries=15": {named, Options{
			Ordered: true, ExactlyOnce: true, Hold: 30 * time.Second, MaxDeliveries: 15,
		}},
		"pubsub://p/orders?topic=tea&subscription=sun&dead_topic=projects/q/topics/dusk&dead_subscription=dew": {
			address{"orders", "projects/p/topics/tea", "projects/p/subscriptions/sun", "projects/q/topics/dusk", "projects/p/subscriptions/dew"},
			Options{Topic: "tea", Subscription: "sun", DeadTopic: "projects/q/topics/dusk", DeadSubscription: "dew"},
		},
		"pubsub://123456/orders_v2.1~+%25": {address{
			"orders_v2.1~+%", "projects/123456/topics/orders_v2.1~+%", "projects/123456/subscriptions/orders_v2.1~+%",
			"projects/123456/topics/orders_v2.1~+%-dead", "projects/123456/subscriptions/orders_v2.1~+%-dead",
		}, Options{}},
	} {
		t.Run(url, func(t *testing.T) {
			opened, err := driver.Default.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close(t.Context())
			var q *Queue
			if !opened.As(&q) {
				t.Fatal("As does not know the queue")
			}
			at := address{q.name, q.topic, q.subscription, q.dead.topic, q.dead.subscription}
			if at != want.at || q.options != want.o || q.capabilities.Ordered != want.o.Ordered {
				t.Errorf("%+v, %+v; want %+v", at, q.options, want)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	isolate(t)
	for url, says := range map[string]string{
		"pubsub://orders":                                    "pubsub://PROJECT/NAME",
		"pubsub:///orders":                                   "project",
		"pubsub://Project/orders":                            "lower-case",
		"pubsub://p/":                                        "no name",
		"pubsub://p/ab":                                      "3 to 255",
		"pubsub://p/a/b":                                     "0x2f",
		"pubsub://p/1orders":                                 "a letter first",
		"pubsub://p/google-orders":                           "reserves",
		"pubsub://p/" + strings.Repeat("x", 256):             "3 to 255",
		"pubsub://p/" + strings.Repeat("x", 251):             "dead_topic",
		"pubsub://p/orders?topic=a":                          "3 to 255",
		"pubsub://p/orders?topic=projects/q/orders":          "projects/PROJECT/topics/ID",
		"pubsub://p/orders?subscription=projects/q/topics/x": "projects/PROJECT/subscriptions/ID",
		"pubsub://p/orders?dead_topic=orders":                "its own topic",
		"pubsub://p/orders?dead_subscription=orders":         "its own",
		"pubsub://p/orders?hold=9s":                          "hold",
		"pubsub://p/orders?hold=601s":                        "hold",
		"pubsub://p/orders?hold=10500ms":                     "seconds",
		"pubsub://p/orders?max_deliveries=4":                 "max_deliveries",
		"pubsub://p/orders?max_deliveries=101":               "max_deliveries",
		"pubsub://p/orders?ordering=yes":                     "ordering",
		"pubsub://p/orders?region=eu":                        "unknown parameter",
		"pubsub://user:secret@p/orders":                      "credentials",
	} {
		q, err := driver.Default.Open(t.Context(), url)
		if err == nil {
			_ = q.Close(t.Context())
			t.Errorf("%s was opened", url)
			continue
		}
		if driver.CodeOf(err) != driver.InvalidArgument || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want InvalidArgument that says %q", url, err, says)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v repeats a secret", url, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	clients := Clients{new(apiv1.TopicAdminClient), new(apiv1.SubscriptionAdminClient)}
	for what, err := range map[string]error{
		"no clients":      second(New(Clients{}, "p", "orders", nil)),
		"no project":      second(New(clients, "", "orders", nil)),
		"no name":         second(New(clients, "p", "", nil)),
		"a short hold":    second(New(clients, "p", "orders", &Options{Hold: time.Second})),
		"a long hold":     second(New(clients, "p", "orders", &Options{Hold: time.Hour})),
		"few deliveries":  second(New(clients, "p", "orders", &Options{MaxDeliveries: -1})),
		"many deliveries": second(New(clients, "p", "orders", &Options{MaxDeliveries: 101})),
	} {
		if driver.CodeOf(err) != driver.InvalidArgument {
			t.Errorf("%s: %v; want InvalidArgument", what, err)
		}
	}
}

func second(_ *Queue, err error) error { return err }

// down is an address at which nobody listens.
func down(t *testing.T) string {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

func TestAnEndpointThatIsDown(t *testing.T) {
	isolate(t)
	t.Setenv("PUBSUB_EMULATOR_HOST", down(t))
	q, err := driver.Default.Open(t.Context(), "pubsub://p/orders")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	start := time.Now()
	_, err = q.Policy(ctx)
	if !driver.Is(err, driver.Unavailable) || !strings.Contains(err.Error(), "check the network and PUBSUB_EMULATOR_HOST") {
		t.Errorf("policy: %v; want Unavailable, and what to check", err)
	}
	if err := q.Send(ctx, []driver.Message{{Body: []byte("x")}})[0].Err; !driver.Is(err, driver.Unavailable) {
		t.Errorf("send: %v; want Unavailable", err)
	}
	if _, err := q.Receive(ctx, driver.ReceiveOptions{Max: 1, Hold: time.Minute}); !driver.Is(err, driver.Unavailable) {
		t.Errorf("receive: %v; want Unavailable", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v to notice; want at once", took)
	}
	var topics *apiv1.TopicAdminClient
	var subscriptions *apiv1.SubscriptionAdminClient
	if !q.As(&topics) || !q.As(&subscriptions) || topics == nil || subscriptions == nil {
		t.Error("As does not know the clients")
	}
	if err := q.Close(ctx); err != nil {
		t.Error(err)
	}
	if _, err := q.Policy(ctx); !driver.Is(err, driver.Closed) {
		t.Errorf("after close: %v", err)
	}
	if q.As(&topics) {
		t.Error("As gives a client that is closed")
	}
}

func TestCredentialsThatAreNotThere(t *testing.T) {
	isolate(t)
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, []byte(`{"type":"service_account","private_key":"secret`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + ".none"} {
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
		q, err := driver.Default.Open(t.Context(), "pubsub://p/orders")
		if err != nil {
			t.Fatal(err) // opening does not look
		}
		_, err = q.Policy(t.Context())
		if !driver.Is(err, driver.PermissionDenied) || !strings.Contains(err.Error(), "GOOGLE_APPLICATION_CREDENTIALS") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v; want PermissionDenied, and what to set", err)
		}
		if mayNot(err) {
			t.Errorf("%v is taken for a missing role", err)
		}
		var client *apiv1.TopicAdminClient
		if q.As(&client) {
			t.Error("As gives a client without credentials")
		}
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
