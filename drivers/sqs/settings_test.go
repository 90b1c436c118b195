package sqs

import (
	"reflect"
	"testing"
	"time"
)

func TestParseRedrivePolicy(t *testing.T) {
	dead := arn{"aws", "eu-west-1", "123456789012", "orders-dead"}
	tests := []struct {
		in       string
		to       arn
		receives int
		bad      bool
	}{
		{in: `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:orders-dead","maxReceiveCount":20}`, to: dead, receives: 20},
		{in: `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:orders-dead","maxReceiveCount":"20"}`, to: dead, receives: 20},
		{in: `{}`},
		{in: `{"deadLetterTargetArn":"orders-dead","maxReceiveCount":20}`, bad: true},
		{in: `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:orders-dead"}`, bad: true},
		{in: `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:orders-dead","maxReceiveCount":0}`, bad: true},
		{in: `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:orders-dead","maxReceiveCount":1001}`, bad: true},
		{in: `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:orders-dead","maxReceiveCount":1.5}`, bad: true},
		{in: `{"deadLetterTargetArn":"arn:aws:sns:eu-west-1:123456789012:orders-dead","maxReceiveCount":20}`, bad: true},
		{in: `[]`, bad: true},
		{in: `nonsense`, bad: true},
	}
	for _, tt := range tests {
		to, n, err := parseRedrivePolicy(tt.in)
		if to != tt.to || n != tt.receives || (err != nil) != tt.bad {
			t.Errorf("%s: %v, %d, %v; want %v, %d", tt.in, to, n, err, tt.to, tt.receives)
		}
	}
	if s := dead.String(); s != "arn:aws:sqs:eu-west-1:123456789012:orders-dead" {
		t.Errorf("ARN %s", s)
	}
}

func TestParseSettings(t *testing.T) {
	got, err := parseSettings(map[string]string{
		"QueueArn": "arn:aws:sqs:eu-west-1:1:orders", "VisibilityTimeout": "30", "MessageRetentionPeriod": "345600",
		"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "2",
		"ApproximateNumberOfMessagesDelayed": "3",
	})
	want := &settings{arn: "arn:aws:sqs:eu-west-1:1:orders", hold: 30 * time.Second, retention: 96 * time.Hour, ready: 1, leased: 2, delayed: 3}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []map[string]string{
		{"VisibilityTimeout": "soon"}, {"VisibilityTimeout": "-1"}, {"MessageRetentionPeriod": "99999999999"},
		{"ApproximateNumberOfMessages": "many"}, {"RedrivePolicy": "nonsense"},
	} {
		if _, err := parseSettings(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

func FuzzParseSettings(f *testing.F) {
	f.Add("30", `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:orders-dead","maxReceiveCount":"20"}`)
	f.Add("-1", `{"maxReceiveCount":null}`)
	f.Fuzz(func(t *testing.T, number, policy string) {
		s, err := parseSettings(map[string]string{"VisibilityTimeout": number, "ApproximateNumberOfMessages": number, "RedrivePolicy": policy})
		if err != nil {
			return
		}
		if s.hold < 0 || s.ready < 0 || s.receives < 0 || s.receives > maxReceives || (s.dead == arn{}) != (s.receives == 0) {
			t.Errorf("%q, %q gave %+v", number, policy, s)
		}
		if s.dead != (arn{}) {
			if back, ok := parseARN(s.dead.String()); !ok || back != s.dead {
				t.Errorf("ARN %v does not survive", s.dead)
			}
		}
	})
}
