package servicebus

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/longshore-dev/longshore/driver"
)

// bury dead-letters a message, which Service Bus does in one step: it keeps the message
// as it is and adds properties, among them ours.
func (s *source) bury(op string, v *driver.Settlement, l *lease) (act, error) {
	mirror := *v
	mirror.Lease = l
	dead := driver.DeadCopy(mirror, s.queue.name, time.Now())
	record, err := driver.EncodeDeath(*dead.Death)
	if err != nil {
		return nil, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	added := map[string]any{driver.AttributeDeath: record}
	if _, had := l.native.ApplicationProperties[driver.AttributeCarry]; had || !dead.Carry.IsZero() {
		carry, err := driver.EncodeCarry(dead.Carry)
		if err != nil {
			return nil, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
		}
		added[driver.AttributeCarry] = carry
	}
	reason, detail := v.Reason, dead.Death.Detail
	return func(ctx context.Context, via settler, m *azservicebus.ReceivedMessage) error {
		return via.DeadLetterMessage(ctx, m, &azservicebus.DeadLetterOptions{
			Reason: &reason, ErrorDescription: &detail, PropertiesToModify: added,
		})
	}, nil
}

// sendCopies sends the copies of what is redriven, and sets the errors of those that
// fail. A copy that an earlier try has stored is not sent again.
func (s *source) sendCopies(ctx context.Context, op string, moves []claim, errs []error) {
	q := s.queue
	parcels := make([]parcel, 0, len(moves))
	for i, c := range moves {
		if c.Lease.copied || errs[c.Index] != nil {
			continue
		}
		p, err := q.liveParcel(op, c.Lease)
		if err != nil {
			errs[c.Index] = err
			continue
		}
		p.index = i
		parcels = append(parcels, p)
	}
	q.post(ctx, op, parcels)
	for i := range parcels {
		c := moves[parcels[i].index]
		errs[c.Index] = parcels[i].result.Err
		c.Lease.copied = errs[c.Index] == nil
	}
}

// liveParcel packs what goes back to the queue in place of a dead message: the same
// message, with what other producers set in it, under a fresh id.
func (q *Queue) liveParcel(op string, l *lease) (parcel, error) {
	m := driver.LiveCopy(l.message)
	p, err := q.newParcel(op, &m)
	if err != nil {
		return parcel{}, err
	}
	from, to := l.native, p.message
	to.ContentType, to.CorrelationID, to.Subject, to.To = from.ContentType, from.CorrelationID, from.Subject, from.To
	to.ReplyTo, to.ReplyToSessionID, to.PartitionKey, to.SessionID = from.ReplyTo, from.ReplyToSessionID, from.PartitionKey, from.SessionID
	if _, has := from.ApplicationProperties[attributeContentType]; !has {
		delete(to.ApplicationProperties, attributeContentType) // it is made of the other
	}
	for name, value := range from.ApplicationProperties {
		if _, isText := value.(string); !isText && !isOurs(name) {
			to.ApplicationProperties[name] = value // as it was, and not as text
		}
	}
	return p, nil
}
