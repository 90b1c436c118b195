package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
	"github.com/longshore-dev/longshore/runtime/zstd"
)

// shelf is a store in memory that counts.
type shelf struct {
	mu         sync.Mutex
	objects    map[string][]byte // guarded by mu
	puts, gets int               // guarded by mu
	putErr     func(n int) error // of put n; guarded by mu; may be nil
	getErr     func(n int) error // of get n; guarded by mu; may be nil
	checkErr   error
	limit      int // of the last get; guarded by mu
}

func newShelf() *shelf { return &shelf{objects: make(map[string][]byte)} }

func (s *shelf) Put(_ context.Context, name string, data []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	if s.putErr != nil {
		if err := s.putErr(s.puts); err != nil {
			return "", err
		}
	}
	s.objects["shelf://here/"+name] = bytes.Clone(data)
	return "shelf://here/" + name, nil
}

func (s *shelf) Get(ctx context.Context, ref string, limit int) ([]byte, error) {
	s.mu.Lock()
	s.gets++
	s.limit = limit
	n, getErr := s.gets, s.getErr
	data, ok := s.objects[ref]
	s.mu.Unlock()
	if getErr != nil {
		if err := getErr(n); err != nil {
			return nil, err
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, driver.ContextError(ctx, "shelf: get")
	case !strings.HasPrefix(ref, "shelf://here/"):
		return nil, driver.Errorf(driver.InvalidArgument, "shelf: get", "not of this store")
	case !ok:
		return nil, driver.Errorf(driver.NotFound, "shelf: get", "gone")
	case len(data) > limit:
		return nil, driver.Errorf(driver.TooLarge, "shelf: get", "%d bytes", len(data))
	}
	return data, nil
}

func (s *shelf) CheckRead(context.Context) error { return s.checkErr }

func (s *shelf) counts() (puts, gets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts, s.gets
}

// payloadBench is a bench whose client and mux have these payloads.
func payloadBench(t *testing.T, client, mux *runtime.Payloads) *bench {
	t.Helper()
	b := newBench(t, &mem.Options{Hold: 30 * time.Second}, runtime.RetryPolicy{MaxAttempts: 3, Backoff: runtime.Fixed(time.Second), NoJitter: true},
		func(q driver.Queue) driver.Queue { return &noted{Queue: q} })
	var err error
	if b.client, err = runtime.NewClient(b.queues, &runtime.ClientOptions{Payloads: client}); err != nil {
		t.Fatal(err)
	}
	b.mux = runtime.NewMux(&runtime.MuxOptions{Payloads: mux, Logger: slog.New(slog.NewTextHandler(b.log, nil))})
	return b
}

// noted is a queue that notes the body of the last message that was sent to it.
type noted struct {
	driver.Queue
	mu   sync.Mutex
	body []byte // guarded by mu
}

func (q *noted) Send(ctx context.Context, batch []driver.Message) []driver.SendResult {
	q.mu.Lock()
	q.body = bytes.Clone(batch[len(batch)-1].Body)
	q.mu.Unlock()
	return q.Queue.Send(ctx, batch)
}

// bodyOf is the body of the last message.
func (b *bench) bodyOf() []byte {
	q := b.queue.(*noted)
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.body
}

func memberOf(t *testing.T, body []byte, name string) string {
	t.Helper()
	var event map[string]any
	if err := json.Unmarshal(body, &event); err != nil {
		t.Fatal(err)
	}
	value, _ := event[name].(string)
	return value
}

const large = 5 << 20 // bytes

func TestALargePayloadGoesByTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		b := payloadBench(t, &runtime.Payloads{Store: s}, &runtime.Payloads{Store: s})
		want := strings.Repeat("x", large)
		runs := make(chan int, 3)
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			data, contentType := task.Payload()
			if task.Args.Name != want || len(data) < large || contentType != "application/json" {
				t.Errorf("the handler gets %d bytes, %d of them raw, as %q", len(task.Args.Name), len(data), contentType)
			}
			runs <- task.Attempt
			if task.Attempt < 3 {
				return errors.New("not yet")
			}
			return nil
		})
		id := b.enqueue(want)
		if body := b.bodyOf(); len(body) > 1000 || !strings.Contains(memberOf(t, body, "dataref"), string(id)) || memberOf(t, body, "id") != string(id) {
			t.Errorf("the message is %d bytes: %.1000s", len(body), body)
		}
		stop := b.start(runtime.WorkerOptions{})
		for range 3 {
			<-runs
		}
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if puts, gets := s.counts(); puts != 1 || gets != 3 {
			t.Errorf("%d objects were written and %d read; want 1 and 3", puts, gets)
		}
	})
}

func TestASmallPayloadStaysInTheMessage(t *testing.T) {
	s := newShelf()
	b := payloadBench(t, &runtime.Payloads{Store: s}, nil)
	b.enqueue(strings.Repeat("x", 60<<10))
	if ref := memberOf(t, b.bodyOf(), "dataref"); ref != "" {
		t.Errorf("it refers to %q", ref)
	}
	if puts, _ := s.counts(); puts != 0 {
		t.Errorf("%d objects were written", puts)
	}
}

// The threshold is that of the message, which has the payload in base64 when it is no
// JSON, and never more than the queue takes.
func TestTheThresholdIsOfTheMessage(t *testing.T) {
	for name, c := range map[string]struct {
		threshold, bytes int
		contentType      string
		stored           bool
	}{
		"JSON below":    {64 << 10, 64<<10 - 300, "application/json", false},
		"JSON above":    {64 << 10, 64 << 10, "application/json", true},
		"base64 below":  {64 << 10, 47 << 10, "text/plain", false},
		"base64 above":  {64 << 10, 50 << 10, "text/plain", true},
		"the queue's":   {1 << 30, 1<<20 - 8<<10, "application/json", true},
		"a small one":   {1, 10, "application/json", true},
		"white space":   {64 << 10, -(100 << 10), "application/json", false},
		"below the own": {1 << 30, 900 << 10, "application/json", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf()
			b := payloadBench(t, &runtime.Payloads{Store: s, Threshold: c.threshold}, nil)
			data := []byte(`"` + strings.Repeat("x", max(0, c.bytes-2)) + `"`)
			if c.bytes < 0 {
				data = append(data, bytes.Repeat([]byte(" "), -c.bytes)...)
			}
			if _, err := runtime.EnqueueRaw(t.Context(), b.client, runtime.Raw{Kind: "job", Data: data, ContentType: c.contentType}); err != nil {
				t.Fatal(err)
			}
			if puts, _ := s.counts(); (puts == 1) != c.stored {
				t.Errorf("%d objects were written", puts)
			}
		})
	}
}

func TestWhatIsWrongWithATaskIsFoundBeforeItsPayloadIsStored(t *testing.T) {
	s := newShelf()
	b := payloadBench(t, &runtime.Payloads{Store: s, MaxSize: 1 << 20}, nil)
	for name, c := range map[string]struct {
		data string
		code driver.Code
		want string
	}{
		"no JSON":   {strings.Repeat("x", 100<<10), driver.InvalidArgument, "not JSON"},
		"too large": {`"` + strings.Repeat("x", 1<<20) + `"`, driver.TooLarge, "Payloads.MaxSize"},
	} {
		_, err := runtime.EnqueueRaw(t.Context(), b.client, runtime.Raw{Kind: "job", Data: []byte(c.data)})
		if !driver.Is(err, c.code) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := runtime.Enqueue(t.Context(), b.client, job{strings.Repeat("x", 100<<10)}, runtime.Group("a\x00b"))
	if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), "partitionkey") {
		t.Errorf("a group that is none: %v", err)
	}
	if puts, _ := s.counts(); puts != 0 {
		t.Errorf("%d objects were written", puts)
	}
}

func TestWithoutAStoreTooLargeSaysWhatHelps(t *testing.T) {
	for name, payloads := range map[string]*runtime.Payloads{"no payloads": nil, "no store": {Compression: zstd.New()}} {
		b := payloadBench(t, payloads, nil)
		noise := noise(2 << 20)
		_, err := runtime.EnqueueRaw(t.Context(), b.client, runtime.Raw{Kind: "job", Data: noise, ContentType: "application/octet-stream"})
		if !driver.Is(err, driver.TooLarge) || !strings.Contains(err.Error(), "ClientOptions.Payloads") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// noise does not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint64(1)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
	return b
}

func TestAFailedPutIsTriedAgainAndNothingIsSentWithoutIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.putErr = func(n int) error {
			if n < 3 {
				return driver.Errorf(driver.Unavailable, "shelf: put", "down")
			}
			return nil
		}
		b := payloadBench(t, &runtime.Payloads{Store: s}, nil)
		b.enqueue(strings.Repeat("x", 100<<10))
		if puts, _ := s.counts(); puts != 3 || len(s.objects) != 1 {
			t.Errorf("%d tries made %d objects", puts, len(s.objects))
		}
		for name, c := range map[string]struct {
			err  error
			last time.Duration
		}{
			"denied": {driver.Errorf(driver.PermissionDenied, "shelf: put", "no"), 0},
			"down":   {driver.Errorf(driver.Unavailable, "shelf: put", "down"), time.Minute},
		} {
			s.putErr = func(int) error { return c.err }
			begun := time.Now()
			id, err := runtime.Enqueue(t.Context(), b.client, job{strings.Repeat("x", 100<<10)})
			if id == "" || !errors.Is(err, c.err) || driver.CodeOf(err) != driver.CodeOf(c.err) {
				t.Errorf("%s: %q, %v", name, id, err)
			}
			if took := time.Since(begun); took > c.last || took < c.last/2 {
				t.Errorf("%s: it took %v, of at most %v", name, took, c.last)
			}
		}
		if stats, err := b.queue.Stats(t.Context()); err != nil || stats.Ready != 1 {
			t.Errorf("%d messages on the queue (%v); want the first", stats.Ready, err)
		}
	})
}

// An Enqueue that is cancelled between the store and the queue sends nothing. Its retry
// stores the payload anew, under another name, and is the same task.
func TestAnEnqueueThatIsCancelledOnceItsPayloadIsStored(t *testing.T) {
	s := newShelf()
	b := payloadBench(t, &runtime.Payloads{Store: s}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	s.putErr = func(n int) error {
		if n == 1 {
			cancel()
		}
		return nil
	}
	task := job{strings.Repeat("x", 100<<10)}
	id, err := runtime.Enqueue(ctx, b.client, task)
	if !driver.Is(err, driver.Canceled) || id == "" {
		t.Errorf("%q, %v; want canceled", id, err)
	}
	if stats, err := b.queue.Stats(t.Context()); err != nil || stats.Ready != 0 {
		t.Errorf("%d messages were sent (%v)", stats.Ready, err)
	}
	again, err := runtime.Enqueue(t.Context(), b.client, task, runtime.ID(id))
	if err != nil || again != id || memberOf(t, b.bodyOf(), "id") != string(id) {
		t.Errorf("the retry: %q, %v", again, err)
	}
	if puts, _ := s.counts(); puts != 2 || len(s.objects) != 2 {
		t.Errorf("%d puts made %d objects; want 2", puts, len(s.objects))
	}
}

func TestEachOfManyIsStoredOrFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		b := payloadBench(t, &runtime.Payloads{Store: s}, nil)
		var args []job
		for i := range 25 {
			args = append(args, job{strings.Repeat("x", 1+i%2*100<<10)})
		}
		s.putErr = func(n int) error {
			if n == 5 {
				return driver.Errorf(driver.PermissionDenied, "shelf: put", "no")
			}
			return nil
		}
		failed := 0
		for i, r := range runtime.EnqueueMany(t.Context(), b.client, args) {
			if r.ID == "" {
				t.Errorf("task %d has no id", i)
			}
			if r.Err != nil {
				if failed++; i%2 == 0 || !driver.Is(r.Err, driver.PermissionDenied) {
					t.Errorf("task %d: %v", i, r.Err)
				}
			}
		}
		stats, err := b.queue.Stats(t.Context())
		if failed != 1 || err != nil || stats.Ready != 24 {
			t.Errorf("%d failed and %d messages are there (%v)", failed, stats.Ready, err)
		}
	})
}

// What client middleware keeps from being sent is not stored either, and what it sends
// twice is stored once.
func TestMiddlewareDecidesBeforeTheStore(t *testing.T) {
	s := newShelf()
	b := payloadBench(t, nil, nil)
	send := 0
	client, err := runtime.NewClient(b.queues, &runtime.ClientOptions{
		Payloads: &runtime.Payloads{Store: s},
		Middleware: []runtime.ClientMiddleware{func(next runtime.SendFunc) runtime.SendFunc {
			return func(ctx context.Context, tasks []*runtime.Outgoing) []runtime.EnqueueResult {
				results := make([]runtime.EnqueueResult, len(tasks))
				for range send {
					results = next(ctx, tasks)
				}
				return results
			}
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, send = range []int{0, 2} {
		if _, err := runtime.Enqueue(t.Context(), client, job{strings.Repeat("x", 100<<10)}); err != nil {
			t.Error(err)
		}
	}
	if puts, _ := s.counts(); puts != 1 {
		t.Errorf("%d objects were written; want 1", puts)
	}
}

func TestCompressionOnlyEverShrinks(t *testing.T) {
	text := strings.Repeat("compress me ", 1000)
	for name, c := range map[string]struct {
		data        []byte
		contentType string
		compressed  bool
	}{
		"text":        {[]byte(`"` + text + `"`), "application/json", true},
		"no JSON":     {[]byte(text), "text/plain", true},
		"small":       {[]byte(`"` + text[:1000] + `"`), "application/json", false},
		"noise":       {noise(4000), "application/octet-stream", false},
		"white space": {[]byte(strings.Repeat(" ", 10_000) + "1"), "application/json", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // both are enqueued at the same time, which is in them
				raw := runtime.Raw{Kind: "job", Data: c.data, ContentType: c.contentType}
				plain, squeezed := payloadBench(t, nil, nil), payloadBench(t, &runtime.Payloads{Compression: zstd.New()}, nil)
				for _, b := range []*bench{plain, squeezed} {
					if _, err := runtime.EnqueueRaw(t.Context(), b.client, raw); err != nil {
						t.Fatal(err)
					}
				}
				before, after := plain.bodyOf(), squeezed.bodyOf()
				if got := memberOf(t, after, "datacontenttype") == "application/zstd"; got != c.compressed || len(after) > len(before) {
					t.Errorf("%d bytes became %d, compressed %t", len(before), len(after), got)
				}
				if c.compressed && memberOf(t, after, "decodedcontenttype") != c.contentType {
					t.Errorf("it is %s", after)
				}
				m := &driver.Message{Body: after}
				data, contentType, err := (&runtime.Payloads{Compression: zstd.New()}).Read(t.Context(), m)
				if want := bytes.TrimSpace(c.data); err != nil || contentType != c.contentType || !bytes.Equal(bytes.TrimSpace(data), want) {
					t.Errorf("%d bytes of %q come back (%v)", len(data), contentType, err)
				}
			})
		})
	}
}

func TestWhatIsStoredIsCompressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		p := &runtime.Payloads{Store: s, Threshold: 100, Compression: zstd.New()}
		b := payloadBench(t, p, p)
		want := strings.Repeat("compress me ", large/12)
		done := make(chan struct{})
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			if task.Args.Name != want {
				t.Errorf("the handler gets %d bytes", len(task.Args.Name))
			}
			close(done)
			return nil
		})
		b.enqueue(want)
		for _, object := range s.objects {
			if len(object) > large/100 {
				t.Errorf("the object has %d bytes", len(object))
			}
		}
		stop := b.start(runtime.WorkerOptions{})
		<-done
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// fate runs a worker until a task is done or dead, and says what happened.
func fate(t *testing.T, b *bench, o runtime.WorkerOptions, within time.Duration) (s runtime.Settled) {
	t.Helper()
	ends := make(chan runtime.Settled, 1)
	o.OnSettled = func(s runtime.Settled) {
		if v := s.Decision.Settlement.Verdict; s.Decision.Action == runtime.Settle && (v == driver.Ack || v == driver.Bury) {
			ends <- s
		}
	}
	stop := b.start(o)
	select {
	case s = <-ends:
	case <-time.After(within):
		t.Errorf("nothing ended within %v; the log is\n%s", within, b.log)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	return s
}

// replaced is a bench with one task, whose message has a body that was changed.
func replaced(t *testing.T, p *runtime.Payloads, body string) *bench {
	t.Helper()
	b := payloadBench(t, nil, p)
	b.handle(func(context.Context, *runtime.Task[job]) error {
		t.Error("the handler runs")
		return nil
	})
	if err := b.queue.Send(t.Context(), []driver.Message{{Body: []byte(body)}})[0].Err; err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBadInputIsBuriedWithoutARun(t *testing.T) {
	compressed := zstd.New().Compress(make([]byte, 100<<20))
	bomb, err := json.Marshal(compressed)
	if err != nil {
		t.Fatal(err)
	}
	const event = `{"specversion":"1.0","id":"1","source":"s","type":"job",`
	for name, c := range map[string]struct {
		body, reason string
		detail       string
		gets         int
	}{
		"object gone":        {event + `"dataref":"shelf://here/gone"}`, driver.ReasonMissingObject, "gone", 1},
		"forged":             {event + `"dataref":"file:///etc/passwd"}`, driver.ReasonUndecodable, "not of this store", 1},
		"a long reference":   {event + `"dataref":"shelf://here/` + strings.Repeat("x", 2000) + `"}`, driver.ReasonUndecodable, "more than 1024", 0},
		"a large object":     {event + `"dataref":"shelf://here/large"}`, driver.ReasonUndecodable, "", 1},
		"a bomb":             {event + `"datacontenttype":"application/zstd","decodedcontenttype":"application/json","data_base64":` + string(bomb) + `}`, driver.ReasonUndecodable, "Payloads.MaxSize", 0},
		"a bomb in a store":  {event + `"datacontenttype":"application/zstd","decodedcontenttype":"application/json","dataref":"shelf://here/bomb"}`, driver.ReasonUndecodable, "Payloads.MaxSize", 1},
		"garbled":            {event + `"datacontenttype":"application/zstd","decodedcontenttype":"application/json","data_base64":"aHVudGVyMg=="}`, driver.ReasonUndecodable, "decompress", 0},
		"compressed nothing": {event + `"datacontenttype":"application/zstd","decodedcontenttype":"application/json"}`, driver.ReasonUndecodable, "", 0},
		"expired":            {event + `"expirytime":"1999-01-01T00:00:00Z","dataref":"shelf://here/gone"}`, driver.ReasonExpired, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShelf()
				s.objects["shelf://here/large"] = make([]byte, 2<<20)
				s.objects["shelf://here/bomb"] = compressed
				b := replaced(t, &runtime.Payloads{Store: s, MaxSize: 1 << 20, Compression: zstd.New()}, c.body)
				end := fate(t, b, runtime.WorkerOptions{}, time.Hour).Decision.Settlement
				if _, gets := s.counts(); end.Reason != c.reason || !strings.Contains(end.Detail, c.detail) || gets != c.gets {
					t.Errorf("buried as %q (%s) after %d reads", end.Reason, end.Detail, gets)
				}
				if strings.Contains(end.Detail+b.log.String(), "passwd") {
					t.Error("the reference is told")
				}
			})
		})
	}
}

// A worker that lacks what the payload needs leaves it for one that has it, for some
// time.
func TestAWorkerThatCannotUnpackPutsTheTaskOff(t *testing.T) {
	const event = `{"specversion":"1.0","id":"1","source":"s","type":"job",`
	const squeezed = `"datacontenttype":"application/zstd","decodedcontenttype":"application/json",`
	for name, c := range map[string]struct {
		payloads     *runtime.Payloads
		body, detail string
	}{
		"no payloads":            {nil, event + `"dataref":"shelf://here/x"}`, "MuxOptions.Payloads"},
		"no store":               {&runtime.Payloads{Compression: zstd.New()}, event + `"dataref":"shelf://here/x"}`, "MuxOptions.Payloads"},
		"no compression":         {&runtime.Payloads{Store: newShelf()}, event + squeezed + `"data_base64":"aHVudGVyMg=="}`, "Payloads.Compression"},
		"no compression, stored": {&runtime.Payloads{Store: newShelf()}, event + squeezed + `"dataref":"shelf://here/x"}`, "Payloads.Compression"},
		"another compression":    {&runtime.Payloads{Compression: zstd.New()}, event + `"datacontenttype":"application/br","decodedcontenttype":"text/plain","data_base64":"aHVudGVyMg=="}`, "application/br"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				b := replaced(t, c.payloads, c.body)
				end := fate(t, b, runtime.WorkerOptions{}, time.Hour)
				s := end.Decision.Settlement
				if s.Reason != driver.ReasonUndecodable || !strings.Contains(s.Detail, c.detail) || end.Decision.Task.Attempt != 3 {
					t.Errorf("buried as %q (%s)", s.Reason, s.Detail)
				}
				if took := time.Since(begun); took < 2*time.Minute {
					t.Errorf("buried after %v; want at least two minutes", took)
				}
			})
		})
	}
}

// An event with data needs no store, whatever it refers to beside.
func TestDataIsPreferredToAReference(t *testing.T) {
	m := &driver.Message{Body: []byte(`{"specversion":"1.0","id":"1","source":"s","type":"job","dataref":"https://example.com/x","data":{"name":"a"}}`)}
	data, _, err := (*runtime.Payloads)(nil).Read(t.Context(), m)
	if err != nil || string(data) != `{"name":"a"}` {
		t.Errorf("%s, %v", data, err)
	}
	for body, code := range map[string]driver.Code{
		"x": driver.InvalidArgument,
		`{"specversion":"1.0","id":"1","source":"s","type":"job","dataref":"https://example.com/x"}`: driver.Unsupported,
		`{"specversion":"1.0","id":"1"`: driver.InvalidArgument,
	} {
		if _, _, err := (*runtime.Payloads)(nil).Read(t.Context(), &driver.Message{Body: []byte(body)}); !driver.Is(err, code) {
			t.Errorf("%s: %v; want %v", body, err, code)
		}
	}
}

// A store that is down for hours buries nothing, and costs no attempt.
func TestAStoreThatIsDownBuriesNothing(t *testing.T) {
	for name, code := range map[string]driver.Code{"down": driver.Unavailable, "denied": driver.PermissionDenied, "odd": driver.Unknown, "throttled": driver.Throttled} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShelf()
				up := time.Now().Add(12 * time.Hour)
				s.getErr = func(int) error {
					if time.Now().Before(up) {
						return driver.Errorf(code, "shelf: get", "no")
					}
					return nil
				}
				p := &runtime.Payloads{Store: s}
				b := payloadBench(t, p, p)
				b.handle(func(_ context.Context, task *runtime.Task[job]) error {
					if task.Attempt != 1 {
						t.Errorf("it is attempt %d", task.Attempt)
					}
					return nil
				})
				b.enqueue(strings.Repeat("x", large))
				end := fate(t, b, runtime.WorkerOptions{}, 13*time.Hour)
				if end.Decision.Err != nil || end.Decision.Settlement.Verdict != driver.Ack {
					t.Errorf("it ended with %v (%s)", end.Decision.Err, end.Decision.Settlement.Reason)
				}
				if puts, gets := s.counts(); puts != 1 || gets < 100 || gets > 1000 {
					t.Errorf("%d objects and %d reads in 12 hours", puts, gets)
				}
			})
		})
	}
}

// A store that is down for good has bounds.
func TestAStoreThatIsDownForGoodEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.getErr = func(int) error { return driver.Errorf(driver.Unavailable, "shelf: get", "no") }
		p := &runtime.Payloads{Store: s}
		b := payloadBench(t, p, p)
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		b.enqueue(strings.Repeat("x", large))
		begun := time.Now()
		end := fate(t, b, runtime.WorkerOptions{Logger: slog.New(slog.DiscardHandler)}, 5*24*time.Hour).Decision.Settlement
		if end.Reason != driver.ReasonMissingObject || !strings.Contains(end.Detail, "1000 times") || time.Since(begun) < 24*time.Hour {
			t.Errorf("buried as %q (%s) after %v", end.Reason, end.Detail, time.Since(begun))
		}
	})
}

// The lease is kept while a payload is fetched, however slowly it comes; when it is lost
// or the worker drains, the fetch ends with it.
func TestAFetchKeepsTheLeaseAndEndsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowShelf{shelf: newShelf(), takes: 10 * time.Minute, began: make(chan struct{}, 9)}
		p := &runtime.Payloads{Store: slow, Timeout: time.Hour}
		b := payloadBench(t, p, p)
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			if task.Attempt != 1 {
				t.Errorf("it is attempt %d", task.Attempt)
			}
			return nil
		}, runtime.Timeout(time.Second))
		b.enqueue(strings.Repeat("x", large))
		if end := fate(t, b, runtime.WorkerOptions{}, time.Hour); end.Decision.Err != nil || end.Decision.Settlement.Verdict != driver.Ack {
			t.Errorf("it ended with %v", end.Decision.Err)
		}
		<-slow.began

		b.enqueue(strings.Repeat("x", large))
		stop := b.start(runtime.WorkerOptions{Grace: 30 * time.Second})
		<-slow.began
		begun := time.Now()
		if err := stop(); err != nil || time.Since(begun) > 30*time.Second {
			t.Errorf("a drain while a payload is fetched: %v after %v", err, time.Since(begun))
		}
		if stats, err := b.queue.Stats(t.Context()); err != nil || stats.Ready != 1 {
			t.Errorf("the task was not given back: %+v, %v", stats, err)
		}
	})
}

type slowShelf struct {
	*shelf
	takes time.Duration
	began chan struct{}
}

func (s *slowShelf) Get(ctx context.Context, ref string, limit int) ([]byte, error) {
	s.began <- struct{}{}
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return nil, driver.ContextError(ctx, "shelf: get")
	}
	return s.shelf.Get(ctx, ref, limit)
}

func TestAWorkerAsksTheStoreAtItsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.checkErr = driver.Errorf(driver.NotFound, "shelf: check", "there is no such bucket")
		b := payloadBench(t, nil, &runtime.Payloads{Store: s})
		b.handle(func(context.Context, *runtime.Task[job]) error { return nil })
		w, err := runtime.NewWorker(b.queues, b.mux, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Check(t.Context()); !driver.Is(err, driver.NotFound) {
			t.Errorf("check: %v", err)
		}
		if err := w.Run(t.Context()); !driver.Is(err, driver.NotFound) || !strings.Contains(err.Error(), "store of payloads") {
			t.Errorf("run: %v", err)
		}
	})
}

func TestPayloadsThatAreWrongAreRefused(t *testing.T) {
	b := newBench(t, nil, runtime.RetryPolicy{}, nil)
	for want, p := range map[string]*runtime.Payloads{
		"threshold -1":        {Threshold: -1},
		"threshold 107374182": {Threshold: 1<<30 + 1},
		"max size -1":         {MaxSize: -1},
		"timeout -1s":         {Timeout: -time.Second},
		"no content type":     {Compression: nameless{}},
	} {
		_, err := runtime.NewClient(b.queues, &runtime.ClientOptions{Payloads: p})
		if !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), want) {
			t.Errorf("client: %v; want %q", err, want)
		}
		mux := runtime.NewMux(&runtime.MuxOptions{Payloads: p})
		runtime.Handle(mux, func(context.Context, *runtime.Task[job]) error { return nil })
		if err := mux.Err(); !driver.Is(err, driver.InvalidArgument) || !strings.Contains(err.Error(), want) {
			t.Errorf("mux: %v; want %q", err, want)
		}
	}
}

type nameless struct{ runtime.Compression }

func (nameless) ContentType() string { return "" }

// What dies of a large payload is redriven with the same object.
func TestARedriveSharesTheObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		p := &runtime.Payloads{Store: s}
		b := payloadBench(t, p, p)
		b.handle(func(_ context.Context, task *runtime.Task[job]) error {
			if task.Redrives == 0 {
				return runtime.Permanent(errors.New("no"))
			}
			return nil
		})
		id := b.enqueue(strings.Repeat("x", large))
		fate(t, b, runtime.WorkerOptions{}, time.Hour)
		seen := 0
		report, err := runtime.Redrive(t.Context(), b.queues, "jobs", &runtime.RedriveOptions{Match: func(d runtime.DeadTask) bool {
			seen++
			if data, _, err := p.Read(t.Context(), &d.Message); err != nil || len(data) < large || d.ID != id || !strings.HasPrefix(d.DataRef, "shelf://here/"+string(id)) {
				t.Errorf("dead task %+v has %d bytes (%v)", d.ID, len(data), err)
			}
			return true
		}})
		if err != nil || report.Moved != 1 || seen != 1 {
			t.Errorf("%+v, %v", report, err)
		}
		if end := fate(t, b, runtime.WorkerOptions{}, time.Hour); end.Decision.Settlement.Verdict != driver.Ack {
			t.Errorf("it ended with %v", end.Decision.Err)
		}
		if puts, gets := s.counts(); puts != 1 || gets != 3 { // one is of Read
			t.Errorf("%d objects and %d reads", puts, gets)
		}
	})
}
