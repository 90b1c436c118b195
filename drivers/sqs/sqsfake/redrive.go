package sqsfake

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// redrivePolicy is the queue attribute RedrivePolicy.
type redrivePolicy struct {
	target string // ARN
	max    int
}

// redriveAllow is the queue attribute RedriveAllowPolicy of a dead-letter queue.
type redriveAllow struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

// permits says whether the queue of that ARN may use this one for its dead
// letters; nil permits all.
func (a *redriveAllow) permits(source string) bool {
	return a == nil || a.Permission == "allowAll" || a.Permission == "byQueue" && slices.Contains(a.Sources, source)
}

func (q *queue) parseRedrivePolicy(v string) (*redrivePolicy, error) {
	if v == "" {
		return nil, nil
	}
	bad := func(reason string) error { return invalid(v, "RedrivePolicy", reason) }
	var in struct {
		Target *string         `json:"deadLetterTargetArn"`
		Max    json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(v), &in); err != nil {
		return nil, bad("Redrive policy is not a valid JSON map.")
	}
	if in.Target == nil || *in.Target == "" {
		return nil, bad("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if in.Max == nil {
		return nil, bad("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	text := strings.Trim(string(in.Max), `"`)
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1000 {
		return nil, bad("Invalid value for maxReceiveCount: " + text + ", valid values are from 1 to 1000 both inclusive.")
	}
	if !strings.HasPrefix(*in.Target, "arn:") {
		return nil, bad("Invalid value for deadLetterTargetArn.")
	}
	dead := q.s.queueByARN(*in.Target)
	switch {
	case dead == nil:
		return nil, bad("Dead letter target does not exist.")
	case dead.name == q.name:
		return nil, bad("Dead letter target is the queue itself.")
	case dead.fifo != q.fifo:
		return nil, bad("Dead-letter queue must be same type of queue as the source.")
	case !dead.settings.allow.permits(q.s.arn(q.name)):
		return nil, bad("Queue " + q.name + " does not have permission to use " + dead.name + " as its dead-letter queue: RedriveAllowPolicy.")
	}
	return &redrivePolicy{target: *in.Target, max: n}, nil
}

func parseRedriveAllow(v string) (*redriveAllow, error) {
	if v == "" {
		return nil, nil
	}
	bad := func(reason string) error { return invalid(v, "RedriveAllowPolicy", reason) }
	a := new(redriveAllow)
	if err := json.Unmarshal([]byte(v), a); err != nil {
		return nil, bad("Redrive allow policy is not a valid JSON map.")
	}
	switch a.Permission {
	case "allowAll", "denyAll":
		if len(a.Sources) > 0 {
			return nil, bad("sourceQueueArns is for redrivePermission byQueue only.")
		}
	case "byQueue":
		if len(a.Sources) < 1 || len(a.Sources) > 10 {
			return nil, bad("sourceQueueArns has 1 to 10 queues.")
		}
	default:
		return nil, bad("redrivePermission is allowAll, denyAll or byQueue.")
	}
	return a, nil
}
