package sqs

import (
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/longshore-dev/longshore/driver"
)

// stringType is the data type of our attributes. Those of other producers may be
// numbers, binary or any of these with a label, such as String.uuid.
const stringType = "String"

var stringTypePointer = aws.String(stringType)

// text is an attribute's value as text: binary in base64.
func text(v *types.MessageAttributeValue) string {
	if v.StringValue != nil {
		return *v.StringValue
	}
	return base64.StdEncoding.EncodeToString(v.BinaryValue)
}

// plain reports whether text tells all there is of every attribute.
func plain(all map[string]types.MessageAttributeValue) bool {
	for _, v := range all {
		if aws.ToString(v.DataType) != stringType || v.StringValue == nil {
			return false
		}
	}
	return true
}

// attributesOf are a message's attributes as text.
func attributesOf(all map[string]types.MessageAttributeValue) map[string]string {
	if len(all) == 0 {
		return nil
	}
	m := make(map[string]string, len(all))
	for name, v := range all {
		m[name] = text(&v)
	}
	return m
}

// native are attributes as Amazon SQS takes them.
func native(all map[string]string) map[string]types.MessageAttributeValue {
	if len(all) == 0 {
		return nil
	}
	m := make(map[string]types.MessageAttributeValue, len(all))
	for name, v := range all {
		m[name] = types.MessageAttributeValue{DataType: stringTypePointer, StringValue: aws.String(v)}
	}
	return m
}

// sizeOf is what an attribute counts against the size of a message: name, data
// type and value. Source: Amazon SQS Developer Guide, "Amazon SQS message
// metadata".
func sizeOf(name string, v *types.MessageAttributeValue) int {
	return len(name) + len(aws.ToString(v.DataType)) + len(aws.ToString(v.StringValue)) + len(v.BinaryValue)
}

// loneGroup begins the message group id of a message without a group key on a FIFO
// queue, where every message needs one: a group of its own.
const loneGroup = "longshore-lone-"

// groupID is the message group id under which m is sent, or nil.
func groupID(m *driver.Message, fifo bool, sendID string) *string {
	switch {
	case m.GroupKey != "":
		return &m.GroupKey
	case fifo:
		return aws.String(loneGroup + sendID[:min(len(sendID), driver.MaxKey-len(loneGroup))])
	case m.FairnessKey != "":
		return &m.FairnessKey
	}
	return nil
}

// setGroup is the reverse of groupID.
func setGroup(m *driver.Message, id string, fifo bool) {
	switch {
	case !fifo:
		m.FairnessKey = id
	case !strings.HasPrefix(id, loneGroup):
		m.GroupKey = id
	}
}
