package driver

import "time"

// Message is what the broker sees of a task. Three ids are never mixed: the
// task's own id lives in the body, ID is the broker's, SendID names one send.
type Message struct {
	// ID is the broker's id of the message. Set on receive; ignored by Send.
	ID string

	// SendID names one send, so that a deduplicating broker can tell a retried
	// send from a new one: such a broker drops a second message with the same
	// SendID inside its window (SQS FIFO: MessageDeduplicationId; Service Bus:
	// MessageId). 1 to MaxKey bytes of visible ASCII; when it is empty the
	// driver takes DedupKey, else makes a fresh one. A copy of a received
	// message never reuses the SendID it was received with.
	SendID string

	// Body is written once and never changes, whatever becomes of the message.
	// 1 to Capabilities.MaxBody bytes.
	Body []byte

	// Attributes are the application's own. Names are 1 to MaxAttributeName
	// bytes of letters, digits, hyphen, underscore and period; values are
	// text, see [IsText], of 1 to Capabilities.MaxAttributeValue bytes.
	Attributes map[string]string

	// GroupKey orders: messages with the same key are delivered in the order in
	// which they were sent. One Receive may answer several of them; while any of
	// those is leased no other message of the group is delivered. A receiver
	// that releases the first gives back those behind it after it, or they pass
	// it. Refused where Capabilities.Ordered is false. 1 to MaxKey bytes of
	// visible ASCII, or empty.
	GroupKey string

	// FairnessKey names whose message this is, so that the broker can keep one
	// tenant from delaying the others. Refused where Capabilities.Fairness is
	// Unsupported. 1 to MaxKey bytes of visible ASCII, or empty.
	FairnessKey string

	// DedupKey asks the broker to drop this message if it saw the same key
	// within its window; it becomes the SendID when that is empty. Refused
	// where Capabilities.Dedup is Unsupported. Send only: a received message
	// does not report it. 1 to MaxKey bytes of visible ASCII, or empty.
	DedupKey string

	// Delay keeps the message hidden for a time after the send. 0 to
	// Capabilities.MaxSendDelay. Send only.
	Delay time.Duration

	// SentAt is when the broker took the message, by the broker's clock; zero
	// when it does not say. Set on receive; ignored by Send.
	SentAt time.Time

	// Carry is the state of this copy of the task.
	Carry Carry

	// Death is the record of a dead letter. On a message of the main queue it
	// means that the message was moved back by other means than Redrive.
	Death *Death

	// Defect is set on receive when a reserved attribute did not decode. The
	// attribute then stays in Attributes under its reserved name, and Carry or
	// Death is as if it were absent.
	Defect error
}

const (
	// MaxKey is the most bytes in a GroupKey, FairnessKey, DedupKey or SendID.
	MaxKey = 128
	// MaxAttributeName is the most bytes in the name of an attribute.
	MaxAttributeName = 256
)
