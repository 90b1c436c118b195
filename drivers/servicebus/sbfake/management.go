package sbfake

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/go-amqp"

	"github.com/longshore-dev/longshore/drivers/servicebus/sbfake/internal/broker"
)

// request is a request to the management node of an entity.
type request struct {
	c      *conn
	entity *broker.Entity
	body   map[string]any
	link   string // the client's link that it belongs to, if any
}

// operations are those of the management node ("AMQP 1.0 in Azure Service Bus:
// request-response-based operations"). They answer a status and a body.
var operations = map[string]func(*request) (int, map[string]any, error){
	"renew-lock":                 (*request).renewLock,
	"peek-message":               (*request).peek,
	"schedule-message":           (*request).schedule,
	"cancel-scheduled-message":   (*request).cancel,
	"receive-by-sequence-number": (*request).receive,
	"update-disposition":         (*request).update,
	"renew-session-lock":         (*request).renewSession,
	"get-session-state":          (*request).sessionState,
	"set-session-state":          (*request).setSessionState,
}

// manage does what a request to the management node asks for, and answers it.
func (c *conn) manage(e *broker.Entity, m *amqp.Message) {
	name, _ := m.ApplicationProperties["operation"].(string)
	name = strings.TrimPrefix(name, "com.microsoft:")
	c.s.counts.add(func(t *Traffic) { t.Requests[name]++ })
	f := c.s.strike(name, e.Path())
	if f.prevents() {
		c.answer(m, f, 200, nil, nil)
		return
	}
	operation, ok := operations[name]
	if !ok {
		c.answer(m, f, 0, nil, &broker.Error{Condition: "amqp:not-implemented", Status: 501, Text: fmt.Sprintf("There is no operation %q.", name)})
		return
	}
	r := &request{c: c, entity: e}
	r.body, _ = m.Value.(map[string]any)
	r.link, _ = m.ApplicationProperties["associated-link-name"].(string)
	status, body, err := operation(r)
	c.answer(m, f, status, body, err)
}

// answer answers a request to a node, on the link that the request names.
func (c *conn) answer(m *amqp.Message, f *Fault, status int, body map[string]any, err error) {
	text, condition := "OK", ""
	if f.ends(c, func() {}) { // links to nodes stay
		return
	}
	if refusal := f.refusal("request"); refusal != nil {
		err = refusal
	}
	if err != nil {
		status, text, body = 500, err.Error(), nil
		if b, ok := err.(*broker.Error); ok { //nolint:errorlint // the broker wraps nothing
			status, text, condition = cmp.Or(b.Status, 500), b.Text, b.Condition
		}
	}
	if m.Properties == nil || m.Properties.ReplyTo == nil {
		return // nobody waits for it
	}
	reply := &amqp.Message{
		Properties: &amqp.MessageProperties{CorrelationID: m.Properties.MessageID},
		ApplicationProperties: map[string]any{
			"status-code": int32(status), "status-description": text,
			"statusCode": int32(status), "statusDescription": text,
		},
		Value: body,
	}
	if condition != "" {
		reply.ApplicationProperties["error-condition"], reply.ApplicationProperties["errorCondition"] = condition, condition
	}
	if body == nil {
		reply.Value = map[string]any{}
	}
	encoded, failed := reply.MarshalBinary()
	if failed != nil {
		panic("sbfake: encode an answer: " + failed.Error()) // all in it was made here, or decoded
	}
	c.later(f.delay(), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if l := c.replies[*m.Properties.ReplyTo]; l != nil {
			l.answer(encoded)
		}
	})
}

func malformed(what string) error {
	return &broker.Error{Condition: broker.BadArgument, Status: 400, Text: "The request has no " + what + "."}
}

// tokens are the lock tokens of a request.
func (r *request) tokens() ([]broker.Token, error) {
	switch v := r.body["lock-tokens"].(type) {
	case []amqp.UUID:
		tokens := make([]broker.Token, len(v))
		for i, t := range v {
			tokens[i] = broker.Token(t)
		}
		return tokens, nil
	case []any:
		tokens := make([]broker.Token, len(v))
		for i, t := range v {
			u, ok := t.(amqp.UUID)
			if !ok {
				return nil, malformed("lock-tokens that are UUIDs")
			}
			tokens[i] = broker.Token(u)
		}
		return tokens, nil
	}
	return nil, malformed("lock-tokens")
}

// numbers are the sequence numbers of a request.
func (r *request) numbers() ([]int64, error) {
	switch v := r.body["sequence-numbers"].(type) {
	case []int64:
		return v, nil
	case []any:
		numbers := make([]int64, len(v))
		for i, n := range v {
			number, ok := n.(int64)
			if !ok {
				return nil, malformed("sequence-numbers that are longs")
			}
			numbers[i] = number
		}
		return numbers, nil
	}
	return nil, malformed("sequence-numbers")
}

func (r *request) renewLock() (int, map[string]any, error) {
	tokens, err := r.tokens()
	if err != nil {
		return 0, nil, err
	}
	ends := make([]time.Time, len(tokens))
	for i, t := range tokens {
		if ends[i], err = r.entity.Renew(t); err != nil {
			return 0, nil, err
		}
	}
	return 200, map[string]any{"expirations": ends}, nil
}

func (r *request) peek() (int, map[string]any, error) {
	from, _ := r.body["from-sequence-number"].(int64)
	n, _ := r.body["message-count"].(int32)
	var session *string
	if id, ok := r.body["session-id"].(string); ok {
		session = &id
	}
	shown, err := r.entity.Peek(from, int(n), session)
	if err != nil {
		return 0, nil, err
	}
	return list(shown)
}

// list is messages as an answer.
func list(encoded [][]byte) (int, map[string]any, error) {
	if len(encoded) == 0 {
		return 204, nil, nil
	}
	messages := make([]any, len(encoded))
	for i, m := range encoded {
		messages[i] = map[string]any{"message": m}
	}
	return 200, map[string]any{"messages": messages}, nil
}

func (r *request) schedule() (int, map[string]any, error) {
	entries, _ := r.body["messages"].([]any)
	if len(entries) == 0 {
		return 0, nil, malformed("messages")
	}
	messages := make([]*amqp.Message, len(entries))
	for i, e := range entries {
		entry, _ := e.(map[string]any)
		encoded, ok := entry["message"].([]byte)
		if !ok {
			return 0, nil, malformed("message")
		}
		if most := r.entity.MaxMessageSize(); len(encoded) > most {
			return 0, nil, &broker.Error{Condition: broker.TooLarge, Status: 400, Text: fmt.Sprintf("The received message (size:%d) exceeds the limit (%d).", len(encoded), most)}
		}
		messages[i] = new(amqp.Message)
		if err := messages[i].UnmarshalBinary(encoded); err != nil {
			return 0, nil, &broker.Error{Condition: "amqp:decode-error", Status: 400, Text: err.Error()}
		}
	}
	numbers, err := r.entity.Schedule(messages)
	if err != nil {
		return 0, nil, err
	}
	r.c.s.counts.add(func(t *Traffic) { t.Messages += len(messages) })
	return 200, map[string]any{"sequence-numbers": numbers}, nil
}

func (r *request) cancel() (int, map[string]any, error) {
	numbers, err := r.numbers()
	if err != nil {
		return 0, nil, err
	}
	return 200, nil, r.entity.Cancel(numbers)
}

func (r *request) receive() (int, map[string]any, error) {
	numbers, err := r.numbers()
	if err != nil {
		return 0, nil, err
	}
	mode, _ := r.body["receiver-settle-mode"].(uint32)
	deliveries, err := r.entity.Deferred(numbers, mode == 0)
	if err != nil {
		return 0, nil, err
	}
	encoded := make([][]byte, len(deliveries))
	for i, d := range deliveries {
		encoded[i] = d.Message
	}
	return list(encoded)
}

func (r *request) update() (int, map[string]any, error) {
	tokens, err := r.tokens()
	if err != nil {
		return 0, nil, err
	}
	var s broker.Settlement
	switch status, _ := r.body["disposition-status"].(string); status {
	case "completed":
		s.Verdict = broker.Complete
	case "abandoned":
		s.Verdict = broker.Abandon
	case "defered": // as the service spells it
		s.Verdict = broker.Defer
	case "suspended":
		s.Verdict = broker.DeadLetter
		s.Reason, _ = r.body["deadletter-reason"].(string)
		s.Description, _ = r.body["deadletter-description"].(string)
	default:
		return 0, nil, malformed("disposition-status")
	}
	s.Properties, _ = r.body["properties-to-modify"].(map[string]any)
	for _, t := range tokens {
		if err := r.entity.Settle(t, s); err != nil {
			return 0, nil, err
		}
	}
	return 200, nil, nil
}

// consumer is that of the session that the request names, on this connection.
func (r *request) consumer() (*broker.Consumer, error) {
	id, ok := r.body["session-id"].(string)
	if !ok {
		return nil, malformed("session-id")
	}
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	for _, ss := range r.c.sessions {
		for _, l := range ss.outgoing {
			if l.consumer != nil && l.entity == r.entity && l.session != nil && *l.session == id && (r.link == "" || r.link == l.name) {
				return l.consumer, nil
			}
		}
	}
	return nil, &broker.Error{Condition: broker.SessionLockLost, Status: 410, Text: fmt.Sprintf("The session lock has expired on the session %q.", id)}
}

func (r *request) renewSession() (int, map[string]any, error) {
	c, err := r.consumer()
	if err != nil {
		return 0, nil, err
	}
	until, err := c.RenewSession()
	if err != nil {
		return 0, nil, err
	}
	return 200, map[string]any{"expiration": until}, nil
}

func (r *request) sessionState() (int, map[string]any, error) {
	c, err := r.consumer()
	if err != nil {
		return 0, nil, err
	}
	state, err := c.SessionState()
	if err != nil {
		return 0, nil, err
	}
	body := map[string]any{"session-state": nil}
	if state != nil {
		body["session-state"] = state
	}
	return 200, body, nil
}

func (r *request) setSessionState() (int, map[string]any, error) {
	c, err := r.consumer()
	if err != nil {
		return 0, nil, err
	}
	state, _ := r.body["session-state"].([]byte)
	return 200, nil, c.SetSessionState(state)
}
