package sqs

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// wrapped is a notification as Amazon SNS sends it.
const wrapped = `{
  "Type" : "Notification",
  "MessageId" : "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
  "TopicArn" : "arn:aws:sns:us-west-2:123456789012:MyTopic",
  "Message" : "{\"order\":7}",
  "Timestamp" : "2012-05-02T00:54:06.655Z",
  "SignatureVersion" : "1",
  "MessageAttributes" : { "trace" : { "Type" : "String", "Value" : "abc" } }
}`

func TestUnwrap(t *testing.T) {
	l := &lease{message: driver.Message{Body: []byte(wrapped), Attributes: map[string]string{"own": "1"}}}
	l.unwrap(wrapped, native(l.message.Attributes))
	m := l.Message()
	if string(m.Body) != `{"order":7}` || len(m.Attributes) != 2 || m.Attributes["trace"] != "abc" || m.Attributes["own"] != "1" {
		t.Errorf("body %q, attributes %v", m.Body, m.Attributes)
	}
	if *l.original.body != wrapped || len(l.original.attributes) != 1 {
		t.Errorf("the original is %q with %d attributes; want it as it came", *l.original.body, len(l.original.attributes))
	}
}

func TestUnwrapLeavesOtherBodies(t *testing.T) {
	for _, body := range []string{
		"text", "", "{}", "[]", "{", `{"Type":"Notification"}`, `{"Type":"SubscriptionConfirmation","TopicArn":"a","Message":"m"}`,
		`{"Type":"Notification","TopicArn":"a","Message":""}`, `{"Type":"Notification","TopicArn":"a","Message":{"not":"text"}}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"t"}`,
	} {
		l := &lease{message: driver.Message{Body: []byte(body)}}
		l.unwrap(body, nil)
		if string(l.message.Body) != body || l.original.body != nil || l.original.attributes != nil {
			t.Errorf("%q became %q", body, l.message.Body)
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add(wrapped)
	f.Add("{}")
	f.Add(" \t{\"Type\":\"Notification\",\"TopicArn\":\"a\",\"Message\":\"\\u0000\"}")
	f.Fuzz(func(t *testing.T, body string) {
		l := &lease{message: driver.Message{Body: []byte(body)}}
		l.unwrap(body, map[string]types.MessageAttributeValue{})
		switch {
		case l.original.body == nil && string(l.message.Body) != body:
			t.Errorf("%q became %q, and the original is not kept", body, l.message.Body)
		case l.original.body != nil && *l.original.body != body:
			t.Errorf("the original of %q is %q", body, *l.original.body)
		case l.original.body != nil && !json.Valid([]byte(body)):
			t.Errorf("%q was unwrapped", body)
		}
	})
}
