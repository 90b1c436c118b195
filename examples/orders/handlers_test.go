package orders_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/examples/orders"
	"github.com/longshore-dev/longshore/examples/orders/internal/payments"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/runtimetest"
)

// direct answers requests without a network, so that time may be virtual.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

// mux are the handlers, with a payment server in memory.
func mux(t *testing.T, kit *runtimetest.Kit, server http.RoundTripper) (handlers *runtime.Mux, receipts string) {
	t.Helper()
	receipts = t.TempDir()
	web := orders.Web()
	web.Transport = server
	return orders.NewMux(kit.Client(), web, orders.Settings{Payments: "http://payments", Receipts: receipts}, slog.New(slog.DiscardHandler)), receipts
}

var order = orders.Order{Number: "17", Customer: "ann@example.com", Cents: 990, Placed: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}

func TestOrderIsChargedAndConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		book, err := payments.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		handlers, receipts := mux(t, kit, direct{book})

		for range 2 { // a shop that does not know whether the first was stored
			if err := orders.Place(t.Context(), kit.Client(), &order); err != nil {
				t.Fatal(err)
			}
		}
		kit.Drain(t, handlers, nil)

		const want = `Receipt for order 17

Customer  "ann@example.com"
Placed    2026-07-01 12:00:00 UTC
Paid      9.90 EUR
Payment   pay-000001
`
		files, err := os.ReadDir(receipts)
		if err != nil || len(files) != 1 {
			t.Fatalf("files %v (%v), want one receipt", files, err)
		}
		text, err := os.ReadFile(filepath.Join(receipts, "receipt-17.txt"))
		if err != nil || string(text) != want {
			t.Errorf("receipt (%v)\n%s\nwant\n%s", err, text, want)
		}
		if got := book.Sum(); got != (payments.Sum{Charges: 1, Cents: 990, Repeated: 1}) {
			t.Errorf("the book says %+v, want one charge", got)
		}
	})
}

// What the payment server answers decides what becomes of the task.
func TestAnswersOfThePaymentServer(t *testing.T) {
	const burned, spared = 2, 1 // the attempt that then succeeds
	for name, c := range map[string]struct {
		status  int
		after   string // Retry-After
		body    string
		wait    time.Duration // at least, before the next attempt
		atMost  time.Duration
		attempt int    // the next one; 0 for none
		dead    string // reason
	}{
		"500":                       {status: 500, atMost: time.Second, attempt: burned},
		"502":                       {status: 502, atMost: time.Second, attempt: burned},
		"408":                       {status: 408, atMost: time.Second, attempt: burned},
		"503":                       {status: 503, atMost: time.Second, attempt: burned},
		"503 with Retry-After":      {status: 503, after: "90", wait: 90 * time.Second, atMost: 92 * time.Second, attempt: burned},
		"429":                       {status: 429, wait: time.Second, atMost: 3 * time.Second, attempt: spared},
		"429 with Retry-After":      {status: 429, after: "30", wait: 30 * time.Second, atMost: 32 * time.Second, attempt: spared},
		"429 with a time":           {status: 429, after: "Sat, 01 Jan 2000 00:01:00 GMT", wait: 59 * time.Second, atMost: 62 * time.Second, attempt: spared},
		"429 for a day":             {status: 429, after: "86400", wait: time.Hour, atMost: time.Hour + 2*time.Second, attempt: spared},
		"402":                       {status: 402, dead: driver.ReasonPermanent},
		"400":                       {status: 400, dead: driver.ReasonPermanent},
		"302, not followed":         {status: 302, dead: driver.ReasonPermanent},
		"200 without a payment":     {status: 200, body: "{}", atMost: time.Second, attempt: burned},
		"200 that is no JSON":       {status: 200, body: "<html>", atMost: time.Second, attempt: burned},
		"no answer at all":          {status: 0, atMost: time.Second, attempt: burned},
		"200 with too much of it":   {status: 200, body: strings.Repeat(" ", 1<<20) + `{"payment":"p"}`, atMost: time.Second, attempt: burned},
		"201 that is what it takes": {status: 201, body: `{"payment":"p"}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // it is the first of January 2000
				kit := runtimetest.New(t, nil)
				calls := 0
				handlers, _ := mux(t, kit, trip(func(r *http.Request) (*http.Response, error) {
					if calls++; calls > 1 {
						return answer(http.StatusCreated, "", `{"payment":"p"}`), nil
					}
					if key := r.Header.Get("Idempotency-Key"); key != "charge-17" {
						t.Errorf("the key is %q, want the task's id", key)
					}
					if c.status == 0 {
						return nil, errors.New("the connection is reset")
					}
					return answer(c.status, c.after, c.body), nil
				}))
				if err := orders.Place(t.Context(), kit.Client(), &order); err != nil {
					t.Fatal(err)
				}

				kit.Drain(t, handlers, nil)

				tries, dead := kit.Attempts("charge-17"), kit.Dead(t)
				if c.dead != "" {
					if len(dead) != 1 || dead[0].Death.Reason != c.dead || len(tries) != 1 {
						t.Errorf("dead %+v after %v, want one for %s", dead, tries, c.dead)
					}
					return
				}
				last := tries[len(tries)-1]
				if c.attempt == 0 {
					c.attempt = 1
				}
				if wait := last.Delivered.Sub(tries[0].Ended); len(dead) != 0 || last.Attempt != c.attempt || wait < c.wait || wait > c.atMost {
					t.Errorf("attempts %v, the last after %v; want attempt %d after %v to %v, nothing dead", tries, wait, c.attempt, c.wait, c.atMost)
				}
				runtimetest.RequireEnqueued[orders.ConfirmOrder](t, kit)
			})
		})
	}
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, after, body string) *http.Response {
	r := &http.Response{StatusCode: status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body))}
	if after != "" {
		r.Header.Set("Retry-After", after)
	}
	if status == http.StatusFound {
		r.Header.Set("Location", "http://elsewhere/charges")
	}
	return r
}

// Minutes of a payment server that fails a third of the time and takes two requests a
// second.
func TestTwoHundredOrdersAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, &runtimetest.Options{Retry: runtime.RetryPolicy{MaxAttempts: 30}})
		book, err := payments.New(&payments.Options{Fail: 0.33, Throttle: 2})
		if err != nil {
			t.Fatal(err)
		}
		handlers, receipts := mux(t, kit, direct{book})
		want := payments.Sum{}
		for o, err := range orders.Made(1, 200) {
			if err != nil {
				t.Fatal(err)
			}
			if err := orders.Place(t.Context(), kit.Client(), &o); err != nil {
				t.Fatal(err)
			}
			if o.Cents <= payments.CardLimit {
				want.Charges++
				want.Cents += o.Cents
			}
		}

		kit.Drain(t, handlers, &runtime.WorkerOptions{Concurrency: 10, Logger: slog.New(slog.DiscardHandler)})

		got := book.Sum()
		files, err := os.ReadDir(receipts)
		if got.Charges != want.Charges || got.Cents != want.Cents || err != nil || len(files) != want.Charges || len(kit.Dead(t)) != 200-want.Charges {
			t.Errorf("the book says %+v, there are %d receipts (%v), and %d are dead; want %+v", got, len(files), err, len(kit.Dead(t)), want)
		}
		if got.Repeated == 0 || got.Refused == 0 || got.Failed == 0 {
			t.Errorf("the payment server was too easy: %+v", got)
		}
	})
}

func TestReceiptThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		receipts := filepath.Join(t.TempDir(), "later")
		handlers := orders.NewMux(kit.Client(), nil, orders.Settings{Receipts: receipts}, slog.New(slog.DiscardHandler))
		if _, err := runtime.Enqueue(t.Context(), kit.Client(), orders.ConfirmOrder{Order: order, Payment: "p"}, runtime.ID("../../receipt")); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(500*time.Millisecond, func() { _ = os.Mkdir(receipts, 0o700) })

		kit.Drain(t, handlers, nil)

		files, err := os.ReadDir(receipts)
		if err != nil || len(files) != 1 || files[0].Name() != "..%2F..%2Freceipt.txt" {
			t.Errorf("files %v (%v), want one, in its directory", files, err)
		}
	})
}

func TestTasksThatAreNoOrdersAreBuried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kit := runtimetest.New(t, nil)
		handlers, receipts := mux(t, kit, trip(func(*http.Request) (*http.Response, error) {
			t.Error("the payment server is called")
			return nil, errors.ErrUnsupported
		}))
		for _, o := range []orders.Order{{}, {Number: "1/2", Customer: "c", Cents: 1}, {Number: "1", Cents: 1}, {Number: "1", Customer: "c", Cents: -1}} {
			if _, err := runtime.Enqueue(t.Context(), kit.Client(), orders.ChargePayment{Order: o}); err != nil {
				t.Fatal(err)
			}
			if _, err := runtime.Enqueue(t.Context(), kit.Client(), orders.ConfirmOrder{Order: o}); err != nil {
				t.Fatal(err)
			}
			if err := orders.Place(t.Context(), kit.Client(), &o); err == nil {
				t.Errorf("placed %+v", o)
			}
		}

		kit.Drain(t, handlers, nil)

		files, err := os.ReadDir(receipts)
		if dead := kit.Dead(t); err != nil || len(files) != 0 || len(dead) != 8 {
			t.Errorf("%d dead, receipts %v (%v); want 8 and none", len(dead), files, err)
		}
	})
}

func TestSettingsOfTheEnvironment(t *testing.T) {
	for value, ok := range map[string]bool{
		"": true, "https://payments.example.com/api": true,
		"payments": false, "ftp://payments": false, "http://": false, "http://me:secret@payments": false, "http://a b": false,
	} {
		t.Setenv("PAYMENTS_URL", value)
		t.Setenv("RECEIPTS_DIR", "")
		s, err := orders.FromEnvironment()
		if (err == nil) != ok || ok && s.Receipts != "receipts" {
			t.Errorf("PAYMENTS_URL=%q: %+v, %v", value, s, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "PAYMENTS_URL")) {
			t.Errorf("PAYMENTS_URL=%q: the error is %q", value, err)
		}
	}
}

func TestRead(t *testing.T) {
	read := func(text string) (numbers []string, err error) {
		for o, e := range orders.Read(strings.NewReader(text)) {
			if e != nil {
				return numbers, e
			}
			numbers = append(numbers, o.Number)
		}
		return numbers, nil
	}
	const fine = `{"number":"17","customer":"ann@example.com","cents":990}` + "\n"
	if got, err := read(fine + "\n  \n" + fine); err != nil || len(got) != 2 {
		t.Errorf("read %v, %v; want two", got, err)
	}
	for bad, says := range map[string]string{
		"secret\n":         "line 2 is no order",
		`{"number":"1 2"}`: "line 2: the order's number",
		`{"number":"1"}`:   "line 2: order 1 has no customer",
		`{"number":17}`:    "line 2 is no order",
		`{"number":"1","customer":"c","cents":0}`: "line 2: order 1 costs 0 cents",
		strings.Repeat("x", 100_000):              "line 2, of at most 65536 bytes",
	} {
		got, err := read(fine + bad)
		if len(got) != 1 || err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.40s: read %v, and the error is %v; want one, and %q", bad, got, err, says)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"number":"17","customer":"ann@example.com","cents":990,"placed":"2026-07-01T12:00:00Z"}` + "\n\n{}"))
	f.Add([]byte("\x00\xff\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for o, err := range orders.Read(bytes.NewReader(text)) {
			if err == nil && o.Check() != nil {
				t.Errorf("read %+v: %v", o, o.Check())
			}
		}
	})
}
