package sqsfake

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// entries are send entries with these ids, which are their bodies too.
func entries(ids ...string) []types.SendMessageBatchRequestEntry {
	var es []types.SendMessageBatchRequestEntry
	for _, id := range ids {
		es = append(es, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &id})
	}
	return es
}

func (t *trial) trySendBatch(q string, es []types.SendMessageBatchRequestEntry) (*sqs.SendMessageBatchOutput, error) {
	if t.err != nil {
		return nil, t.err
	}
	return t.client.SendMessageBatch(t.ctx, &sqs.SendMessageBatchInput{QueueUrl: &q, Entries: es})
}

// refusesBatch sends a batch, which must be refused as a whole.
func refusesBatch(code string, es ...types.SendMessageBatchRequestEntry) func(t *trial) {
	return func(t *trial) {
		q := t.queue("q")
		_, err := t.trySendBatch(q, es)
		t.refused(err, code)
		t.nothing(q)
	}
}

func numbers(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
	}
	return ids
}

var batchRules = []rule{
	{"a batch of eleven is refused", pageBatch, refusesBatch(codeTooManyEntries, entries(numbers(11)...)...)},
	{"an empty batch is refused", pageBatch, func(t *trial) {
		_, err := t.trySendBatch(t.queue("q"), []types.SendMessageBatchRequestEntry{})
		t.refused(err, codeEmptyBatch)
	}},
	{"the ids of a batch must differ", pageBatch, refusesBatch(codeBatchIDsNotDistinct, entries("a", "b", "a")...)},
	{"the ids of a batch are of letters, digits, hyphens and underscores", `API Reference, "SendMessageBatch"`, refusesBatch(codeInvalidBatchID, entries("a", "b c")...)},
	{"a batch of more than 1 MiB in all is refused", `API Reference, "SendMessageBatch"`, func(t *trial) {
		q := t.queue("q")
		es := entries("a", "b")
		body := strings.Repeat("x", maxMessage/2+1)
		es[0].MessageBody, es[1].MessageBody = &body, &body
		_, err := t.trySendBatch(q, es)
		t.refused(err, codeBatchTooLong)
		t.nothing(q)
	}},
	{"a bad entry fails alone, by the sender's fault", pageBatch, func(t *trial) {
		q := t.queue("q")
		es := entries("good", "bad", "well")
		body := "a\x01b"
		es[1].MessageBody = &body
		out, err := t.trySendBatch(q, es)
		t.must(err)
		if err != nil {
			return
		}
		t.want(len(out.Successful) == 2 && len(out.Failed) == 1, "%d sent and %d failed, want 2 and 1", len(out.Successful), len(out.Failed))
		t.failed(out.Failed, "bad", codeInvalidContents)
	}},
	{"a bad handle in a batch of deletes is the sender's fault", `API Reference, "DeleteMessageBatch"`, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		m := t.one(q, 1, 0)
		if t.err != nil {
			return
		}
		good, bad, junk := "good", "bad", "junk"
		out, err := t.client.DeleteMessageBatch(t.ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: &bad, ReceiptHandle: &junk}, {Id: &good, ReceiptHandle: m.ReceiptHandle},
		}})
		t.must(err)
		if err != nil {
			return
		}
		t.want(len(out.Successful) == 1, "%d deleted, want 1", len(out.Successful))
		t.failed(out.Failed, "bad", codeReceiptHandle)
	}},
	{"a bad handle in a batch of changes is the sender's fault", `API Reference, "ChangeMessageVisibilityBatch"`, func(t *trial) {
		q := t.queue("q")
		t.send(q, "x")
		m := t.one(q, 1, 0)
		if t.err != nil {
			return
		}
		good, bad, junk := "good", "bad", "junk"
		out, err := t.client.ChangeMessageVisibilityBatch(t.ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: &bad, ReceiptHandle: &junk, VisibilityTimeout: 5}, {Id: &good, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 5},
		}})
		t.must(err)
		if err != nil {
			return
		}
		t.want(len(out.Successful) == 1, "%d changed, want 1", len(out.Successful))
		t.failed(out.Failed, "bad", codeReceiptHandle)
	}},
}
