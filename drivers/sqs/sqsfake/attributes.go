package sqsfake

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// settings are what queue attributes say.
type settings struct {
	delay, visibility, retention, wait time.Duration
	maxSize                            int
	kmsReuse                           time.Duration
	managedSSE                         bool
	contentDedup                       bool
	dedupScope, throughput             string
	redrive                            *redrivePolicy
	allow                              *redriveAllow
}

const (
	scopeQueue = "queue"
	scopeGroup = "messageGroup"
	perQueue   = "perQueue"
	perGroup   = "perMessageGroupId"
)

// defaults: API Reference, "SetQueueAttributes".
var defaults = settings{
	visibility: 30 * time.Second,
	retention:  4 * 24 * time.Hour,
	maxSize:    maxMessage,
	kmsReuse:   5 * time.Minute,
	managedSSE: true,
	dedupScope: scopeQueue,
	throughput: perQueue,
}

// setting parses and checks one attribute, for q, into its settings.
type setting func(q *queue, to *settings, v string) bool

func seconds(least, most int, field func(*settings) *time.Duration) setting {
	return func(_ *queue, to *settings, v string) bool {
		n, err := strconv.Atoi(v)
		*field(to) = time.Duration(n) * time.Second
		return err == nil && n >= least && n <= most
	}
}

func boolean(fifoOnly bool, field func(*settings) *bool) setting {
	return func(q *queue, to *settings, v string) bool {
		*field(to) = v == "true"
		return (v == "true" || v == "false") && (q.fifo || !fifoOnly)
	}
}

func oneOf(field func(*settings) *string, values ...string) setting {
	return func(q *queue, to *settings, v string) bool {
		*field(to) = v
		return q.fifo && slices.Contains(values, v)
	}
}

// settable are the attributes that can be set, but those in documents.
var settable = map[string]setting{
	"DelaySeconds":                  seconds(0, 900, func(s *settings) *time.Duration { return &s.delay }),
	"VisibilityTimeout":             seconds(0, 43200, func(s *settings) *time.Duration { return &s.visibility }),
	"MessageRetentionPeriod":        seconds(60, 1209600, func(s *settings) *time.Duration { return &s.retention }),
	"ReceiveMessageWaitTimeSeconds": seconds(0, 20, func(s *settings) *time.Duration { return &s.wait }),
	"KmsDataKeyReusePeriodSeconds":  seconds(60, 86400, func(s *settings) *time.Duration { return &s.kmsReuse }),
	"SqsManagedSseEnabled":          boolean(false, func(s *settings) *bool { return &s.managedSSE }),
	"ContentBasedDeduplication":     boolean(true, func(s *settings) *bool { return &s.contentDedup }),
	"DeduplicationScope":            oneOf(func(s *settings) *string { return &s.dedupScope }, scopeQueue, scopeGroup),
	"FifoThroughputLimit":           oneOf(func(s *settings) *string { return &s.throughput }, perQueue, perGroup),
	"MaximumMessageSize": func(_ *queue, to *settings, v string) bool {
		n, err := strconv.Atoi(v)
		to.maxSize = n
		return err == nil && n >= 1024 && n <= maxMessage
	},
}

// documents are the attributes that are given back as they were set; an empty
// value unsets them.
var documents = []string{"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"}

// computed are the attributes that can only be read.
var computed = []string{
	"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
	"CreatedTimestamp", "LastModifiedTimestamp", "QueueArn", "FifoQueue",
}

// set changes attributes, all of them or, on an error, none.
func (q *queue) set(attributes map[string]string) error {
	to := q.settings
	given := maps.Clone(q.given)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		v := attributes[name]
		parse, ok := settable[name]
		switch {
		case ok:
			if !parse(q, &to, v) {
				return failf(codeInvalidAttribute, "Invalid value for the parameter %s.", name)
			}
		case slices.Contains(documents, name):
			if err := q.setDocument(&to, name, v); err != nil {
				return err
			}
			if v == "" {
				delete(given, name)
			} else {
				given[name] = v
			}
		default:
			return failf(codeInvalidAttributeName, "Unknown Attribute %s.", name)
		}
	}
	if to.throughput == perGroup && to.dedupScope != scopeGroup {
		return failf(codeInvalidAttribute, "Invalid value for the parameter FifoThroughputLimit: perMessageGroupId needs DeduplicationScope messageGroup.")
	}
	if given["KmsMasterKeyId"] != "" {
		if attributes["SqsManagedSseEnabled"] == "true" {
			return failf(codeInvalidAttributeName, "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
		}
		to.managedSSE = false
	}
	q.settings, q.given = to, given
	return nil
}

func (q *queue) setDocument(to *settings, name, v string) error {
	switch name {
	case "RedrivePolicy":
		p, err := q.parseRedrivePolicy(v)
		to.redrive = p
		return err
	case "RedriveAllowPolicy":
		p, err := parseRedriveAllow(v)
		to.allow = p
		return err
	case "Policy":
		if v != "" && !json.Valid([]byte(v)) {
			return failf(codeInvalidAttribute, "Invalid value for the parameter Policy.")
		}
	}
	return nil
}

// attributes are all that q has.
func (q *queue) attributes(now time.Duration) map[string]string {
	q.advance(now)
	s := q.settings
	sec := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	epoch := func(t time.Duration) string { return strconv.FormatInt(q.s.epoch(t)/1000, 10) }
	out := map[string]string{
		"ApproximateNumberOfMessages":           strconv.Itoa(q.count[visible]),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(q.count[inflight]),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(q.count[delayed]),
		"CreatedTimestamp":                      epoch(q.created),
		"LastModifiedTimestamp":                 epoch(q.modified),
		"QueueArn":                              q.s.arn(q.name),
		"DelaySeconds":                          sec(s.delay),
		"VisibilityTimeout":                     sec(s.visibility),
		"MessageRetentionPeriod":                sec(s.retention),
		"ReceiveMessageWaitTimeSeconds":         sec(s.wait),
		"MaximumMessageSize":                    strconv.Itoa(s.maxSize),
		"SqsManagedSseEnabled":                  strconv.FormatBool(s.managedSSE),
	}
	if q.fifo {
		out["FifoQueue"] = "true"
		out["ContentBasedDeduplication"] = strconv.FormatBool(s.contentDedup)
		out["DeduplicationScope"] = s.dedupScope
		out["FifoThroughputLimit"] = s.throughput
	}
	if q.given["KmsMasterKeyId"] != "" {
		out["KmsDataKeyReusePeriodSeconds"] = sec(s.kmsReuse)
	}
	maps.Copy(out, q.given)
	return out
}

// sameValue compares attribute values, JSON documents by what they say.
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	var x, y map[string]any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

type getAttributesIn struct {
	target
	Names []string `json:"AttributeNames"`
}

type getAttributesOut struct {
	Attributes map[string]string `json:"Attributes"`
}

func (s *Server) getQueueAttributes(_ *call, in *getAttributesIn) (*getAttributesOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	all := q.attributes(s.now())
	out := &getAttributesOut{map[string]string{}}
	for _, name := range in.Names {
		if name == "All" {
			out.Attributes = all
			break
		}
		if !knownAttribute(name) {
			return nil, failf(codeInvalidAttributeName, "Unknown Attribute %s.", name)
		}
		if v, ok := all[name]; ok {
			out.Attributes[name] = v
		}
	}
	return out, nil
}

func knownAttribute(name string) bool {
	_, ok := settable[name]
	return ok || slices.Contains(documents, name) || slices.Contains(computed, name)
}

type setAttributesIn struct {
	target
	Attributes map[string]string `json:"Attributes"`
}

func (s *Server) setQueueAttributes(_ *call, in *setAttributesIn) (*none, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if len(in.Attributes) == 0 {
		return nil, missing("Attribute.Name")
	}
	attributes := maps.Clone(in.Attributes)
	if fifo, ok := attributes["FifoQueue"]; ok && q.fifo {
		if fifo != "true" {
			return nil, failf(codeInvalidAttribute, "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
		}
		delete(attributes, "FifoQueue")
	}
	if err := q.set(attributes); err != nil {
		return nil, err
	}
	now := s.now()
	q.modified = now
	q.wake(now)
	return nil, nil
}
