package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// settings are the attributes of a queue of Amazon SQS that matter here.
type settings struct {
	arn       string
	hold      time.Duration // its VisibilityTimeout
	retention time.Duration
	dead      arn   // the target of its redrive policy; zero for none
	receives  int   // the maxReceiveCount of that
	ready     int64 // the counts are approximate
	leased    int64
	delayed   int64
}

// described are the attributes that settings come from. FifoQueue is not among
// them: a standard queue refuses it, and the name tells.
var described = []types.QueueAttributeName{
	types.QueueAttributeNameQueueArn, types.QueueAttributeNameVisibilityTimeout, types.QueueAttributeNameMessageRetentionPeriod,
	types.QueueAttributeNameRedrivePolicy,
	types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
}

// url is the queue's URL, looked up at the first call. A look-up that fails is
// made again by the next call.
func (s *source) url(ctx context.Context, op string) (string, error) {
	at := s.at.Load()
	if at == nil {
		var err error
		if at, err = s.queue.deadAddress(ctx, op); err != nil {
			return "", err
		}
		s.at.Store(at)
	}
	if at.url != "" {
		return at.url, nil
	}
	in := &awssqs.GetQueueUrlInput{QueueName: &at.name}
	if at.account != "" {
		in.QueueOwnerAWSAccountId = &at.account
	}
	request, cancel := within(ctx, 0)
	defer cancel()
	out, err := s.queue.api.GetQueueUrl(request, in)
	if err != nil {
		if s.isDead() {
			op = fmt.Sprintf("%s: its dead letter %q", op, at.name)
		}
		return "", classify(ctx, op, actionURL, err)
	}
	found := *at
	found.url = aws.ToString(out.QueueUrl)
	if found.url == "" {
		return "", driver.Errorf(driver.Unavailable, op, "the look-up of queue %q answered no URL", at.name)
	}
	s.at.Store(&found)
	return found.url, nil
}

// describe reads the queue's settings anew.
func (s *source) describe(ctx context.Context, op string) (*settings, error) {
	url, err := s.url(ctx, op)
	if err != nil {
		return nil, err
	}
	request, cancel := within(ctx, 0)
	defer cancel()
	sent := time.Now()
	out, err := s.queue.api.GetQueueAttributes(request, &awssqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: described})
	if err != nil {
		return nil, classify(ctx, op, actionAttributes, err)
	}
	s.queue.skew.note(sent, time.Now(), out.ResultMetadata)
	got, err := parseSettings(out.Attributes)
	if err != nil {
		return nil, &driver.Error{Code: driver.Unavailable, Op: op, Err: err}
	}
	s.settings.Store(got)
	if !s.isDead() {
		s.queue.followDead(got.dead)
	}
	return got, nil
}

// followDead forgets a dead letter that the queue no longer has.
func (q *Queue) followDead(now arn) {
	if at := q.dead.at.Load(); at != nil && (at.name != now.name || at.account != "" && at.account != now.account) {
		q.dead.at.CompareAndSwap(at, nil)
		q.dead.settings.Store(nil)
	}
}

// ownHold is the hold of a receive or extend that does not say: the queue's own,
// which is read once, else what is declared.
func (s *source) ownHold(ctx context.Context, op string) (time.Duration, error) {
	got := s.settings.Load()
	if got == nil {
		if s.queue.options.Hold != 0 {
			return s.queue.options.Hold, nil // declared; Policy checks it
		}
		var err error
		if got, err = s.describe(ctx, op); err != nil {
			if mayNot(err) {
				return 0, driver.Errorf(driver.PermissionDenied, op,
					"the queue's own hold may not be read; allow %s, declare it by hold= in the URL, or give a hold: %w", actionAttributes, err)
			}
			return 0, err
		}
	}
	if got.hold < minHold {
		return 0, driver.Errorf(driver.InvalidArgument, op, "the queue's own hold of %v is too short; give one of %v or more", got.hold, minHold)
	}
	return min(got.hold, maxTotal), nil
}

// deadAddress is where the queue's dead letter is: by its redrive policy, else by
// declaration. NotFound when it has none.
func (q *Queue) deadAddress(ctx context.Context, op string) (*address, error) {
	got := q.settings.Load()
	var err error
	if got == nil || got.dead == (arn{}) { // it may have got one
		got, err = q.describe(ctx, op)
	}
	switch {
	case err == nil && got.dead == (arn{}):
		return nil, driver.Errorf(driver.NotFound, op, "the queue has no dead letter; give it a redrive policy with deadLetterTargetArn and maxReceiveCount")
	case err == nil:
		return &address{name: got.dead.name, account: got.dead.account}, nil
	case mayNot(err) && q.options.DeadLetter != "":
		return q.declaredDead(), nil
	case mayNot(err):
		return nil, driver.Errorf(driver.PermissionDenied, op,
			"the queue's dead letter may not be read; allow %s, or declare it by dead_letter= in the URL: %w", actionAttributes, err)
	}
	return nil, err
}

// declaredDead is the dead letter that is declared, or nil.
func (q *Queue) declaredDead() *address {
	switch to, isARN := parseARN(q.options.DeadLetter); {
	case q.options.DeadLetter == "":
		return nil
	case isARN:
		return &address{name: to.name, account: to.account}
	}
	return &address{name: q.options.DeadLetter, account: q.at.Load().account}
}

// parseSettings reads the attributes of a queue, which may be of any broker that
// speaks as Amazon SQS does.
func parseSettings(all map[string]string) (*settings, error) {
	var s settings
	var errs []error
	number := func(name types.QueueAttributeName, high int64) int64 {
		text, ok := all[string(name)]
		if !ok {
			return 0
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > high {
			errs = append(errs, fmt.Errorf("attribute %s is not a number within 0 to %d", name, high))
			return 0
		}
		return n
	}
	const year = 366 * 24 * 3600
	s.arn = all[string(types.QueueAttributeNameQueueArn)]
	s.hold = time.Duration(number(types.QueueAttributeNameVisibilityTimeout, year)) * time.Second
	s.retention = time.Duration(number(types.QueueAttributeNameMessageRetentionPeriod, year)) * time.Second
	s.ready = number(types.QueueAttributeNameApproximateNumberOfMessages, 1<<62)
	s.leased = number(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible, 1<<62)
	s.delayed = number(types.QueueAttributeNameApproximateNumberOfMessagesDelayed, 1<<62)
	if policy := all[string(types.QueueAttributeNameRedrivePolicy)]; policy != "" {
		var err error
		if s.dead, s.receives, err = parseRedrivePolicy(policy); err != nil {
			errs = append(errs, err)
		}
	}
	return &s, errors.Join(errs...)
}

// parseRedrivePolicy reads
// {"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:123456789012:orders-dead","maxReceiveCount":20},
// where the number may be a string. An empty object is no policy.
func parseRedrivePolicy(s string) (arn, int, error) {
	var p struct {
		DeadLetterTargetArn string          `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(s), &p); err != nil {
		return arn{}, 0, errors.New("the redrive policy is not the JSON object that is expected there")
	}
	if p.DeadLetterTargetArn == "" && p.MaxReceiveCount == nil {
		return arn{}, 0, nil
	}
	to, ok := parseARN(p.DeadLetterTargetArn)
	if !ok {
		return arn{}, 0, errors.New("deadLetterTargetArn of the redrive policy is not the ARN of a queue")
	}
	n, err := strconv.Atoi(string(bytes.Trim(p.MaxReceiveCount, `"`)))
	if err != nil || n < 1 || n > maxReceives {
		return arn{}, 0, fmt.Errorf("maxReceiveCount of the redrive policy is not within 1 to %d", maxReceives)
	}
	return to, n, nil
}
