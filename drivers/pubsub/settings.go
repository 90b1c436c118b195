package pubsub

import (
	"cmp"
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/driver"
)

// settings are what is known of a subscription.
type settings struct {
	at     time.Time              // when it was read, or asked for in vain
	native *pubsubpb.Subscription // nil where the credentials do not allow to read it
	denied error                  // why not
	silent bool                   // the last try to read it had no answer in time
}

// refresh is for how long what was read of a subscription is good. The leases of a
// Pull run for the ack deadline that the subscription has at that time, and the
// answer does not tell it.
const refresh = time.Minute

func (s *settings) hold() time.Duration {
	if s == nil || s.native == nil {
		return 0
	}
	return time.Duration(s.native.GetAckDeadlineSeconds()) * time.Second
}

// silence is whether the service did not answer when it was last asked for what
// always has an answer. Then a Pull without one is no empty queue.
func (s *settings) silence() bool { return s != nil && s.silent }

// describe reads the subscription anew.
func (s *source) describe(ctx context.Context, op string) (*pubsubpb.Subscription, error) {
	c, err := s.queue.clients(ctx, op)
	if err != nil {
		return nil, err
	}
	request, cancel := within(ctx, patience)
	defer cancel()
	at := time.Now()
	got, err := c.Subscriptions.GetSubscription(request, &pubsubpb.GetSubscriptionRequest{Subscription: s.subscription}, once)
	if err != nil {
		e := classify(ctx, op, actionRead, s.subscription, err)
		if mayNot(e) {
			s.settings.Store(&settings{at: at, denied: e})
		}
		return nil, e
	}
	s.settings.Store(&settings{at: at, native: got})
	return got, nil
}

// known is what is known of the subscription: read a minute ago at most, or older
// where it cannot be read now.
func (s *source) known(ctx context.Context, op string) (*settings, error) {
	got := s.settings.Load()
	if got != nil && time.Since(got.at) < refresh {
		return got, got.denied
	}
	soon := new(settings)
	if got != nil {
		// The others go on with what there is.
		*soon = *got
		soon.at = time.Now()
		if !s.settings.CompareAndSwap(got, soon) {
			got = s.settings.Load()
			return got, got.denied
		}
	}
	_, err := s.describe(ctx, op)
	if err != nil && got != nil && got.native != nil && driver.Retryable(err) {
		if timedOut(err) {
			s.settings.CompareAndSwap(soon, &settings{at: soon.at, native: got.native, silent: true})
		}
		return got, nil
	}
	return s.settings.Load(), err
}

// holds are the hold for a receive or extend that asks for one, or for the
// subscription's own with 0, and that own: its ack deadline, or 0 where that may not
// be read. Then what is declared stands in for it.
func (s *source) holds(ctx context.Context, op string, asked time.Duration) (hold, own time.Duration, err error) {
	got, err := s.known(ctx, op)
	if err != nil && !mayNot(err) {
		return 0, 0, err
	}
	hold, own = driver.RoundUp(&s.queue.capabilities, asked), got.hold()
	if hold == 0 {
		hold = cmp.Or(own, s.queue.options.Hold)
	}
	switch {
	case hold == 0:
		return 0, 0, driver.Errorf(driver.PermissionDenied, op,
			"the ack deadline of %q may not be read; allow %s, declare it by hold= in the URL, or give a hold: %w", s.subscription, actionRead.permission, err)
	case hold < minHold:
		return 0, 0, driver.Errorf(driver.InvalidArgument, op, "the subscription's own ack deadline of %v is too short; give a hold of %v or more", hold, minHold)
	}
	return hold, own, nil
}

// there is NotFound when the subscription does not exist, where anybody can know.
func (s *source) there(ctx context.Context, op string) error {
	if s.seen.Load() {
		return nil
	}
	if _, err := s.known(ctx, op); err != nil && !mayNot(err) {
		return err
	}
	return nil
}
