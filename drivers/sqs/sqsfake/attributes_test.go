package sqsfake_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (e *env) set(q *string, name, v string) error {
	_, err := e.client.SetQueueAttributes(e.Context(), &sqs.SetQueueAttributesInput{QueueUrl: q, Attributes: map[string]string{name: v}})
	return err
}

func TestAttributesOfQueueTypes(t *testing.T) {
	common := []string{
		"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
		"CreatedTimestamp", "DelaySeconds", "LastModifiedTimestamp", "MaximumMessageSize", "MessageRetentionPeriod",
		"QueueArn", "ReceiveMessageWaitTimeSeconds", "SqsManagedSseEnabled", "VisibilityTimeout",
	}
	bubble(t, func(e *env) {
		if got := slices.Sorted(maps.Keys(e.attributes(e.queue("orders")))); !slices.Equal(got, common) {
			t.Errorf("a standard queue has %q", got)
		}
		want := append(slices.Clone(common), "ContentBasedDeduplication", "DeduplicationScope", "FifoQueue", "FifoThroughputLimit")
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(e.attributes(e.queue("orders.fifo", "FifoQueue", "true")))); !slices.Equal(got, want) {
			t.Errorf("a FIFO queue has %q", got)
		}
	})
}

func TestDocumentsAreGivenBack(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		for name, v := range map[string]string{
			"Policy":             `{"Version":"2012-10-17","Statement":[]}`,
			"KmsMasterKeyId":     "alias/aws/sqs",
			"RedriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:others"]}`,
		} {
			e.must(e.set(q, name, v))
			if got := e.attributes(q)[name]; got != v {
				t.Errorf("%s is %q, want %q", name, got, v)
			}
		}
		if a := e.attributes(q); a["SqsManagedSseEnabled"] != "false" || a["KmsDataKeyReusePeriodSeconds"] != "300" {
			t.Errorf("with a key of KMS the attributes are %v", a)
		}
		e.wantCode(e.set(q, "Policy", "{"), "InvalidAttributeValue")
		e.must(e.set(q, "KmsMasterKeyId", ""))
		if a := e.attributes(q); a["KmsMasterKeyId"] != "" {
			t.Errorf("the key is still there: %v", a)
		}
	})
}

func TestQueueTypeStays(t *testing.T) {
	bubble(t, func(e *env) {
		q, fifo := e.queue("orders"), e.queue("orders.fifo", "FifoQueue", "true")
		e.wantCode(e.set(q, "FifoQueue", "true"), "InvalidAttributeName")
		e.wantCode(e.set(q, "ContentBasedDeduplication", "true"), "InvalidAttributeValue")
		e.wantCode(e.set(fifo, "FifoQueue", "false"), "InvalidAttributeValue")
		e.must(e.set(fifo, "FifoQueue", "true"))
		e.wantCode(e.set(fifo, "FifoThroughputLimit", "perMessageGroupId"), "InvalidAttributeValue")
		e.wantCode(e.set(q, "RedrivePolicy", `{"deadLetterTargetArn":"`+e.attributes(q)["QueueArn"]+`","maxReceiveCount":1}`), "InvalidParameterValue")
	})
}

func TestRedriveAllowPolicyByQueue(t *testing.T) {
	bubble(t, func(e *env) {
		dead := e.queue("dead", "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:orders"]}`)
		policy := `{"deadLetterTargetArn":"` + e.attributes(dead)["QueueArn"] + `","maxReceiveCount":"5"}`
		e.must(e.set(e.queue("orders"), "RedrivePolicy", policy))
		e.wantCode(e.set(e.queue("others"), "RedrivePolicy", policy), "InvalidParameterValue")
	})
}

func TestTraceHeaderIsGivenBack(t *testing.T) {
	bubble(t, func(e *env) {
		q := e.queue("orders")
		const header = "Root=1-5759e988-bd862e3fe1be46a994272793"
		out, err := e.client.SendMessage(e.Context(), &sqs.SendMessageInput{
			QueueUrl: q, MessageBody: aws.String("x"),
			MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String(header)}},
		})
		e.must(err)
		if out.MD5OfMessageSystemAttributes == nil {
			t.Error("the answer has no digest of the system attributes")
		}
		if got := e.one(q, 0).Attributes["AWSTraceHeader"]; got != header {
			t.Errorf("the trace header is %q", got)
		}
	})
}
