package sqsfake

import (
	"strings"
	"unicode/utf8"
)

// Limits of a message (Amazon SQS Developer Guide, "Amazon SQS message quotas"
// and "Message attribute components").
const (
	maxMessage       = 1 << 20 // bytes: body, and name, type and value of each attribute
	maxAttributes    = 10
	maxAttributeName = 256
	maxAttributeType = 256
)

// attribute is a message attribute as it travels.
type attribute struct {
	DataType         string   `json:"DataType"`
	StringValue      *string  `json:"StringValue,omitempty"`
	BinaryValue      []byte   `json:"BinaryValue,omitempty"`
	StringListValues []string `json:"StringListValues,omitempty"`
	BinaryListValues [][]byte `json:"BinaryListValues,omitempty"`
}

func (a *attribute) size(name string) int {
	return len(name) + len(a.DataType) + len(value(a.StringValue)) + len(a.BinaryValue)
}

// sizeOf is what counts towards the limits of a message and of a batch.
func sizeOf(body string, attributes map[string]attribute) int {
	n := len(body)
	for name, a := range attributes {
		n += a.size(name)
	}
	return n
}

// forbidden finds a character that no message may have: what is not in
// #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF (API
// Reference, "SendMessage").
func forbidden(s string) (rune, bool) {
	for _, r := range s {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return r, true
		}
	}
	return 0, false
}

func checkBody(body *string) error {
	if body == nil || *body == "" {
		return missing("MessageBody")
	}
	if r, bad := forbidden(*body); bad {
		return failf(codeInvalidContents, "Invalid binary character '#x%X' was found in the message body, the set of allowed characters is "+
			"#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF", r)
	}
	return nil
}

func checkAttributes(attributes map[string]attribute) error {
	if n := len(attributes); n > maxAttributes {
		return failf(codeInvalidParameter, "Number of message attributes [%d] exceeds the allowed maximum [%d].", n, maxAttributes)
	}
	for name, a := range attributes {
		if err := checkAttributeName(name); err != nil {
			return err
		}
		if err := a.check(name); err != nil {
			return err
		}
	}
	return nil
}

func checkAttributeName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case name == "":
		return failf(codeInvalidParameter, "The message attribute name must not be empty.")
	case len(name) > maxAttributeName:
		return failf(codeInvalidParameter, "Length of message attribute name must be less than %d bytes.", maxAttributeName)
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
		return failf(codeInvalidParameter, "Message attribute name can not start with AWS. or Amazon.")
	case !validName(name, maxAttributeName, "."):
		return failf(codeInvalidParameter, "Message (user) attributes name can only contain letters, digits, underscores, hyphens and periods.")
	case name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, ".."):
		return failf(codeInvalidParameter, "Message attribute name can not start or end with a period, or have two in a row.")
	}
	return nil
}

func (a *attribute) check(name string) error {
	if a.DataType == "" {
		return failf(codeInvalidParameter, "The message attribute '%s' must contain a non-empty message attribute type.", name)
	}
	kind, label, labelled := strings.Cut(a.DataType, ".")
	if kind != "String" && kind != "Number" && kind != "Binary" {
		return failf(codeInvalidParameter, "The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	if labelled && label == "" || len(a.DataType) > maxAttributeType {
		return failf(codeInvalidParameter, "The message attribute '%s' has an invalid message attribute type: a custom label has 1 to %d characters in all.", name, maxAttributeType)
	}
	if len(a.StringListValues) > 0 || len(a.BinaryListValues) > 0 {
		return failf(codeUnsupported, "Message attribute list values in SendMessage operation are not supported.")
	}
	empty := len(a.BinaryValue) == 0
	if kind != "Binary" {
		empty = value(a.StringValue) == ""
	}
	if empty {
		return failf(codeInvalidParameter, "The message attribute '%s' must contain a non-empty message attribute value for message attribute type '%s'.", name, a.DataType)
	}
	if a.StringValue != nil && len(a.BinaryValue) > 0 {
		return failf(codeInvalidParameter, "The message attribute '%s' has more than one value.", name)
	}
	if _, bad := forbidden(value(a.StringValue)); bad {
		return failf(codeInvalidParameter, "Invalid binary character was found in the value of message attribute '%s'.", name)
	}
	if kind == "Number" && !isNumber(*a.StringValue) {
		return failf(codeInvalidParameter, "Can't cast the value of message (user) attribute '%s' to a number.", name)
	}
	return nil
}

// isNumber: digits with a sign, a point and an exponent.
func isNumber(s string) bool {
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(s), "e")
	if hasExponent && !isDigits(strings.TrimLeft(exponent, "+-"), false) {
		return false
	}
	return isDigits(strings.TrimPrefix(strings.TrimPrefix(mantissa, "-"), "+"), true)
}

func isDigits(s string, point bool) bool {
	digits := 0
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case c == '.' && point:
			point = false
		default:
			return false
		}
	}
	return digits > 0
}

// validToken says whether s may be a group id or a dedup id: 1 to 128 letters,
// digits and punctuation.
func validToken(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= utf8.RuneSelf || c == 0x7f {
			return false
		}
	}
	return true
}
