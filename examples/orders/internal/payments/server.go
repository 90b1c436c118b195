// Package payments is a payment server that is as hard to use as a real one: it fails
// now and then, also after it has taken the money, and asks those who come too often to
// wait. It keeps its book in memory.
package payments

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// CardLimit is the largest charge that is not declined, in cents.
const CardLimit = 1_000_000

// maxRequest is the longest request that is read, in bytes.
const maxRequest = 64 << 10

// Options say how hard to use a Server is. The zero value is one that always works.
type Options struct {
	// Fail is which part of the requests fail with 500, 0 to 1: half of them before
	// the charge, half of them after it.
	Fail float64
	// Throttle is how many requests a second are taken, on average and at once; the
	// others are answered with 429 and Retry-After. 0 is no limit.
	Throttle int
	// Seed decides which requests fail.
	Seed uint64
}

// Charge is money that was taken: a line of the book.
type Charge struct {
	Key     string `json:"key"` // the Idempotency-Key
	Order   string `json:"order"`
	Cents   int    `json:"cents"`
	Payment string `json:"payment"`
}

// Sum is what a Server has done so far.
type Sum struct {
	Charges  int `json:"charges"`  // lines of the book
	Cents    int `json:"cents"`    // of all of them
	Repeated int `json:"repeated"` // requests whose key had been charged, answered with that
	Declined int `json:"declined"` // 402
	Refused  int `json:"refused"`  // 429
	Failed   int `json:"failed"`   // 500
}

// Server answers POST /charges, {"order":"17","cents":990} with an Idempotency-Key, by
// 201 and {"payment":"..."}, or by 402 above CardLimit; a key that comes again gets the
// first answer, and one with another order or amount 409. GET /charges is its Sum. It
// is safe for concurrent use.
type Server struct {
	options Options

	mu      sync.Mutex
	dice    *rand.Rand        // guarded by mu
	tokens  float64           // guarded by mu: requests that may come at once
	counted time.Time         // guarded by mu: when tokens was right
	book    []Charge          // guarded by mu
	byKey   map[string]Charge // guarded by mu
	sum     Sum               // guarded by mu
}

// New makes a Server with an empty book; nil options are the defaults.
func New(opts *Options) (*Server, error) {
	if opts == nil {
		opts = &Options{}
	}
	switch {
	case !(opts.Fail >= 0 && opts.Fail <= 1):
		return nil, fmt.Errorf("payments: fail %v is out of range; it must be from 0 to 1", opts.Fail)
	case opts.Throttle < 0:
		return nil, fmt.Errorf("payments: throttle %d is below 0", opts.Throttle)
	}
	return &Server{
		options: *opts, dice: rand.New(rand.NewPCG(opts.Seed, 0)),
		tokens: float64(opts.Throttle), counted: time.Now(), byKey: make(map[string]Charge),
	}, nil
}

// Book is every charge so far, in order.
func (s *Server) Book() []Charge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Charge(nil), s.book...)
}

// Sum is what was done so far.
func (s *Server) Sum() Sum {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/charges":
		http.Error(w, "there is only /charges", http.StatusNotFound)
	case r.Method == http.MethodGet:
		answer(w, http.StatusOK, s.Sum())
	case r.Method == http.MethodPost:
		s.post(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "only GET and POST", http.StatusMethodNotAllowed)
	}
}

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	var want Charge
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&want)
	want.Key, want.Payment = r.Header.Get("Idempotency-Key"), ""
	_, large := errors.AsType[*http.MaxBytesError](err)
	switch {
	case large:
		http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
	case err != nil || want.Order == "" || want.Cents <= 0:
		http.Error(w, `want {"order":"17","cents":990}`, http.StatusBadRequest)
	case want.Key == "":
		http.Error(w, "the header Idempotency-Key is missing", http.StatusBadRequest)
	default:
		status, charged := s.charge(want)
		switch status {
		case http.StatusOK, http.StatusCreated:
			answer(w, status, charged)
		case http.StatusTooManyRequests:
			w.Header().Set("Retry-After", "1")
			fallthrough
		default:
			http.Error(w, http.StatusText(status), status)
		}
	}
}

// charge takes money, and answers the HTTP status.
func (s *Server) charge(want Charge) (int, Charge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.take() {
		s.sum.Refused++
		return http.StatusTooManyRequests, Charge{}
	}
	fails := s.dice.Float64()
	if fails < s.options.Fail/2 {
		s.sum.Failed++
		return http.StatusInternalServerError, Charge{}
	}
	status, charged := s.enter(want)
	if fails < s.options.Fail && status < 300 { // the answer is lost
		s.sum.Failed++
		return http.StatusInternalServerError, Charge{}
	}
	return status, charged
}

// take says whether a request is within the limit. s.mu is held.
func (s *Server) take() bool {
	if s.options.Throttle == 0 {
		return true
	}
	limit, now := float64(s.options.Throttle), time.Now()
	s.tokens = min(limit, s.tokens+limit*now.Sub(s.counted).Seconds())
	s.counted = now
	if s.tokens < 1 {
		return false
	}
	s.tokens--
	return true
}

// enter writes a charge into the book, unless its key is there. s.mu is held.
func (s *Server) enter(want Charge) (int, Charge) {
	before, there := s.byKey[want.Key]
	switch {
	case there && (before.Order != want.Order || before.Cents != want.Cents):
		return http.StatusConflict, Charge{}
	case there:
		s.sum.Repeated++
		return http.StatusOK, before
	case want.Cents > CardLimit:
		s.sum.Declined++
		return http.StatusPaymentRequired, Charge{}
	}
	want.Payment = fmt.Sprintf("pay-%06d", len(s.book)+1)
	s.book, s.byKey[want.Key] = append(s.book, want), want
	s.sum.Charges++
	s.sum.Cents += want.Cents
	return http.StatusCreated, want
}

func answer(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // who does not read it has gone
}

var _ http.Handler = (*Server)(nil)
