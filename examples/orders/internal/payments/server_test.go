package payments_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/examples/orders/internal/payments"
)

func server(t *testing.T, o *payments.Options) *payments.Server {
	t.Helper()
	s, err := payments.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// post answers the status and the Retry-After.
func post(t *testing.T, s *payments.Server, key, body string) (status int, after string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/charges", strings.NewReader(body))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Header().Get("Retry-After")
}

func TestAnswers(t *testing.T) {
	s := server(t, nil)
	for _, c := range []struct {
		key, body string
		want      int
	}{
		{"a", `{"order":"1","cents":5}`, 201},
		{"a", `{"order":"1","cents":5}`, 200},
		{"a", `{"order":"1","cents":6}`, 409},
		{"a", `{"order":"2","cents":5}`, 409},
		{"b", `{"order":"1","cents":5}`, 201}, // the server knows keys, not orders
		{"c", `{"order":"3","cents":1000000}`, 201},
		{"d", `{"order":"4","cents":1000001}`, 402},
		{"", `{"order":"5","cents":5}`, 400},
		{"e", `{"order":"","cents":5}`, 400},
		{"e", `{"order":"5","cents":0}`, 400},
		{"e", `none`, 400},
		{"e", ``, 400},
		{"e", `{"order":"` + strings.Repeat("x", 1<<20) + `"}`, 413},
	} {
		if status, _ := post(t, s, c.key, c.body); status != c.want {
			t.Errorf("%s %.40s: %d, want %d", c.key, c.body, status, c.want)
		}
	}
	for _, c := range []struct {
		method, path string
		want         int
		says         string
	}{
		{"GET", "/charges", 200, `{"charges":3,"cents":1000010,"repeated":1,"declined":1,"refused":0,"failed":0}`},
		{"PUT", "/charges", 405, ""}, {"GET", "/", 404, ""},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil))
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, w.Code, w.Body, c.want, c.says)
		}
	}
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server(t, &payments.Options{Throttle: 5})
		taken := func() (n int) {
			for i := range 20 {
				status, after := post(t, s, fmt.Sprint(i), fmt.Sprintf(`{"order":"%d","cents":1}`, i))
				switch {
				case status < http.StatusMultipleChoices:
					n++
				case status != http.StatusTooManyRequests || after != "1":
					t.Errorf("%d, Retry-After %q", status, after)
				}
			}
			return n
		}
		for i, want := range []int{5, 5, 1} {
			if n := taken(); n != want {
				t.Errorf("second %d: %d are taken, want %d", i, n, want)
			}
			time.Sleep([]time.Duration{time.Second, 200 * time.Millisecond, 0}[i])
		}
	})
}

// Half of what fails has been charged all the same, and a key is charged once.
func TestFailures(t *testing.T) {
	s := server(t, &payments.Options{Fail: 0.5, Seed: 7})
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 250 {
				n := worker*250 + i
				for status := 500; status >= 500; {
					status, _ = post(t, s, fmt.Sprint(n), fmt.Sprintf(`{"order":"%d","cents":2}`, n))
				}
			}
		})
	}
	group.Wait()
	sum := s.Sum()
	if sum.Charges != 1000 || sum.Cents != 2000 || len(s.Book()) != 1000 {
		t.Errorf("%+v and %d lines, want 1000 charges", sum, len(s.Book()))
	}
	// Of about 1,000 failures half were charges whose answer was lost.
	if sum.Failed < 800 || sum.Failed > 1200 || sum.Repeated < 400 || sum.Repeated > 600 {
		t.Errorf("%+v, want about 1000 that fail, and 500 that come again after a charge", sum)
	}
}

func TestOptionsOutOfRange(t *testing.T) {
	for _, o := range []payments.Options{{Fail: -0.1}, {Fail: 1.1}, {Throttle: -1}} {
		if _, err := payments.New(&o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
