package runtime

import (
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/longshore-dev/longshore/driver"
)

// The names of attributes: those of the semantic conventions for messaging, and ours.
const (
	keySystem       = attribute.Key("messaging.system")
	keyDestination  = attribute.Key("messaging.destination.name")
	keyOperation    = attribute.Key("messaging.operation.name")
	keyOperationIs  = attribute.Key("messaging.operation.type")
	keyMessageID    = attribute.Key("messaging.message.id")
	keyMessageCount = attribute.Key("messaging.batch.message_count")
	keyErrorType    = attribute.Key("error.type")
	keyTaskKind     = attribute.Key("longshore.task.kind")
	keyTaskID       = attribute.Key("longshore.task.id")
	keyTaskAttempt  = attribute.Key("longshore.task.attempt")
	keyOutcome      = attribute.Key("longshore.outcome")
	keyReason       = attribute.Key("longshore.reason")
	keyVerdict      = attribute.Key("longshore.verdict")
	keyState        = attribute.Key("longshore.state")
	keyClock        = attribute.Key("longshore.clock")
)

const (
	// unknownKind stands for kinds that nobody handles, and for messages that are no
	// tasks: whoever sends chooses their names.
	unknownKind = "unknown"
	// otherKind stands for further kinds of a queue with many.
	otherKind = "_OTHER"
	// maxKinds is how many kinds of a queue are told apart, beside those that have a
	// handler of their own.
	maxKinds = 100
)

// counter is a counter that is read when metrics are collected.
type counter = atomic.Int64

// queueSignals is what telemetry counts of one queue and has at hand for it. It is
// safe for concurrent use.
type queueSignals struct {
	telemetry *Telemetry
	key       queueKey
	send      operation
	receive   operation
	process   operation
	settle    operation

	worked atomic.Bool // somebody here gets its messages
	leased atomic.Bool // a Worker does

	received       counter
	running        counter
	held           counter
	extended       counter
	extendFailures [errorCodes]counter
	lost           counter
	forks          counter
	settleFailures [verdicts]counter
	skewed         [clocks]counter
	depth          depths
	observed       queueOptions

	kinds growing[string, *kindSignals]
}

const (
	errorCodes = int(driver.DeadlineExceeded) + 1
	verdicts   = int(driver.Redrive) + 1
)

// operation is what the spans of one kind have in common.
type operation struct {
	span       string
	start      []trace.SpanStartOption
	attributes []attribute.KeyValue
}

func newOperation(key queueKey, name string, kind trace.SpanKind) operation {
	return operation{
		span: name + " " + key.name, start: []trace.SpanStartOption{trace.WithSpanKind(kind)},
		attributes: append(key.attributes(), keyOperation.String(name), keyOperationIs.String(name)),
	}
}

func (k queueKey) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{keySystem.String(string(k.system)), keyDestination.String(k.name)}
}

func newQueueSignals(t *Telemetry, key queueKey) *queueSignals {
	s := &queueSignals{
		telemetry: t, key: key,
		send:    newOperation(key, "send", trace.SpanKindProducer),
		receive: newOperation(key, "receive", trace.SpanKindClient),
		process: newOperation(key, "process", trace.SpanKindConsumer),
		settle:  newOperation(key, "settle", trace.SpanKindClient),
	}
	s.observed = newQueueOptions(key)
	return s
}

// kind is what is counted of the tasks of a kind. One that is not known by its
// handler stands for others when there are many, or when no Client would send it.
func (s *queueSignals) kind(name string, known bool) *kindSignals {
	limit := maxKinds
	switch {
	case known:
		limit = 0
	case len(name) > maxKind:
		name = otherKind
	}
	return s.kinds.of(name, limit, otherKind, func(name string) *kindSignals { return newKindSignals(s, name) })
}

// kindSignals is what telemetry counts of the tasks of one kind on one queue. It is
// safe for concurrent use.
type kindSignals struct {
	queue *queueSignals
	name  string

	sent         counter
	sendFailures [errorCodes]counter
	outcomes     [outcomes]counter
	ended        endings
	observed     kindOptions

	record    []metric.RecordOption // of wait; an attribute costs 30 ns a record
	processed []metric.RecordOption // of an attempt that did not fail

	mu       sync.Mutex
	failures map[string][]metric.RecordOption // guarded by mu; of attempts that failed, by the type of the error
	deaths   map[string]*death                // guarded by mu; by reason
}

type death struct {
	count   int64
	observe []metric.ObserveOption
}

func newKindSignals(s *queueSignals, name string) *kindSignals {
	k := &kindSignals{
		queue: s, name: name, observed: newKindOptions(s.key, name),
		failures: make(map[string][]metric.RecordOption), deaths: make(map[string]*death),
	}
	if s.telemetry.meters != nil {
		k.record = []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(keyDestination.String(s.key.name), keyTaskKind.String(name)))}
		k.processed = []metric.RecordOption{metric.WithAttributeSet(k.set())}
	}
	return k
}

// set is the attributes of a metric of the kind.
func (k *kindSignals) set(more ...attribute.KeyValue) attribute.Set {
	return attribute.NewSet(append(append(k.queue.key.attributes(), keyTaskKind.String(k.name)), more...)...)
}

// failed are the options of a record of an attempt that failed.
func (k *kindSignals) failed(errorType string) []metric.RecordOption {
	k.mu.Lock()
	defer k.mu.Unlock()
	o := k.failures[errorType]
	if o == nil {
		o = []metric.RecordOption{metric.WithAttributeSet(k.set(keyErrorType.String(errorType)))}
		k.failures[errorType] = o
	}
	return o
}

// died counts a death. The reason is one of the runtime's own.
func (k *kindSignals) died(reason string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d := k.deaths[reason]
	if d == nil {
		d = &death{observe: []metric.ObserveOption{metric.WithAttributeSet(k.set(keyOutcome.String(outcomeDead.name()), keyReason.String(reason)))}}
		k.deaths[reason] = d
	}
	d.count++
}

// sentOne counts a message that was sent, or was not for the reason of err.
func (k *kindSignals) sentOne(err error) {
	if err == nil {
		k.sent.Add(1)
	} else {
		k.sendFailures[codeIndex(err)].Add(1)
	}
}

func codeIndex(err error) int {
	if c := int(driver.CodeOf(err)); c < errorCodes {
		return c
	}
	return int(driver.Unknown)
}

// extendedSome counts the results of an Extend.
func (s *queueSignals) extendedSome(results []driver.ExtendResult) {
	if s == nil {
		return
	}
	done := int64(0)
	for i := range results {
		if err := results[i].Err; err != nil {
			s.extendFailures[codeIndex(err)].Add(1)
		} else {
			done++
		}
	}
	s.extended.Add(done)
}
