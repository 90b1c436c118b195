package sqs

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// Whatever another producer sent, its lease can be buried and redriven with the
// same body, within the limits, or the bury is TooLarge.
func FuzzCopies(f *testing.F) {
	f.Add("body", "name", "String", "value", []byte(nil), "1", "group", 3)
	f.Add(wrapped, driver.AttributeCarry, "String", `{"v":1,"attempts":3}`, []byte(nil), "x", "longshore-lone-1", 12)
	f.Add("x", driver.AttributeDeath, "Binary", "", []byte{0, 0xff}, "-1", "", 10)
	q, err := New(awssqs.New(awssqs.Options{Region: "us-east-1"}), "orders", &Options{UnwrapSNS: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body, name, dataType, value string, binary []byte, count, group string, others int) {
		all := make(map[string]types.MessageAttributeValue)
		for i := range min(max(others, 0), maxNative-1) {
			all["other-"+*ids[i]] = types.MessageAttributeValue{DataType: stringTypePointer, StringValue: &value}
		}
		attribute := types.MessageAttributeValue{DataType: &dataType, BinaryValue: binary}
		if binary == nil {
			attribute.StringValue = &value
		}
		all[name] = attribute
		size := len(body)
		for n, v := range all {
			size += sizeOf(n, &v)
		}
		if size > maxBytes {
			return // no producer can
		}
		for _, s := range []*source{&q.source, &q.dead} {
			l := new(lease)
			s.fill(l, &types.Message{
				MessageId: aws.String("id"), ReceiptHandle: aws.String("handle"), Body: &body, MessageAttributes: all,
				Attributes: map[string]string{"ApproximateReceiveCount": count, "MessageGroupId": group, "DeadLetterQueueSourceArn": name},
			})
			v := driver.Settlement{Lease: l, Verdict: driver.Bury, Reason: "fuzz", Detail: value}
			if s.isDead() {
				v = driver.Settlement{Lease: l, Verdict: driver.Redrive}
			}
			p, err := q.copyParcel("op", &v, l)
			if err != nil {
				if !driver.Is(err, driver.TooLarge) {
					t.Errorf("%v: %v", v.Verdict, err)
				}
				continue
			}
			if *p.entry.MessageBody != body {
				t.Errorf("%v: the body is %q; want %q", v.Verdict, *p.entry.MessageBody, body)
			}
			if n := len(p.entry.MessageAttributes); n > maxNative || p.size > maxBytes {
				t.Errorf("%v: %d attributes, %d bytes", v.Verdict, n, p.size)
			}
			if _, ok := p.entry.MessageAttributes[driver.AttributeDeath]; ok != (v.Verdict == driver.Bury) {
				t.Errorf("%v: a death record is %v", v.Verdict, ok)
			}
		}
	})
}
