package servicebus

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/longshore-dev/longshore/driver"
)

// Policy reads the queue's description, which needs the right Manage. Where the
// credentials do not allow that it is what the URL declares, and PermissionDenied
// without a declaration.
//
// InvalidArgument when a declaration differs from what is read, when the queue is
// disabled, and when it forwards its messages or its dead letters, which then cannot be
// leased from here. NotFound when it does not exist.
func (q *Queue) Policy(ctx context.Context) (driver.Policy, error) {
	op := q.ops.policy
	if err := q.gate.Begin(ctx, op, 1, 1); err != nil {
		return driver.Policy{}, err
	}
	defer q.gate.Leave()
	o := &q.options
	p := driver.Policy{DeadLetterTarget: q.name + deadSuffix, DeadLetterReadable: true, DeadLetterRetention: driver.Unlimited}
	got, err := q.describe(ctx, op)
	switch {
	case driver.Is(err, driver.PermissionDenied) && (o.Hold != 0 || o.MaxDeliveries != 0):
		p.Hold, p.MaxAttempts = o.Hold, o.MaxDeliveries
		return p, nil
	case err != nil:
		return driver.Policy{}, err
	}
	if err := q.agree(op, got); err != nil {
		return driver.Policy{}, err
	}
	p.Hold, p.MaxAttempts = got.hold, intOf(got.native.MaxDeliveryCount)
	for _, part := range []struct {
		to   *time.Duration
		text *string
	}{{&p.Retention, got.native.DefaultMessageTimeToLive}, {&p.IdleExpiry, got.native.AutoDeleteOnIdle}} {
		*part.to = driver.Unlimited
		if part.text != nil {
			if *part.to, err = parseDuration(*part.text); err != nil {
				return driver.Policy{}, driver.Errorf(driver.Unknown, op, "the queue's description: %w", err)
			}
		}
	}
	if p.IdleExpiry == driver.Unlimited {
		p.IdleExpiry = 0
	}
	return p, nil
}

// deadSuffix is what the dead letter's path has after the queue's. Source: Azure Service
// Bus, "Overview of Service Bus dead-letter queues".
const deadSuffix = "/$DeadLetterQueue"

func intOf(n *int32) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

// agree refuses declarations that differ from what the queue's description says.
func (q *Queue) agree(op string, got *settings) error {
	o := &q.options
	differs := func(param string, declared, read any) error {
		return driver.Errorf(driver.InvalidArgument, op, "%s=%v is declared, and queue %q has %v; correct the URL or the queue", param, declared, q.name, read)
	}
	p := got.native
	sessions, dedup := is(p.RequiresSession), is(p.RequiresDuplicateDetection)
	premium := p.MaxMessageSizeInKilobytes != nil && *p.MaxMessageSizeInKilobytes > standardMessage>>10
	switch {
	case sessions != o.Sessions:
		return differs("sessions", o.Sessions, sessions)
	case dedup != o.Dedup:
		return differs("dedup", o.Dedup, dedup)
	case o.Premium && !premium:
		return differs("tier", tierPremium, "messages of at most 256 KiB")
	case o.Hold != 0 && o.Hold != got.hold:
		return differs("hold", o.Hold, got.hold)
	case o.MaxDeliveries != 0 && o.MaxDeliveries != intOf(p.MaxDeliveryCount):
		return differs("max_deliveries", o.MaxDeliveries, intOf(p.MaxDeliveryCount))
	case p.ForwardTo != nil && *p.ForwardTo != "":
		return driver.Errorf(driver.InvalidArgument, op, "queue %q forwards its messages, so nothing can be leased from it; turn that off, or name the queue that gets them", q.name)
	case p.ForwardDeadLetteredMessagesTo != nil && *p.ForwardDeadLetteredMessagesTo != "":
		return driver.Errorf(driver.InvalidArgument, op, "queue %q forwards its dead letters, so they cannot be read as its dead letter; turn that off (ForwardDeadLetteredMessagesTo)", q.name)
	case p.Status != nil && *p.Status != admin.EntityStatusActive && *p.Status != "":
		return driver.Errorf(driver.InvalidArgument, op, "queue %q is %s; make it active", q.name, *p.Status)
	}
	return nil
}

func is(b *bool) bool { return b != nil && *b }

// Stats counts by the administration API, which needs the right Manage:
// PermissionDenied without it. Ready has the leased messages too, which Service Bus
// does not count apart; so Leased is Unreported, as is the oldest age.
func (q *Queue) Stats(ctx context.Context) (driver.Stats, error) {
	op := q.ops.stats
	if err := q.gate.Begin(ctx, op, 1, 1); err != nil {
		return driver.Stats{}, err
	}
	defer q.gate.Leave()
	c, err := q.clients(ctx, op)
	if err != nil {
		return driver.Stats{}, err
	}
	if c.Admin == nil {
		return driver.Stats{}, driver.Errorf(driver.PermissionDenied, op, "there is no administration API here, by which alone Service Bus counts")
	}
	got, err := apart(ctx, q, op, patience, func(own context.Context) (*admin.GetQueueRuntimePropertiesResponse, error) {
		return c.Admin.GetQueueRuntimeProperties(own, q.name, nil)
	})
	switch {
	case err != nil:
		return driver.Stats{}, classify(ctx, op, actionManage, q.name, err)
	case got == nil:
		return driver.Stats{}, driver.Errorf(driver.NotFound, op, "%s", missingHint(q.name))
	}
	return driver.Stats{
		Ready: int64(got.ActiveMessageCount), Leased: driver.Unreported, Delayed: int64(got.ScheduledMessageCount),
		Dead: int64(got.DeadLetterMessageCount), Oldest: driver.Unreported,
	}, nil
}
