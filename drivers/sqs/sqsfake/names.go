package sqsfake

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

const fifoSuffix = ".fifo"

// splitURL gives account and name of a queue URL: the last two parts of its path.
func splitURL(raw string) (account, name, host string) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", "", ""
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) < 2 {
		return "", "", u.Host
	}
	return parts[len(parts)-2], parts[len(parts)-1], u.Host
}

// queue finds the queue of a URL. Whatever host it names is taken for this
// server's, but the endpoint of another region.
func (s *Server) queue(raw string) (*queue, error) {
	if raw == "" {
		return nil, missing("QueueUrl")
	}
	account, name, host := splitURL(raw)
	if name == "" || foreignRegion(host, s.region) {
		return nil, failf(codeInvalidAddress, "The address %s is not valid for this endpoint.", raw)
	}
	q := s.queues[name]
	if q == nil || account != s.account {
		return nil, errNoQueue
	}
	return q, nil
}

// foreignRegion says whether host is Amazon's endpoint of another region.
func foreignRegion(host, region string) bool {
	rest, ok := strings.CutPrefix(host, "sqs.")
	if !ok {
		return false
	}
	named, domain, _ := strings.Cut(rest, ".")
	return strings.HasPrefix(domain, "amazonaws.com") && named != region
}

func (s *Server) queueByARN(arn string) *queue {
	name, ok := strings.CutPrefix(arn, s.arn(""))
	if !ok {
		return nil
	}
	return s.queues[name]
}

// url is the URL of a queue, under the address by which the request came.
func (s *Server) url(c *call, name string) string {
	scheme := "http://"
	if c.TLS != nil {
		scheme = "https://"
	}
	return scheme + c.Host + "/" + s.account + "/" + name
}

type queueURLOut struct {
	QueueURL string `json:"QueueUrl"`
}

type getQueueURLIn struct {
	Name  string  `json:"QueueName"`
	Owner *string `json:"QueueOwnerAWSAccountId"`
}

func (in *getQueueURLIn) queueName() string { return in.Name }

func (s *Server) getQueueURL(c *call, in *getQueueURLIn) (*queueURLOut, error) {
	if in.Name == "" {
		return nil, missing("QueueName")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[in.Name] == nil || in.Owner != nil && *in.Owner != s.account {
		return nil, errNoQueue
	}
	return &queueURLOut{s.url(c, in.Name)}, nil
}

type createQueueIn struct {
	Name       string            `json:"QueueName"`
	Attributes map[string]string `json:"Attributes"`
	Tags       map[string]string `json:"tags"`
}

func (in *createQueueIn) queueName() string { return in.Name }

// recreateAfter: API Reference, "CreateQueue".
const recreateAfter = 60 * time.Second

// createQueue makes a queue. That it is there with the same values for the given
// attributes is no error.
func (s *Server) createQueue(c *call, in *createQueueIn) (*queueURLOut, error) {
	if in.Name == "" {
		return nil, missing("QueueName")
	}
	base, fifo := strings.CutSuffix(in.Name, fifoSuffix)
	if !validName(base, 80, "") || len(in.Name) > 80 {
		return nil, failf(codeInvalidParameter, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if q := s.queues[in.Name]; q != nil {
		have := q.attributes(now)
		for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
			if !sameValue(have[name], in.Attributes[name]) {
				return nil, failf(codeQueueExists, "A queue already exists with the same name and a different value for attribute %s", name)
			}
		}
		return &queueURLOut{s.url(c, in.Name)}, nil
	}
	if at, ok := s.deleted[in.Name]; ok && now < at+recreateAfter {
		return nil, failf(codeQueueDeleted, "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	q := s.newQueue(in.Name, now)
	q.fifo = fifo
	given, isGiven := in.Attributes["FifoQueue"]
	if isGiven && !fifo && given != "true" {
		return nil, failf(codeInvalidAttributeName, "Unknown Attribute FifoQueue.")
	}
	if isGiven && given != "true" || isGiven != fifo {
		return nil, failf(codeInvalidParameter, "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length, "+
			"and the attribute FifoQueue is true for it and for no other.")
	}
	attributes := maps.Clone(in.Attributes)
	delete(attributes, "FifoQueue")
	if err := q.set(attributes); err != nil {
		return nil, err
	}
	maps.Copy(q.tags, in.Tags)
	s.queues[in.Name] = q
	delete(s.deleted, in.Name)
	return &queueURLOut{s.url(c, in.Name)}, nil
}
