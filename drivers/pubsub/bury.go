package pubsub

import (
	"context"
	"maps"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/driver"
)

// sendCopies publishes the copies of what is buried or redriven, and sets the errors
// of those that fail. A copy that an earlier try has stored is not published again,
// and none is where nothing would keep it.
func (s *source) sendCopies(ctx context.Context, op string, batch []driver.Settlement, moves []claim, errs []error) {
	q := s.queue
	target := &q.dead
	if s.isDead() {
		target = &q.source
	}
	to := target.topic
	if err := target.keeps(ctx, op); err != nil {
		for _, c := range moves {
			errs[c.Index] = err
		}
		return
	}
	parcels := make([]parcel, 0, len(moves))
	for i, c := range moves {
		if c.Lease.copied {
			continue
		}
		p, err := q.copyParcel(op, to, &batch[c.Index], c.Lease)
		if err != nil {
			errs[c.Index] = err
			continue
		}
		p.index = i
		parcels = append(parcels, p)
	}
	q.post(ctx, op, to, parcels)
	for i := range parcels {
		c := moves[parcels[i].index]
		errs[c.Index] = parcels[i].result.Err
		c.Lease.copied = errs[c.Index] == nil
	}
}

// copyParcel packs the copy that a settlement sends.
func (q *Queue) copyParcel(op, topic string, v *driver.Settlement, l *lease) (parcel, error) {
	var m driver.Message
	if v.Verdict == driver.Bury {
		mirror := *v
		mirror.Lease = l
		m = driver.DeadCopy(mirror, q.name, time.Now())
	} else {
		m = driver.LiveCopy(l.message)
	}
	all, err := driver.PackAttributes(m)
	if err != nil {
		return parcel{}, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	p := newParcel(topic, &pubsubpb.PubsubMessage{Data: m.Body, Attributes: publishable(all), OrderingKey: l.key})
	if p.fits() {
		return p, nil
	}
	return q.fit(op, topic, &m, p.message)
}

// fit makes room for the reserved attributes of a copy that is over the limits. A
// redriven copy goes without: a message that has no room for them came from
// another producer, and has attempts of its own by being sent anew. On a dead
// letter the others go as far as needed, in the order of [driver.Expendable], and stay
// readable in the record's Detail.
func (q *Queue) fit(op, topic string, m *driver.Message, to *pubsubpb.PubsubMessage) (parcel, error) {
	to.Attributes = maps.Clone(to.Attributes)
	if m.Death == nil {
		delete(to.Attributes, driver.AttributeCarry)
	}
	p := newParcel(topic, to)
	lost := ""
	for _, name := range driver.Expendable(to.Attributes) {
		if p.fits() || m.Death == nil {
			break
		}
		if name == driver.AttributeCarry || name == driver.AttributeDeath {
			continue
		}
		lost += " " + name + "=" + to.Attributes[name]
		lost = lost[:min(len(lost), driver.MaxDetail)] // no more is kept
		delete(to.Attributes, name)
		record, err := driver.EncodeDeath(mourn(*m.Death, lost))
		if err != nil {
			return parcel{}, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
		}
		to.Attributes[driver.AttributeDeath] = record
		p = newParcel(topic, to)
	}
	if !p.fits() {
		return parcel{}, driver.Errorf(driver.TooLarge, op, "a copy of %d bytes exceeds %d; its body leaves no room for the record", p.size, maxBytes)
	}
	return p, nil
}

// mourn adds lost attributes to a record: the error comes first, and leaves them
// half of the room.
func mourn(d driver.Death, lost string) driver.Death {
	d.Detail = driver.CutText(driver.CutText(d.Detail, driver.MaxDetail/2)+" [without attributes:"+lost+"]", driver.MaxDetail)
	return d
}
