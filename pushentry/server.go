package pushentry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	slashpath "path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// headerTime is how long the header of a request may take to arrive.
	headerTime = 10 * time.Second
	// idleTime is how long a connection is kept without a request: longer than the 10
	// minutes for which Google's front ends keep theirs.
	idleTime = 620 * time.Second
	// maxHeader is the most bytes in the header of a request.
	maxHeader = 64 << 10
	// checkWait and maxCheckWait are between two start-up checks.
	checkWait, maxCheckWait = 500 * time.Millisecond, 10 * time.Second
	// grantTime is for how long grants and subscriptions may be late that are made
	// together with the server.
	grantTime = time.Minute
)

// Run serves pushes until ctx ends, then drains: it listens no more, waits for tasks
// that run up to Options.Grace, and returns nil. It listens on the port in PORT, by
// default 8080, of all addresses, in HTTP/1.1 and in HTTP/2 without TLS, as Cloud Run
// has it:
//
//	POST /             a push; see Options.Path
//	GET  /healthz      200 while the server runs
//	GET  /readyz       200 once the start-up check has passed; 503 before, and while it drains
//
// Until the start-up check has passed pushes are answered 503. Run returns an error
// when the check refuses a queue (InvalidArgument, or what reading its policy answered),
// when it cannot listen, and when handlers were still running at the end of the
// grace. It does not close the queues.
//
// The check is made again, with backoff, until ctx ends where the broker does not
// answer. Where the subscription does not exist or this program may not read it
// (NotFound, PermissionDenied), and where nothing says of one that may not be read
// whether it has a retry policy, it is made again for a minute, up to 10 s more: both
// may be made right after the server.
//
// For a server that drains on SIGTERM pass a context of signal.NotifyContext. The
// handlers' contexts keep ctx's values and not its end.
func Run(ctx context.Context, mux *runtime.Mux, queues *runtime.Queues, opts *Options) error {
	s := new(server)
	var err error
	if s.handler, err = New(mux, queues, opts); err == nil {
		err = s.checkPath()
	}
	if err != nil {
		if opts != nil && opts.Listener != nil {
			_ = opts.Listener.Close() // err says more
		}
		return err
	}
	l, err := listen(ctx, s.handler.options.Listener)
	if err != nil {
		return err
	}
	return s.run(ctx, l)
}

// server is a Handler on a listener.
type server struct {
	handler *Handler
	ready   atomic.Bool
}

// checkPath refuses a path on which pushes could not be told from probes, or that no
// request has: http.ServeMux takes some for patterns, cleans others away, or panics.
func (s *server) checkPath() error {
	const op = "pushentry: run"
	path := s.handler.options.Path
	if path != "/" {
		if strings.HasSuffix(path, "/") || path == "/healthz" || path == "/readyz" {
			return driver.Errorf(driver.InvalidArgument, op, "path %q is a probe's or ends in /; use another", path)
		}
		if slashpath.Clean(path) != path || strings.ContainsAny(path, "{}%?# \t") {
			return driver.Errorf(driver.InvalidArgument, op, "path %q is none that a request has as it is; use one like /push, to which /{queue} is added", path)
		}
		return nil
	}
	for _, q := range s.handler.routes {
		if name := q.queue.Name; name == "healthz" || name == "readyz" {
			return driver.Errorf(driver.InvalidArgument, op, "queue %q has the path of a probe; set Options.Path", name)
		}
	}
	return nil
}

// listen listens where Cloud Run sends its requests, unless there is a listener.
func listen(ctx context.Context, l net.Listener) (net.Listener, error) {
	const op = "pushentry: listen"
	if l != nil {
		return l, nil
	}
	port := "8080"
	if text := os.Getenv("PORT"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 65535 {
			return nil, driver.Errorf(driver.InvalidArgument, op, "PORT %q is no port; set it to 1 to 65535, or not at all for 8080", text)
		}
		port = strconv.Itoa(n)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("0.0.0.0", port))
	if err != nil {
		return nil, driver.Errorf(driver.Unavailable, op, "%w", err)
	}
	return l, nil
}

func (s *server) run(ctx context.Context, l net.Listener) error {
	h := s.handler
	web := &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: headerTime, ReadTimeout: headerTime + h.options.BodyTimeout,
		IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		Protocols:   new(http.Protocols),
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:    slog.NewLogLogger(h.options.Logger.Handler(), slog.LevelDebug),
	}
	web.Protocols.SetHTTP1(true)
	web.Protocols.SetUnencryptedHTTP2(true)
	running, broken := context.WithCancelCause(ctx)
	defer broken(nil)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			broken(driver.Errorf(driver.Unavailable, "pushentry: serve", "%w", err))
		}
	})
	err := s.start(running)
	if running.Err() != nil {
		err = nil
	}
	if err == nil {
		s.ready.Store(true)
		h.options.Logger.Info("pushes are taken", "address", l.Addr().String())
		<-running.Done()
	}
	if ctx.Err() == nil && err == nil {
		err = context.Cause(running)
	}
	return errors.Join(err, s.end(ctx, web, &serving))
}

// start makes the start-up check until it passes, refuses or ctx ends; what it answers
// after that says nothing.
func (s *server) start(ctx context.Context) error {
	patience := time.Now().Add(grantTime)
	for wait := checkWait; ; wait = min(2*wait, maxCheckWait) {
		problems := s.handler.examine(ctx)
		err := together(problems)
		least := hopeLong
		for _, p := range problems {
			least = min(least, p.hope)
		}
		if err == nil || least == hopeNone || least == hopeBrief && !time.Now().Before(patience) {
			return err
		}
		s.handler.options.Logger.Warn("the start-up check has not passed; trying again", "in", wait, "error", err)
		if !sleep(ctx, wait) {
			return err
		}
	}
}

// end drains the handler and the server, and waits for all of it.
func (s *server) end(ctx context.Context, web *http.Server, serving *sync.WaitGroup) error {
	s.ready.Store(false)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.handler.options.Grace)
	defer cancel()
	serving.Go(func() {
		if web.Shutdown(ctx) != nil { // some connections have not ended
			_ = web.Close() // nothing is left to be lost
		}
	})
	err := s.handler.Drain(ctx)
	serving.Wait()
	return err
}

// routes are the paths of a server.
func (s *server) routes() http.Handler {
	pushes := http.Handler(s.handler)
	path := s.handler.options.Path
	mux := http.NewServeMux()
	if path != "/" {
		pushes = http.StripPrefix(path, pushes)
		mux.Handle(path, s.whenReady(pushes))
		path += "/"
	}
	mux.Handle(path, s.whenReady(pushes))
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) { probe(w, r, true) })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, r *http.Request) { probe(w, r, s.ready.Load()) })
	return mux
}

// whenReady answers 503 before the start-up check has passed.
func (s *server) whenReady(pushes http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.ready.Load() && !s.handler.runs.closed() {
			a := answer{status: http.StatusServiceUnavailable, text: "the server is not ready yet"}
			s.handler.stats.requests.Add(1)
			s.handler.stats.refuse(a.status)
			a.write(w)
			return
		}
		pushes.ServeHTTP(w, r)
	})
}

func probe(w http.ResponseWriter, r *http.Request, ok bool) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "probes are GET", http.StatusMethodNotAllowed)
		return
	}
	if !ok {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}
