package sqsfake

import (
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func refusesAttributes(attributes ...string) func(t *trial) {
	return func(t *trial) {
		q := t.queue("q")
		t.refused(t.set(q, attributes...), codeInvalidAttribute, codeInvalidAttributeName, codeInvalidParameter)
	}
}

var queueRules = []rule{
	{"creating a queue that is there with the same attributes succeeds", `API Reference, "CreateQueue"`, func(t *trial) {
		q := t.queue("q", "VisibilityTimeout", "60")
		again := t.queue("q", "VisibilityTimeout", "60")
		t.want(q == again, "the URLs are %s and %s", q, again)
		t.queue("q")
	}},
	{"creating a queue that is there with other attributes is refused", `API Reference, "CreateQueue"`, func(t *trial) {
		t.queue("q", "VisibilityTimeout", "60")
		_, err := t.create("q", "VisibilityTimeout", "61")
		t.refused(err, codeQueueExists)
	}},
	{"a queue is looked up by name", `API Reference, "GetQueueUrl"`, func(t *trial) {
		q := t.queue("q")
		if t.err != nil {
			return
		}
		name, missing := t.prefix+"-q", t.prefix+"-missing"
		out, err := t.client.GetQueueUrl(t.ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		t.must(err)
		if err == nil {
			t.want(*out.QueueUrl == q, "the URL is %s, want %s", *out.QueueUrl, q)
		}
		_, err = t.client.GetQueueUrl(t.ctx, &sqs.GetQueueUrlInput{QueueName: &missing})
		t.refused(err, codeNoQueue)
	}},
	{"a queue that does not exist is said not to", `API Reference, "SendMessage"`, func(t *trial) {
		_, err := t.trySend(t.queue("q")+"-missing", letter{body: "x"})
		t.refused(err, codeNoQueue)
	}},
	{"queues are listed by prefix, in pages", `API Reference, "ListQueues"`, func(t *trial) {
		for _, name := range []string{"a", "b", "c"} {
			t.queue(name)
		}
		if t.err != nil {
			return
		}
		limit := int32(2)
		in := &sqs.ListQueuesInput{QueueNamePrefix: &t.prefix, MaxResults: &limit}
		first, err := t.client.ListQueues(t.ctx, in)
		t.must(err)
		if err != nil {
			return
		}
		t.want(len(first.QueueUrls) == 2 && first.NextToken != nil, "the first page is %q", first.QueueUrls)
		in.NextToken = first.NextToken
		second, err := t.client.ListQueues(t.ctx, in)
		t.must(err)
		if err == nil {
			t.want(len(second.QueueUrls) == 1 && second.NextToken == nil, "the second page is %q", second.QueueUrls)
		}
	}},
	{"an unknown queue attribute is refused", `API Reference, "SetQueueAttributes"`, refusesAttributes("Color", "blue")},
	{"a visibility timeout of the queue is at most 12 h", `API Reference, "SetQueueAttributes"`, refusesAttributes("VisibilityTimeout", "43201")},
	{"a retention is at least 60 s", `API Reference, "SetQueueAttributes"`, refusesAttributes("MessageRetentionPeriod", "59")},
	{"a retention is at most 14 days", `API Reference, "SetQueueAttributes"`, refusesAttributes("MessageRetentionPeriod", "1209601")},
	{"a delay of the queue is at most 900 s", `API Reference, "SetQueueAttributes"`, refusesAttributes("DelaySeconds", "901")},
	{"a wait of the queue is at most 20 s", `API Reference, "SetQueueAttributes"`, refusesAttributes("ReceiveMessageWaitTimeSeconds", "21")},
	{"a message size of the queue is at most 1 MiB", `API Reference, "SetQueueAttributes"`, refusesAttributes("MaximumMessageSize", "1048577")},
	{"the default message size is 1 MiB", pageQuotas, func(t *trial) {
		n := t.attribute(t.queue("q"), "MaximumMessageSize")
		t.want(n == "1048576", "it is %s", n)
	}},
	{"the default retention is 4 days and the default timeout 30 s", `API Reference, "CreateQueue"`, func(t *trial) {
		q := t.queue("q")
		retention, timeout := t.attribute(q, "MessageRetentionPeriod"), t.attribute(q, "VisibilityTimeout")
		t.want(retention == "345600" && timeout == "30", "they are %s and %s", retention, timeout)
	}},
	{"a queue is purged of messages in flight too", `API Reference, "PurgeQueue"`, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		m := t.one(q, 1, 0)
		t.send(q, "y")
		if t.err != nil {
			return
		}
		_, err := t.client.PurgeQueue(t.ctx, &sqs.PurgeQueueInput{QueueUrl: &q})
		t.must(err)
		_ = t.change(q, m, 0)
		t.nothing(q)
	}},
	{"a queue is purged once a minute", `API Reference, "PurgeQueue"`, func(t *trial) {
		q := t.queue("q")
		if t.err != nil {
			return
		}
		_, err := t.client.PurgeQueue(t.ctx, &sqs.PurgeQueueInput{QueueUrl: &q})
		t.must(err)
		_, err = t.client.PurgeQueue(t.ctx, &sqs.PurgeQueueInput{QueueUrl: &q})
		t.refused(err, codePurgeInProgress)
	}},
	{"a queue's name can be used again a minute after its deletion", `API Reference, "DeleteQueue"`, func(t *trial) {
		q := t.queue("q")
		if t.err != nil {
			return
		}
		_, err := t.client.DeleteQueue(t.ctx, &sqs.DeleteQueueInput{QueueUrl: &q})
		t.must(err)
		_, err = t.create("q")
		t.refused(err, codeQueueDeleted)
	}},
	{"tags are set, listed and removed", `API Reference, "TagQueue"`, func(t *trial) {
		q := t.queue("q")
		if t.err != nil {
			return
		}
		_, err := t.client.TagQueue(t.ctx, &sqs.TagQueueInput{QueueUrl: &q, Tags: map[string]string{"a": "1", "b": "2"}})
		t.must(err)
		_, err = t.client.UntagQueue(t.ctx, &sqs.UntagQueueInput{QueueUrl: &q, TagKeys: []string{"a"}})
		t.must(err)
		out, err := t.client.ListQueueTags(t.ctx, &sqs.ListQueueTagsInput{QueueUrl: &q})
		t.must(err)
		if err == nil {
			t.want(len(out.Tags) == 1 && out.Tags["b"] == "2", "the tags are %v", out.Tags)
		}
	}},
}
