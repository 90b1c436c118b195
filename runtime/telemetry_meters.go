package runtime

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/longshore-dev/longshore/driver"
)

// meters are the instruments. What is counted with each task is an atomic of ours,
// which a callback reads when metrics are collected; what has a distribution is
// recorded with each task.
type meters struct {
	duration, wait metric.Float64Histogram

	sent, received        metric.Int64ObservableCounter
	outcomes, ended       metric.Int64ObservableCounter
	running, held         metric.Int64ObservableUpDownCounter
	extensions, lost      metric.Int64ObservableCounter
	settleFailures, forks metric.Int64ObservableCounter
	skewed                metric.Int64ObservableCounter
	depth                 metric.Int64ObservableGauge
	oldest                metric.Float64ObservableGauge
}

var (
	// durationBounds are those of the semantic conventions, and longer ones: tasks are
	// slower than requests. In seconds.
	durationBounds = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 30, 60, 300, 900, 3600}
	// waitBounds go up to a day, in seconds.
	waitBounds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400}
)

// newMeters makes the instruments of m, and has them read what t counts for as long
// as m's provider lives.
func newMeters(m metric.Meter, t *Telemetry) (*meters, error) {
	var errs []error
	into := func(err error) { errs = append(errs, err) }
	counter := func(name, unit, description string) metric.Int64ObservableCounter {
		c, err := m.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		into(err)
		return c
	}
	level := func(name, unit, description string) metric.Int64ObservableUpDownCounter {
		c, err := m.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		into(err)
		return c
	}
	seconds := func(name, description string, bounds []float64) metric.Float64Histogram {
		h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(bounds...))
		into(err)
		return h
	}
	s := &meters{
		duration: seconds("messaging.process.duration", "How long a handler ran.", durationBounds),
		wait: seconds("longshore.task.wait",
			"How long after it was due the first attempt at a task started. A delay that the broker keeps counts as a wait.", waitBounds),
		sent:           counter("messaging.client.sent.messages", "{message}", "Tasks that were enqueued, or failed to be."),
		received:       counter("messaging.client.consumed.messages", "{message}", "Messages that were received."),
		outcomes:       counter("longshore.task.outcomes", "{task}", "What became of deliveries."),
		ended:          counter("longshore.task.ended", "{task}", "Tasks that ended, done or dead, by the attempt at which they did."),
		running:        level("longshore.task.running", "{task}", "Handlers that run."),
		held:           level("longshore.lease.held", "{lease}", "Leases that workers hold, from receive to settle."),
		extensions:     counter("longshore.lease.extensions", "{lease}", "Leases that were extended, or failed to be."),
		lost:           counter("longshore.lease.lost", "{lease}", "Leases that ran out or were superseded before their settle."),
		settleFailures: counter("longshore.settle.failures", "{message}", "Tries to settle a message that failed, lost leases aside."),
		forks:          counter("longshore.forks", "{message}", "Messages of which a copy was sent and whose acknowledgement failed."),
		skewed: counter("longshore.clock.skewed", "{message}",
			"Messages whose times are more than 5 s ahead: by the clock of the producer, or of the broker."),
	}
	var err error
	s.depth, err = m.Int64ObservableGauge("longshore.queue.depth", metric.WithUnit("{message}"),
		metric.WithDescription("Messages that a queue has, as far as its broker tells."))
	into(err)
	s.oldest, err = m.Float64ObservableGauge("longshore.queue.oldest.age", metric.WithUnit("s"),
		metric.WithDescription("Age of the oldest message that is not dead, as far as its broker tells."))
	into(err)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	_, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, q := range t.queues.entries() {
			s.observe(o, q)
		}
		return nil
	}, s.sent, s.received, s.outcomes, s.ended, s.running, s.held, s.extensions, s.lost, s.settleFailures, s.forks, s.skewed, s.depth, s.oldest)
	return s, err
}

// queueOptions are the attributes of what is observed of a queue.
type queueOptions struct {
	plain, received []metric.ObserveOption
	extendFailures  [errorCodes][]metric.ObserveOption
	settleFailures  [verdicts][]metric.ObserveOption
	states          [depthStates][]metric.ObserveOption
	clocks          [clocks][]metric.ObserveOption
}

func newQueueOptions(key queueKey) (o queueOptions) {
	with := func(more ...attribute.KeyValue) []metric.ObserveOption {
		return []metric.ObserveOption{metric.WithAttributeSet(attribute.NewSet(append(key.attributes(), more...)...))}
	}
	o.plain, o.received = with(), with(keyOperation.String("receive"))
	for i := range o.extendFailures {
		o.extendFailures[i] = with(keyErrorType.String(codeName(driver.Code(i)))) //nolint:gosec // below errorCodes
	}
	for i := range o.settleFailures {
		o.settleFailures[i] = with(keyVerdict.String(driver.Verdict(i).String())) //nolint:gosec // below verdicts
	}
	for i, name := range depthNames {
		o.states[i] = with(keyState.String(name))
	}
	for i, name := range clockNames {
		o.clocks[i] = with(keyClock.String(name))
	}
	return o
}

// kindOptions are the attributes of what is observed of a kind.
type kindOptions struct {
	sent         []metric.ObserveOption
	sendFailures [errorCodes][]metric.ObserveOption
	outcomes     [outcomes][]metric.ObserveOption
	ended        [attemptsTold + 1][]metric.ObserveOption
}

func newKindOptions(key queueKey, kind string) (o kindOptions) {
	with := func(more ...attribute.KeyValue) []metric.ObserveOption {
		all := append(key.attributes(), keyTaskKind.String(kind))
		return []metric.ObserveOption{metric.WithAttributeSet(attribute.NewSet(append(all, more...)...))}
	}
	send := keyOperation.String("send")
	o.sent = with(send)
	for i := range o.sendFailures {
		o.sendFailures[i] = with(send, keyErrorType.String(codeName(driver.Code(i)))) //nolint:gosec // below errorCodes
	}
	for i := range o.outcomes {
		o.outcomes[i] = with(keyOutcome.String(outcomeNames[i]))
	}
	for i := range o.ended {
		o.ended[i] = with(keyTaskAttempt.String(attemptName(i)))
	}
	return o
}

// codeName is a code as a value of error.type.
func codeName(c driver.Code) string { return strings.ReplaceAll(c.String(), " ", "_") }

// observe tells of what a queue has counted. What never happened to it is told as 0
// where there is one number for the queue.
func (s *meters) observe(o metric.Observer, q *queueSignals) {
	q.depth.observe(o, s, &q.observed)
	if q.worked.Load() {
		o.ObserveInt64(s.received, q.received.Load(), q.observed.received...)
		o.ObserveInt64(s.running, q.running.Load(), q.observed.plain...)
		s.observeClocks(o, q)
	}
	if q.leased.Load() {
		o.ObserveInt64(s.held, q.held.Load(), q.observed.plain...)
		o.ObserveInt64(s.extensions, q.extended.Load(), q.observed.plain...)
		o.ObserveInt64(s.lost, q.lost.Load(), q.observed.plain...)
		o.ObserveInt64(s.forks, q.forks.Load(), q.observed.plain...)
	}
	for i := range q.extendFailures {
		observeSome(o, s.extensions, &q.extendFailures[i], q.observed.extendFailures[i])
	}
	for i := range q.settleFailures {
		observeSome(o, s.settleFailures, &q.settleFailures[i], q.observed.settleFailures[i])
	}
	for _, k := range q.kinds.entries() {
		s.observeKind(o, k)
	}
}

func (s *meters) observeKind(o metric.Observer, k *kindSignals) {
	observeSome(o, s.sent, &k.sent, k.observed.sent)
	for i := range k.sendFailures {
		observeSome(o, s.sent, &k.sendFailures[i], k.observed.sendFailures[i])
	}
	for i := range k.outcomes {
		observeSome(o, s.outcomes, &k.outcomes[i], k.observed.outcomes[i])
	}
	for i := range k.ended {
		observeSome(o, s.ended, &k.ended[i], k.observed.ended[i])
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, d := range k.deaths {
		o.ObserveInt64(s.outcomes, d.count, d.observe...)
	}
}

// observeSome tells of a counter that has counted anything.
func observeSome(o metric.Observer, c metric.Int64Observable, n *counter, options []metric.ObserveOption) {
	if v := n.Load(); v > 0 {
		o.ObserveInt64(c, v, options...)
	}
}
