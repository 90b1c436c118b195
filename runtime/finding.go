package runtime

// Setting names a part of a queue's configuration, as a token that programs may
// compare.
type Setting string

// The settings that a start-up check looks at.
const (
	SettingDeadLetter          Setting = "dead-letter"
	SettingAttemptLimit        Setting = "attempt-limit"
	SettingHold                Setting = "hold"
	SettingTimeout             Setting = "timeout"
	SettingRetryDelay          Setting = "retry-delay"
	SettingDeadLetterRetention Setting = "dead-letter-retention"
)

// Finding is something in a queue's configuration with which a Worker could not
// keep its promises; see [Worker.Check].
type Finding struct {
	// Queue is the name of the queue.
	Queue string
	// Setting is what has to change.
	Setting Setting
	// Problem says what is wrong, with values and limits; Why what would come of
	// it; Fix what to do. Each is a part of a sentence.
	Problem, Why, Fix string
}

// Error is all of it but the queue.
func (f Finding) Error() string { return f.Problem + ", so " + f.Why + "; " + f.Fix }

var _ error = Finding{}
