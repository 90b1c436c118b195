package sqs

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// sendCopies sends the copies of what is buried or redriven, and sets the errors
// of those that fail. A copy that an earlier try has stored is not sent again.
func (s *source) sendCopies(ctx context.Context, op string, batch []driver.Settlement, moves []claim, errs []error) {
	q := s.queue
	to := &q.dead
	if s.isDead() {
		to = &q.source
	}
	url, err := to.url(ctx, op)
	if err != nil {
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
		p, err := q.copyParcel(op, &batch[c.Index], c.Lease)
		if err != nil {
			errs[c.Index] = err
			continue
		}
		p.index = i
		parcels = append(parcels, p)
	}
	q.post(ctx, op, fmt.Sprintf("%s on %q", actionSend, url[strings.LastIndexByte(url, '/')+1:]), url, parcels)
	for i := range parcels {
		c := moves[parcels[i].index]
		errs[c.Index] = parcels[i].result.Err
		c.Lease.copied = errs[c.Index] == nil
	}
}

// copyParcel packs the copy that a settlement sends. Its send id stays the same
// from try to try, so that a FIFO queue takes it once.
func (q *Queue) copyParcel(op string, v *driver.Settlement, l *lease) (parcel, error) {
	var m driver.Message
	if v.Verdict == driver.Bury {
		mirror := *v
		mirror.Lease = l
		m = driver.DeadCopy(mirror, q.name, time.Now())
	} else {
		m = driver.LiveCopy(l.message)
	}
	if l.sendID == "" {
		l.sendID = m.SendID
	}
	m.SendID = l.sendID
	body := l.original.body
	if body == nil {
		body = aws.String(string(m.Body))
	}
	attributes, err := l.copyAttributes(&m)
	if err != nil {
		return parcel{}, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
	}
	p := q.parcel(&m, body, attributes)
	if p.size <= maxBytes && len(attributes) <= maxNative {
		return p, nil
	}
	return q.fit(op, &m, body, attributes)
}

// copyAttributes are the attributes of a copy: those that the broker stored with
// the message, in their own types, and the reserved ones of m.
func (l *lease) copyAttributes(m *driver.Message) (map[string]types.MessageAttributeValue, error) {
	if l.original.attributes == nil {
		all, err := driver.PackAttributes(*m)
		return native(all), err
	}
	bare := driver.Message{Carry: m.Carry, Death: m.Death}
	reserved, err := driver.PackAttributes(bare)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(l.original.attributes)
	for _, name := range []string{driver.AttributeCarry, driver.AttributeDeath} {
		// One that did not decode stays, unless it was taken out on purpose.
		if _, kept := m.Attributes[name]; !kept {
			delete(all, name)
		}
	}
	maps.Copy(all, native(reserved))
	return all, nil
}

// fit makes room for the reserved attributes of a copy that is over the limits. A
// redriven copy goes without: a message that has no room for them came from
// another producer, and has attempts of its own by being sent anew. On a dead
// letter the others go as far as needed, in the order of [driver.Expendable], and stay
// readable in the record's Detail.
func (q *Queue) fit(op string, m *driver.Message, body *string, attributes map[string]types.MessageAttributeValue) (parcel, error) {
	fits := func() (parcel, bool) {
		p := q.parcel(m, body, attributes)
		return p, p.size <= maxBytes && len(attributes) <= maxNative
	}
	if m.Death == nil {
		delete(attributes, driver.AttributeCarry)
	}
	p, ok := fits()
	lost := ""
	for _, name := range driver.Expendable(attributes) {
		if ok || m.Death == nil {
			break
		}
		if name == driver.AttributeCarry || name == driver.AttributeDeath {
			continue
		}
		v := attributes[name]
		lost += " " + name + "=" + text(&v)
		lost = lost[:min(len(lost), driver.MaxDetail)] // no more is kept
		delete(attributes, name)
		record, err := driver.EncodeDeath(mourn(*m.Death, lost))
		if err != nil {
			return parcel{}, &driver.Error{Code: driver.InvalidArgument, Op: op, Err: err}
		}
		attributes[driver.AttributeDeath] = types.MessageAttributeValue{DataType: stringTypePointer, StringValue: &record}
		p, ok = fits()
	}
	if !ok {
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
