package sqsfake

// operation decodes into what input makes and gives that to run.
type operation struct {
	input func() any
	run   func(s *Server, c *call, in any) (any, error)
}

func op[In, Out any](run func(s *Server, c *call, in *In) (*Out, error)) operation {
	return operation{
		input: func() any { return new(In) },
		run: func(s *Server, c *call, in any) (any, error) {
			out, err := run(s, c, in.(*In))
			if err != nil || out == nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// operations are all that the server knows, by name. It is set in init, as the
// operations reach it through the server.
var operations map[string]operation

func init() {
	operations = map[string]operation{
		"SendMessage":                  op((*Server).sendMessage),
		"SendMessageBatch":             op((*Server).sendMessageBatch),
		"ReceiveMessage":               op((*Server).receiveMessage),
		"DeleteMessage":                op((*Server).deleteMessage),
		"DeleteMessageBatch":           op((*Server).deleteMessageBatch),
		"ChangeMessageVisibility":      op((*Server).changeVisibility),
		"ChangeMessageVisibilityBatch": op((*Server).changeVisibilityBatch),
		"GetQueueAttributes":           op((*Server).getQueueAttributes),
		"SetQueueAttributes":           op((*Server).setQueueAttributes),
		"GetQueueUrl":                  op((*Server).getQueueURL),
		"CreateQueue":                  op((*Server).createQueue),
		"DeleteQueue":                  op((*Server).deleteQueue),
		"ListQueues":                   op((*Server).listQueues),
		"ListDeadLetterSourceQueues":   op((*Server).listDeadLetterSourceQueues),
		"PurgeQueue":                   op((*Server).purgeQueue),
		"TagQueue":                     op((*Server).tagQueue),
		"UntagQueue":                   op((*Server).untagQueue),
		"ListQueueTags":                op((*Server).listQueueTags),
		"StartMessageMoveTask":         op((*Server).startMessageMoveTask),
		"ListMessageMoveTasks":         op((*Server).listMessageMoveTasks),
		"CancelMessageMoveTask":        op((*Server).cancelMessageMoveTask),
	}
}

// target is the queue that a request is for: by its URL, its name or its ARN. It
// is embedded in inputs.
type target struct {
	QueueURL string `json:"QueueUrl"`
}

func (t *target) queueName() string {
	_, name, _ := splitURL(t.QueueURL)
	return name
}

// queueOf is the name of the queue that a fault looks at; empty when there is
// none.
func queueOf(in any) string {
	if q, ok := in.(interface{ queueName() string }); ok {
		return q.queueName()
	}
	return ""
}

// none is the output of operations that have none.
type none struct{}
