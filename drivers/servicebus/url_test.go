package servicebus

import (
	"strings"
	"testing"
	"time"

	"github.com/longshore-dev/longshore/driver"
)

const (
	secret     = "c2VjcmV0LWtleQ=="
	connecting = "Endpoint=sb://my-ns.servicebus.windows.net/;SharedAccessKeyName=worker;SharedAccessKey=" + secret
)

func TestOpen(t *testing.T) {
	for url, want := range map[string]struct {
		connection, namespace, name string
		o                           Options
	}{
		"servicebus://My-NS.servicebus.windows.net/orders": {"", "my-ns.servicebus.windows.net", "orders", Options{}},
		"servicebus://my-ns.servicebus.chinacloudapi.cn/shop/orders_v2.1?sessions=true&dedup=true&tier=premium&hold=30s&max_deliveries=15": {
			"", "my-ns.servicebus.chinacloudapi.cn", "shop/orders_v2.1",
			Options{Sessions: true, Dedup: true, Premium: true, Hold: 30 * time.Second, MaxDeliveries: 15},
		},
		"servicebus:///orders": {connecting, "", "orders", Options{}},
	} {
		t.Run(url, func(t *testing.T) {
			t.Setenv(connectionVariable, connecting)
			opened, err := driver.Default.Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer opened.Close(t.Context())
			var q *Queue
			if !opened.As(&q) {
				t.Fatal("As does not know the queue")
			}
			if q.from.connection != want.connection || q.from.namespace != want.namespace || q.name != want.name || q.options != want.o {
				t.Errorf("%q, %+v; want %+v", q.name, q.options, want)
			}
			if c := q.Capabilities(); c.Ordered != want.o.Sessions || c.Dedup.Supported() != want.o.Dedup {
				t.Errorf("ordered %v, deduplication %v", c.Ordered, c.Dedup)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for url, test := range map[string]struct{ connection, want string }{
		"servicebus://my-ns.servicebus.windows.net":                          {"", "the queue has no name"},
		"servicebus://my-ns/orders":                                          {"", `namespace "my-ns" is not a host name; want servicebus://NAMESPACE.servicebus.windows.net/QUEUE`},
		"servicebus://my-ns.servicebus.windows.net:5671/orders":              {"", `namespace "my-ns.servicebus.windows.net:5671" has a scheme or a port`},
		"servicebus://sb:/my-ns.servicebus.windows.net/orders":               {"", `namespace "sb:" has a scheme or a port; want its host name alone`},
		"servicebus://https://my-ns.servicebus.windows.net/orders":           {"", `has a scheme or a port; want its host name alone, such as my-namespace.servicebus.windows.net`},
		"servicebus://my_ns.servicebus.windows.net/orders":                   {"", "has byte 0x5f at 2; want letters, digits, hyphens and periods"},
		"servicebus://my-ns.servicebus.windows.net/orders/$DeadLetterQueue":  {"", "has a $; name the queue itself"},
		"servicebus://my-ns.servicebus.windows.net/t/Subscriptions/s":        {"", "is a subscription of a topic; this driver is for queues"},
		"servicebus://my-ns.servicebus.windows.net/-orders":                  {"", "has byte 0x2d at 0; want letters, digits and ._-/"},
		"servicebus://my-ns.servicebus.windows.net/orders?tier=basic":        {"", "tier=basic has neither scheduled messages nor sessions"},
		"servicebus://my-ns.servicebus.windows.net/orders?tier=gold":         {"", `parameter tier="gold" is not standard or premium`},
		"servicebus://my-ns.servicebus.windows.net/orders?hold=6m":           {"", `parameter hold="6m" is not a duration within 5s to 5m0s`},
		"servicebus://my-ns.servicebus.windows.net/orders?hold=5500ms":       {"", "hold 5.5s is not in whole seconds"},
		"servicebus://my-ns.servicebus.windows.net/orders?max_deliveries=0":  {"", "is not a whole number within 1 to 2000"},
		"servicebus://my-ns.servicebus.windows.net/orders?partitioned=true":  {"", `unknown parameter "partitioned"; known are sessions, dedup, tier, hold, max_deliveries`},
		"servicebus://worker:" + secret + "@my-ns.servicebus.windows.net/or": {"", "credentials come from the environment"},
		"servicebus:///orders":          {"", "the URL names no namespace, and SERVICEBUS_CONNECTION_STRING is not set"},
		"servicebus:///orders?hold=10s": {connecting + ";EntityPath=returns", `is for the queue "returns" (EntityPath), and the URL names "orders"`},
		"servicebus:///orders?hold=11s": {"Endpoint=sb://h/;SharedAccessKeyName=worker", "has no SharedAccessKey; want SharedAccessKeyName and SharedAccessKey"},
		"servicebus:///orders?hold=12s": {"Endpoint=sb://h/;SharedAccessKey=" + secret, "has no SharedAccessKeyName"},
		"servicebus:///orders?hold=13s": {"SharedAccessKeyName=worker;SharedAccessKey=" + secret, "has no Endpoint"},
		"servicebus:///orders?hold=14s": {"Endpoint=https://h/;SharedAccessKeyName=worker;SharedAccessKey=" + secret, "is not sb://HOST/"},
		"servicebus:///orders?hold=15s": {secret, "has no Endpoint"},
		"servicebus:///orders?hold=16s": {connecting + ";UseDevelopmentEmulator=yes", "UseDevelopmentEmulator in the connection string is not true or false"},
	} {
		t.Run(url, func(t *testing.T) {
			t.Setenv(connectionVariable, test.connection)
			q, err := driver.Default.Open(t.Context(), url)
			if err == nil {
				_ = q.Close(t.Context())
				t.Fatalf("it was opened; want an error with %q", test.want)
			}
			if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q; want InvalidArgument with %q", err, test.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error %q repeats the key", err)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(Clients{}, "orders", nil); !driver.Is(err, driver.InvalidArgument) {
		t.Errorf("new without a client: %v, want InvalidArgument", err)
	}
}

func FuzzParseConnection(f *testing.F) {
	f.Add(connecting)
	f.Add(connecting + ";EntityPath=orders;UseDevelopmentEmulator=true")
	f.Add("Endpoint=sb://localhost:5672;SharedAccessSignature=SharedAccessSignature sr=x&sig=y&se=1&skn=z;")
	f.Add(";;=;a=b=c")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseConnection(text)
		if err == nil && !strings.HasPrefix(c.endpoint, "sb://") {
			t.Errorf("%q was taken, with endpoint %q", text, c.endpoint)
		}
		if err != nil && strings.Contains(text, secret) && strings.Contains(err.Error(), secret) {
			t.Errorf("error %q repeats a value of %q", err, text)
		}
	})
}

func FuzzCheckNamespace(f *testing.F) {
	for _, s := range []string{"my-ns.servicebus.windows.net", "sb://x.y", "x.y:80", "", ".", "a."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if checkNamespace(s) == nil && (strings.ContainsAny(s, ":/@?# ") || !strings.Contains(s, ".")) {
			t.Errorf("%q was taken for the host name of a namespace", s)
		}
	})
}
