package main

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/longshore-dev/longshore/driver"
)

// The operations that carry messages.
const (
	opReceive = "ReceiveMessage"
	opSend    = "SendMessageBatch"
	opDelete  = "DeleteMessageBatch"
	opChange  = "ChangeMessageVisibilityBatch"
)

// operation is the name as a string that need not be made.
func operation(name []byte) string {
	for _, op := range []string{opReceive, opSend, opDelete, opChange} {
		if string(name) == op {
			return op
		}
	}
	return string(name)
}

// answer appends the answer to a request to out.
func (s *nullServer) answer(out []byte, op string, body []byte) ([]byte, error) {
	switch op {
	case opReceive:
		a, err := s.receiveAnswer(body)
		if err != nil {
			return nil, err
		}
		s.counts.receive.add(len(a.ids) / 2)
		return a.append(out, s.last.Add(uint64(len(a.ids)/2))), nil
	case opDelete, opChange:
		out, n := appendSuccess(out, body)
		if op == opDelete {
			s.counts.remove.add(n)
		} else {
			s.counts.change.add(n)
		}
		return out, nil
	case opSend:
		return s.sent(out, body)
	}
	s.counts.other.add(0)
	var request struct{ QueueName, QueueUrl string }
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	switch op {
	case "GetQueueUrl":
		s.mu.Lock()
		defer s.mu.Unlock()
		return fmt.Appendf(out, `{"QueueUrl":"http://%s/%s/%s"}`, s.address, account, request.QueueName), nil
	case "GetQueueAttributes":
		return appendAttributes(out, request.QueueUrl)
	case "DeleteMessage", "ChangeMessageVisibility":
		return append(out, "{}"...), nil
	}
	return nil, fmt.Errorf("the null server has no operation %q", op)
}

const (
	account    = "000000000000"
	region     = "us-east-1"
	deadSuffix = "-dead"
)

func arn(queue string) string { return "arn:aws:sqs:" + region + ":" + account + ":" + queue }

// appendAttributes appends those of a queue that a worker accepts.
func appendAttributes(out []byte, url string) ([]byte, error) {
	name := url[strings.LastIndexByte(url, '/')+1:]
	attributes := map[string]string{
		"QueueArn": arn(name), "VisibilityTimeout": "30", "DelaySeconds": "0", "MaximumMessageSize": "1048576",
		"MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0",
		"ApproximateNumberOfMessages": "1000", "ApproximateNumberOfMessagesNotVisible": "0",
		"ApproximateNumberOfMessagesDelayed": "0",
	}
	if strings.HasSuffix(name, deadSuffix) {
		attributes["MessageRetentionPeriod"] = "1209600"
	} else {
		attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":100}`, arn(name+deadSuffix))
	}
	return appendJSON(out, map[string]any{"Attributes": attributes})
}

// appendJSON appends v as JSON.
func appendJSON(out []byte, v any) ([]byte, error) {
	data, err := json.Marshal(v)
	return append(out, data...), err
}

// appendSuccess answers that every entry of a batch is done.
func appendSuccess(out, body []byte) ([]byte, int) {
	const mark = `"Id":"`
	out = append(out, `{"Failed":[],"Successful":[`...)
	n := 0
	for {
		at := bytes.Index(body, []byte(mark))
		if at < 0 {
			return append(out, `]}`...), n
		}
		body = body[at+len(mark):]
		end := bytes.IndexByte(body, '"')
		if n++; n > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, `{"Id":"`...), body[:max(end, 0)]...), `"}`...)
	}
}

// sent answers a send. What it is of is forgotten.
func (s *nullServer) sent(out, body []byte) ([]byte, error) {
	var request struct {
		Entries []struct {
			Id, MessageBody   string
			MessageAttributes map[string]attribute
		}
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	s.counts.send.add(len(request.Entries))
	type result struct {
		Id, MessageId          string
		MD5OfMessageBody       string
		MD5OfMessageAttributes string `json:",omitempty"`
	}
	answer := struct {
		Failed     []struct{}
		Successful []result
	}{[]struct{}{}, nil}
	for _, e := range request.Entries {
		answer.Successful = append(answer.Successful, result{
			Id: e.Id, MessageId: string(appendID(nil, s.last.Add(1))),
			MD5OfMessageBody: md5Hex(e.MessageBody), MD5OfMessageAttributes: md5OfAttributes(e.MessageAttributes),
		})
	}
	return appendJSON(out, answer)
}

// receiveAnswer is what a receive is answered, but for the ids in it: first that
// of the message, then that in its receipt handle, for each.
type receiveAnswer struct {
	text []byte
	ids  []int // where the digits of each begin
}

// idDigits is how long the part of an id is that differs.
const idDigits = 12

// append appends the answer with ids up to last to out.
func (a *receiveAnswer) append(out []byte, last uint64) []byte {
	from := len(out)
	out = append(out, a.text...)
	for i, at := range a.ids {
		putDigits(out[from+at:from+at+idDigits], last-uint64(i/2))
	}
	return out
}

func putDigits(to []byte, n uint64) {
	const digits = "0123456789abcdef"
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = digits[n&15]
		n >>= 4
	}
}

// appendID appends a message's id.
func appendID(out []byte, n uint64) []byte {
	out = append(out, "00000000-0000-4000-8000-000000000000"...)
	putDigits(out[len(out)-idDigits:], n)
	return out
}

// receiveAnswer prepares the answer to a receive, once for all that are alike.
func (s *nullServer) receiveAnswer(body []byte) (*receiveAnswer, error) {
	if a, ok := s.receives.Load(string(body)); ok {
		return a.(*receiveAnswer), nil
	}
	var request struct {
		MaxNumberOfMessages                                                int
		AttributeNames, MessageSystemAttributeNames, MessageAttributeNames []string
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	n := max(1, request.MaxNumberOfMessages)
	if n > len(s.messages) {
		return nil, errors.New("more messages are asked for than a receive may bring")
	}
	names := slices.Concat(request.AttributeNames, request.MessageSystemAttributeNames)
	a := &receiveAnswer{text: []byte(`{"Messages":[`)}
	for i, m := range s.messages[:n] {
		if i > 0 {
			a.text = append(a.text, ',')
		}
		if err := s.appendMessage(a, &m, names, len(request.MessageAttributeNames) > 0); err != nil {
			return nil, err
		}
	}
	a.text = append(a.text, `]}`...)
	s.receives.Store(string(body), a)
	return a, nil
}

// handleLength is about how long the receipt handles of Amazon SQS are.
const handleLength = 400

func (s *nullServer) appendMessage(a *receiveAnswer, m *driver.Message, names []string, attributes bool) (err error) {
	a.text = appendID(append(a.text, `{"MessageId":"`...), 0)
	a.ids = append(a.ids, len(a.text)-idDigits)
	a.text = append(append(a.text, `","ReceiptHandle":"`...), bytes.Repeat([]byte("A"), handleLength)...)
	a.ids = append(a.ids, len(a.text)-idDigits)
	a.text = fmt.Appendf(a.text, `","MD5OfBody":"%s","Body":`, md5Hex(string(m.Body)))
	if a.text, err = appendJSON(a.text, string(m.Body)); err != nil {
		return err
	}
	system := make(map[string]string)
	for name, value := range map[string]string{
		"SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateReceiveCount": "1",
		"SentTimestamp":                    strconv.FormatInt(s.started.UnixMilli(), 10),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(s.started.UnixMilli(), 10),
	} {
		if slices.Contains(names, name) || slices.Contains(names, "All") {
			system[name] = value
		}
	}
	if len(system) > 0 {
		if a.text, err = appendJSON(append(a.text, `,"Attributes":`...), system); err != nil {
			return err
		}
	}
	if attributes && len(m.Attributes) > 0 {
		own := make(map[string]attribute)
		for name, value := range m.Attributes {
			own[name] = attribute{DataType: "String", StringValue: value}
		}
		a.text = fmt.Appendf(a.text, `,"MD5OfMessageAttributes":"%s","MessageAttributes":`, md5OfAttributes(own))
		if a.text, err = appendJSON(a.text, own); err != nil {
			return err
		}
	}
	a.text = append(a.text, '}')
	return nil
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}
