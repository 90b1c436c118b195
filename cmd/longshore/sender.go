package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/longshore-dev/longshore/driver"
	"github.com/longshore-dev/longshore/drivers/mem"
	"github.com/longshore-dev/longshore/runtime"
)

const (
	// maxSendLines and maxSendBytes bound what is enqueued at once.
	maxSendLines = 500
	maxSendBytes = 1 << 20
	// sendLinger is how long lines that were read wait for more.
	sendLinger = 20 * time.Millisecond
	// maxRefused is after how many lines, if all were refused, the rest will be.
	maxRefused = 1000
)

// sender sends what it reads as tasks.
type sender struct {
	options *sendOptions
	std     streams
	screen  *screen
	input   io.ReadCloser // nil when the data is an argument
	failed  *failedFile   // nil without --lines

	telemetry *telemetry // of nobody until the queue is open
	enqueue   []runtime.EnqueueOption
	queues    *runtime.Queues
	client    *runtime.Client
	store     io.Closer // of large payloads
	limit     int       // on the data of a task, in bytes

	sum      sendSum
	begun    time.Time
	lastLine int // number of the last line that was taken
	readAll  bool
	unusable bool // the queue said of a line that it was not sent, and why none can be
	told     int
	first    atomic.Int64 // number of the first line under way; 0 for none
}

// sendSum is what --json prints. Its fields are stable.
type sendSum struct {
	Read      int            `json:"read"` // tasks: sent, refused and failed together
	Sent      int            `json:"sent"`
	Refused   int            `json:"refused"`
	Failed    int            `json:"failed"`
	ElapsedMS int64          `json:"elapsed_ms"`
	ID        runtime.TaskID `json:"id,omitempty"`
}

// outgoingTask is a task whose data is encoded.
type outgoingTask struct {
	kind string
	data []byte
}

func (t outgoingTask) Kind() string { return t.kind }

// verbatim is the codec of outgoingTask.
type verbatim struct{ contentType string }

func (v verbatim) ContentType() string { return v.contentType }

func (verbatim) Marshal(task any) ([]byte, error) { return task.(outgoingTask).data, nil }

func (verbatim) Unmarshal([]byte, any) error { return errors.New("it only sends") }

// newSender checks all that needs no answer of the queue.
func newSender(ctx context.Context, o *sendOptions, std streams) (*sender, error) {
	s := &sender{options: o, std: std, screen: newScreen(std.err), telemetry: newTelemetry(), begun: time.Now()}
	var err error
	if s.enqueue, err = o.enqueueOptions(); err != nil {
		return nil, err
	}
	if s.input, err = o.open(std.in); err != nil {
		return nil, err
	}
	if s.queues, err = o.openOne(ctx, byURL, o.kind, "longshore send"); err != nil {
		return nil, err
	}
	var payloads *runtime.Payloads
	if payloads, s.store, err = o.openPayloads(ctx); err == nil {
		s.limit = dataLimit(s.queues.All()[0], payloads)
		err = s.observe(ctx)
	}
	if q := s.queues.All()[0]; err == nil && !std.shared && isInMemory(q.Driver) {
		err = usagef("use longshore run, or a queue that stays", "queue %q is in memory: it and its tasks end with this program", q.Name)
	}
	if err == nil {
		s.client, err = runtime.NewClient(s.queues, &runtime.ClientOptions{Codec: verbatim{o.contentType}, Payloads: payloads, Telemetry: s.telemetry.runtime})
	}
	if err == nil && o.lines {
		s.failed, err = newFailedFile(o.failed, func(record string) { s.screen.printf("%s", record) })
	}
	if err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

// isInMemory says whether a queue is in the memory of this process.
func isInMemory(q driver.Queue) bool {
	var memory *mem.Queue
	return q.As(&memory)
}

// observe begins to tell what the environment asks for.
func (s *sender) observe(ctx context.Context) error {
	t, err := openTelemetry(ctx, false, "", s.screen, slog.New(slog.NewTextHandler(s.screen, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err == nil {
		s.telemetry = t
	}
	return err
}

// open opens what the data is read from; nil when it is an argument.
func (o *sendOptions) open(stdin io.Reader) (io.ReadCloser, error) {
	switch {
	case o.given:
		return nil, nil
	case o.file != "" && o.file != "-":
		f, err := os.Open(o.file)
		if err != nil {
			return nil, usagef("name a file that can be read", "--file: %w", err)
		}
		return f, nil
	case isTerminal(stdin):
		return nil, usagef("give DATA, or pipe it into standard input", "standard input is a terminal")
	}
	return io.NopCloser(stdin), nil
}

func (s *sender) close(ctx context.Context) {
	if s.input != nil {
		_ = s.input.Close()
	}
	s.telemetry.close(nil)
	_ = s.queues.Close(ctx)
	_ = s.store.Close()
}

// sendOne sends all of the data as one task.
func (s *sender) sendOne(ctx context.Context) (int, error) {
	data := []byte(s.options.data)
	if s.input != nil {
		var err error
		if data, err = io.ReadAll(io.LimitReader(s.input, int64(s.limit)+1)); err != nil {
			return exitUsage, usagef("", "reading the data failed: %w", err)
		}
	}
	switch {
	case len(data) == 0:
		return exitUsage, usagef("use {} for a task without arguments", "there is no data")
	case len(data) > s.limit:
		return exitUsage, usagef("name a store for large data with --payloads, or send a reference", "the data has more than the %d bytes that the queue takes", s.limit)
	}
	id, err := runtime.EnqueueRaw(ctx, s.client,
		runtime.Raw{Kind: s.options.kind, Data: data, ContentType: s.options.contentType}, s.enqueue...)
	if err != nil && wasNotSent(err) {
		return exitUsage, &usageError{err, s.hint(err, data)}
	}
	s.sum.ID, s.sum.Read = id, 1
	if err != nil {
		s.sum.Failed = 1
		s.screen.printf("it may have been sent or not: %v", err)
		s.screen.printf("to send it again as the same task, give --id %s", id)
	} else {
		s.sum.Sent = 1
	}
	return s.report(), nil
}

// wasNotSent reports whether an error says so.
func wasNotSent(err error) bool {
	switch driver.CodeOf(err) {
	case driver.NotFound, driver.PermissionDenied, driver.Throttled:
		return true
	}
	return isRefusal(err)
}

// isRefusal reports whether the queue will never take this task.
func isRefusal(err error) bool {
	switch driver.CodeOf(err) {
	case driver.InvalidArgument, driver.TooLarge, driver.Unsupported:
		return true
	}
	return false
}

// hint is what to do about data that is refused.
func (s *sender) hint(err error, data []byte) string {
	if isRefusal(err) && s.options.contentType == runtime.JSON.ContentType() && !json.Valid(data) {
		return "give JSON, or say what it is, for example --content-type text/plain"
	}
	return ""
}

// sendLines sends each line as a task, until the end of the input or of ctx.
func (s *sender) sendLines(ctx context.Context) (int, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	lines, why := newLineReader(s.input, s.limit).read(reading)
	for {
		batch, end := gather(ctx, lines, why)
		if err := s.sendBatch(ctx, batch); err != nil {
			s.screen.printf("no more is read: %v", err)
			break
		}
		if end == nil {
			continue
		}
		switch {
		case errors.Is(end, io.EOF):
			s.readAll = true
		case ctx.Err() == nil:
			s.screen.printf("reading the input failed after line %d: %v", s.lastLine, end)
		}
		break
	}
	return s.report(), nil
}

// gather takes lines until there are enough, no more comes for a while, or there
// is an end, which it answers: that of ctx, or why there are no more lines.
func gather(ctx context.Context, lines <-chan line, why func() error) (batch []line, end error) {
	var linger <-chan time.Time
	size := 0
	for len(batch) < maxSendLines && size < maxSendBytes {
		select {
		case l, ok := <-lines:
			if !ok {
				return batch, why()
			}
			batch = append(batch, l)
			size += len(l.data)
			if linger == nil {
				linger = time.After(sendLinger)
			}
		case <-linger:
			return batch, nil
		case <-ctx.Done():
			return batch, ctx.Err()
		}
	}
	return batch, nil
}

// sendBatch sends lines, also when ctx has ended. The error is why no more are to
// be read.
func (s *sender) sendBatch(ctx context.Context, batch []line) error {
	if len(batch) == 0 {
		return nil
	}
	s.first.Store(int64(batch[0].number))
	defer s.first.Store(0)
	var tasks []outgoingTask
	var numbers []int // in batch, of each task
	for i := range batch {
		l := &batch[i]
		s.lastLine = l.number
		s.sum.Read++
		if l.cut() {
			s.refuse(l, "", fmt.Errorf("it has %d bytes, and the queue takes at most %d", l.size, s.limit))
			continue
		}
		tasks, numbers = append(tasks, outgoingTask{s.options.kind, l.data}), append(numbers, i)
	}
	var unsent error
	for i, r := range runtime.EnqueueMany(context.WithoutCancel(ctx), s.client, tasks, s.enqueue...) {
		l := &batch[numbers[i]]
		switch {
		case r.Err == nil:
			s.sum.Sent++
		case isRefusal(r.Err):
			s.refuse(l, r.ID, r.Err)
		default:
			s.sum.Failed++
			s.write(l, r.ID, reasonNotEnqueued, r.Err)
			s.unusable = s.unusable || wasNotSent(r.Err)
			if unsent == nil {
				unsent = fmt.Errorf("line %d was not sent: %w", l.number, r.Err)
			}
		}
	}
	if unsent == nil && s.sum.Sent == 0 && s.sum.Refused >= maxRefused {
		unsent = fmt.Errorf("all of the first %s are refused", count(s.sum.Refused, "line"))
	}
	return unsent
}

func (s *sender) refuse(l *line, id runtime.TaskID, why error) {
	s.sum.Refused++
	s.write(l, id, reasonRefused, why)
	if s.told++; s.told <= maxTold {
		s.screen.printf("line %d is refused: %s", l.number, brief(why.Error()))
	}
}

func (s *sender) write(l *line, id runtime.TaskID, reason string, why error) {
	f := &failure{Line: l.number, ID: id, Truncated: l.cut(), Reason: reason, Error: why.Error()}
	f.setPayload(l.data)
	s.failed.write(f)
}

// sayAborted says what a second signal left open.
func (s *sender) sayAborted() {
	if n := s.first.Load(); n > 0 {
		s.screen.printf("lines from %d on may have been sent or not", n)
	}
}

// report prints what was sent and answers the exit code.
func (s *sender) report() int {
	code := exitOK
	if s.sum.Sent < s.sum.Read || s.options.lines && !s.readAll {
		code = exitFailed
	}
	if s.sum.Sent == 0 && s.unusable {
		code = exitUsage
	}
	s.sum.ElapsedMS = time.Since(s.begun).Milliseconds()
	var err error
	switch {
	case s.options.json:
		err = writeJSON(s.std.out, s.sum)
	case !s.options.lines && s.sum.Sent == 1:
		_, err = fmt.Fprintln(s.std.out, s.sum.ID)
	}
	if err != nil {
		s.screen.printf("the output could not be written: %v", err)
		code = exitFailed
	}
	if !s.options.lines {
		return code
	}
	if more := s.told - maxTold; more > 0 {
		s.screen.printf("… and %s", count(more, "more refused line"))
	}
	if !s.readAll {
		s.screen.printf("the input was read up to line %d", s.lastLine)
	}
	if !s.options.json {
		s.screen.printf("%s: %s sent, %s refused, %s failed in %v", count(s.sum.Read, "line"),
			commas(s.sum.Sent), commas(s.sum.Refused), commas(s.sum.Failed), rounded(time.Since(s.begun)))
	}
	path, written, err := s.failed.close()
	if written > 0 {
		s.screen.printf("not sent: %s in %s", count(written, "line"), path)
	}
	if err != nil {
		s.screen.printf("writing %s failed, so the lines not in it stand above: %v", path, err)
		code = exitFailed
	}
	return code
}

var (
	_ runtime.Args  = outgoingTask{}
	_ runtime.Codec = verbatim{}
)
