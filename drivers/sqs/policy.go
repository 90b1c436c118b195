package sqs

import (
	"context"
	"fmt"

	"github.com/longshore-dev/longshore/driver"
)

// Policy reads the queue's attributes and its dead letter's. What the credentials
// may not read is taken from the declarations in the URL; without one it is zero,
// but for the queue itself, where that is PermissionDenied. InvalidArgument when a
// declaration differs from what is read.
func (q *Queue) Policy(ctx context.Context) (driver.Policy, error) {
	op := q.ops.policy
	if err := q.gate.Begin(ctx, op, 1, maxBatch); err != nil {
		return driver.Policy{}, err
	}
	defer q.gate.Leave()
	o := &q.options
	var p driver.Policy
	switch live, err := q.describe(ctx, op); {
	case err == nil:
		if err := o.agree(op, live); err != nil {
			return p, err
		}
		p.Hold, p.Retention = live.hold, live.retention
		if live.dead == (arn{}) {
			return p, nil
		}
		p.MaxAttempts, p.DeadLetterTarget = live.receives, live.dead.String()
	case !mayNot(err) || *o == (Options{UnwrapSNS: o.UnwrapSNS}):
		return p, err
	default:
		p.Hold, p.MaxAttempts, p.DeadLetterTarget = o.Hold, o.MaxReceives, o.DeadLetter
		if p.DeadLetterTarget == "" {
			return p, nil
		}
	}
	switch dead, err := q.dead.describe(ctx, op); {
	case err == nil:
		p.DeadLetterRetention, p.DeadLetterReadable = dead.retention, true
	case mayNot(err) && o.DeadLetter != "":
		p.DeadLetterReadable = true // declared
	case mayNot(err) || driver.Is(err, driver.NotFound):
	default:
		return p, err
	}
	return p, nil
}

// agree refuses declarations that differ from what the queue says.
func (o *Options) agree(op string, got *settings) error {
	differs := func(param string, declared, read any) error {
		return driver.Errorf(driver.InvalidArgument, op, "%s=%v is declared, and the queue says %v; correct the URL or the queue", param, declared, read)
	}
	switch {
	case o.Hold != 0 && o.Hold != got.hold:
		return differs("hold", o.Hold, got.hold)
	case o.MaxReceives != 0 && o.MaxReceives != got.receives:
		return differs("max_receives", o.MaxReceives, got.receives)
	case o.DeadLetter != "" && o.DeadLetter != got.dead.name && o.DeadLetter != got.dead.String():
		return differs("dead_letter", o.DeadLetter, fmt.Sprintf("%q", got.dead.name))
	}
	return nil
}

// Stats counts approximately. Dead is Unreported where the dead letter may not be
// read; the oldest age always is: Amazon SQS tells it to CloudWatch only.
func (q *Queue) Stats(ctx context.Context) (driver.Stats, error) {
	op := q.ops.stats
	if err := q.gate.Begin(ctx, op, 1, maxBatch); err != nil {
		return driver.Stats{}, err
	}
	defer q.gate.Leave()
	live, err := q.describe(ctx, op)
	if err != nil {
		return driver.Stats{}, err
	}
	s := driver.Stats{Ready: live.ready, Leased: live.leased, Delayed: live.delayed, Dead: driver.Unreported, Oldest: driver.Unreported}
	if live.dead == (arn{}) {
		s.Dead = 0
		return s, nil
	}
	switch dead, err := q.dead.describe(ctx, op); {
	case err == nil:
		s.Dead = dead.ready + dead.leased + dead.delayed
	case mayNot(err) || driver.Is(err, driver.NotFound):
	default:
		return driver.Stats{}, err
	}
	return s, nil
}
