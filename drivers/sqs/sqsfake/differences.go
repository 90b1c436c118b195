package sqsfake

// Differences gives the rules that LocalStack 4.14.0 was seen to break. Each is
// the rule of a probe.
func Differences() []Difference {
	const (
		takes   = "takes it"
		refuses = "refuses it"
	)
	set := `API Reference, "SetQueueAttributes"`
	return []Difference{
		{"eleven attributes are refused", takes, "refuses more than ten", pageMetadata},
		{"attribute names have at most 256 characters", "takes 255", "takes 256", pageMetadata},
		{"a message of a FIFO queue comes back by its own timeout, whatever other groups do",
			"brings it back only after all that were received before it", "brings it back", pageFIFO},
		{"Number attributes must be numbers", takes, refuses, pageMetadata},
		{"a delay of more than 900 s is refused", takes, refuses, pageDelay},
		{"a visibility timeout of more than 12 h is refused at receive", takes, refuses, pageVisibility},
		{"an unknown system attribute is refused", "ignores it", refuses, `API Reference, "ReceiveMessage"`},
		{"a timeout of more than 12 h is refused", takes, refuses, pageVisibility},
		{"timeouts that reach past 12 h since the receive are refused", takes, refuses, pageVisibility},
		{"a change after the timeout has ended says that the message is not in flight", "answers success and changes nothing",
			"answers MessageNotInflight by its documentation; a recording of 2023 (localstack/localstack#9632) has success and no change, so nobody may count on the error",
			`API Reference, "ChangeMessageVisibility"`},
		{"a change with a superseded handle is refused", "changes the newer lease", refuses, pageIdentifiers},
		{"deleting with a superseded handle succeeds and deletes nothing", "deletes the message",
			"answers success, and the message might not be deleted", `API Reference, "DeleteMessage"`},
		{"a bad entry fails alone, by the sender's fault", "says SenderFault false", "says SenderFault true", `API Reference, "BatchResultErrorEntry"`},
		{"a bad handle in a batch of deletes is the sender's fault", "says SenderFault false", "says SenderFault true", `API Reference, "BatchResultErrorEntry"`},
		{"a bad handle in a batch of changes is the sender's fault", "says SenderFault false", "says SenderFault true", `API Reference, "BatchResultErrorEntry"`},
		{"a moved message of a FIFO queue has a new time of sending", "keeps the time", "sets it anew", pageDeadLetter},
		{"a dead-letter queue must exist", "takes any ARN", refuses, set},
		{"the dead-letter queue of a standard queue is a standard queue", takes, refuses, pageDeadLetter},
		{"a dead-letter queue that denies all cannot be used", "ignores RedriveAllowPolicy", refuses, set},
		{"a message that a task moved has a new id", "keeps the id", "gives it a new id", pageRedrive},
		{"a message that a task moved is received for the first time", "goes on counting", "counts from 1", pageRedrive},
		{"a message that was sent to a dead-letter queue is not moved without a destination", "fails with the reason AttributeError",
			"fails with the reason CouldNotDetermineMessageSource", `API Reference, "ListMessageMoveTasks"`},
		{"the rate of a move task is at most 500 a second", takes, refuses, `API Reference, "StartMessageMoveTask"`},
		{"a visibility timeout of the queue is at most 12 h", takes, refuses, set},
		{"a retention is at least 60 s", takes, refuses, set},
		{"a retention is at most 14 days", takes, refuses, set},
		{"a delay of the queue is at most 900 s", takes, refuses, set},
		{"a wait of the queue is at most 20 s", takes, refuses, set},
		{"a message size of the queue is at most 1 MiB", takes, refuses, set},
		{"a queue is purged once a minute", "purges it again, unless SQS_DELAY_PURGE_RETRY is set", refuses, `API Reference, "PurgeQueue"`},
		{"a queue's name can be used again a minute after its deletion", "creates it at once, unless SQS_DELAY_RECENTLY_DELETED is set", refuses, `API Reference, "DeleteQueue"`},
	}
}
