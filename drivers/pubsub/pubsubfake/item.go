package pubsubfake

import (
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/longshore-dev/longshore/drivers/internal/list"
	"github.com/longshore-dev/longshore/internal/due"
)

// state says where in its subscription a message is.
type state uint8

const (
	gone    state = iota // acknowledged, expired or forwarded
	ready                // may be delivered
	leased               // delivered, until its ack deadline
	delayed              // kept back by the retry policy
	acked                // acknowledged before one that has the same ordering key
	states
)

// content is a message as it was published. It is immutable, and all subscriptions
// of the topic share it.
type content struct {
	message *pubsubpb.PubsubMessage
	number  uint64
	size    int
	sent    time.Duration
}

// item is one message of one subscription. Its fields are guarded by the server's
// mu.
type item struct {
	due.Slot[*item] // when leased or delayed

	*content
	state    state
	delivery uint32 // number of the last delivery
	live     bool   // whether the ack id of the last delivery is good
	failures int    // nacks and ends of ack deadlines
	age      age
	turn     uint64           // when it became ready
	links    list.Links[item] // in the list of ready messages or in its line
	line     *line            // of a subscription that keeps order
}

// age places an item in the order of publishing, for the end of its retention.
type age struct {
	due.Slot[*age]

	it *item
}

// sizeOf is what counts towards the limit of a message: data and attributes.
func sizeOf(m *pubsubpb.PubsubMessage) int {
	n := len(m.GetData()) + len(m.GetOrderingKey())
	for k, v := range m.GetAttributes() {
		n += len(k) + len(v)
	}
	return n
}

// newContent takes m over as a message that is published now. Nobody else may have
// m.
func (s *Server) newContent(m *pubsubpb.PubsubMessage, now time.Duration) *content {
	s.number++
	m.MessageId = messageID(s.number)
	m.PublishTime = s.timestamp(now)
	return &content{message: m, number: s.number, size: sizeOf(m), sent: now}
}
