package servicebus

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"github.com/longshore-dev/longshore/driver"
)

// settings are what was read of a queue's description.
type settings struct {
	native *admin.QueueProperties // nil where the credentials do not allow to read it
	hold   time.Duration          // its lock duration
	denied error                  // why it may not be read
}

// describe reads the queue's description. NotFound where there is no queue.
func (q *Queue) describe(ctx context.Context, op string) (*settings, error) {
	c, err := q.clients(ctx, op)
	if err != nil {
		return nil, err
	}
	if c.Admin == nil {
		err := driver.Errorf(driver.PermissionDenied, op, "there is no administration API here; declare hold= and max_deliveries= in the URL")
		q.settings.Store(&settings{denied: err})
		return nil, err
	}
	got, err := apart(ctx, q, op, patience, func(own context.Context) (*admin.GetQueueResponse, error) {
		return c.Admin.GetQueue(own, q.name, nil)
	})
	switch {
	case err != nil:
		e := classify(ctx, op, actionManage, q.name, err)
		if e.Code == driver.PermissionDenied {
			q.settings.Store(&settings{denied: e})
		}
		return nil, e
	case got == nil:
		return nil, driver.Errorf(driver.NotFound, op, "%s", missingHint(q.name))
	}
	s := &settings{native: &got.QueueProperties, hold: time.Minute} // the default
	if d := got.LockDuration; d != nil {
		if s.hold, err = parseDuration(*d); err != nil {
			return nil, driver.Errorf(driver.Unknown, op, "the queue's lock duration: %w", err)
		}
	}
	q.settings.Store(s)
	q.shrunk.Store(0)
	return s, nil
}

// lock is the queue's lock duration, as far as is known without asking; 0 where it is
// not.
func (q *Queue) lock() time.Duration {
	hold := q.options.Hold
	if got := q.settings.Load(); got != nil && got.hold != 0 {
		hold = got.hold
	}
	if d := time.Duration(q.shrunk.Load()); d != 0 && d < hold {
		return d
	}
	return hold
}

// lockOf is how long a lock lasts that ends at until by the broker's clock, for a message
// that was enqueued at sent; either may be unknown. No lock begins before its message was
// sent, nor that of a session more than freshLock before, so one that ends sooner after
// that than it should says that the lock duration is shorter than what is known, or
// declared.
func (q *Queue) lockOf(until, sent *time.Time) time.Duration {
	hold := q.lock()
	if until == nil || sent == nil {
		return hold
	}
	if d := until.Sub(*sent); d > 0 && d < hold-driftTolerated {
		q.shrunk.Store(int64(d))
		return d
	}
	return hold
}

// checkHold refuses a hold that is not the queue's own, 0 apart, and one that is not
// known: then it is read, unless it is declared.
func (q *Queue) checkHold(ctx context.Context, op string, asked time.Duration) error {
	hold := q.lock()
	if hold == 0 {
		if got := q.settings.Load(); got != nil && got.denied != nil {
			return unknownHold(op, got.denied)
		}
		got, err := q.describe(ctx, op)
		if driver.Is(err, driver.PermissionDenied) {
			return unknownHold(op, err)
		}
		if err != nil {
			return err
		}
		hold = got.hold
	}
	if asked != 0 && asked != hold {
		return driver.Errorf(driver.InvalidArgument, op, "a hold of %v is not the queue's lock duration, %v, which is all that Service Bus gives; use that, or 0", asked, hold)
	}
	return nil
}

func unknownHold(op string, err error) error {
	return driver.Errorf(driver.PermissionDenied, op, "the queue's lock duration may not be read; declare it by hold= in the URL, or allow the right %s: %w", actionManage.right, err)
}
