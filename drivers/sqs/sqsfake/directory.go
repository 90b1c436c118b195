package sqsfake

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxListed is how many queues are listed at once (API Reference, "ListQueues").
const maxListed = 1000

// purgeInterval: API Reference, "PurgeQueue".
const purgeInterval = 60 * time.Second

type paging struct {
	MaxResults *int   `json:"MaxResults"`
	NextToken  string `json:"NextToken"`
}

// page cuts names, which are sorted, and gives the token of the next page.
func (p *paging) page(names []string) (page []string, token string, err error) {
	limit := maxListed
	if p.MaxResults != nil {
		limit = *p.MaxResults
		if limit < 1 || limit > maxListed {
			return nil, "", invalid(limit, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
		}
	}
	if p.NextToken != "" {
		last, err := base64.StdEncoding.DecodeString(p.NextToken)
		if err != nil {
			return nil, "", invalid(p.NextToken, "NextToken", "Invalid or expired next token.")
		}
		i, _ := slices.BinarySearch(names, string(last)+"\x00")
		names = names[i:]
	}
	if len(names) <= limit {
		return names, "", nil
	}
	page = names[:limit]
	if p.MaxResults == nil { // a token is given only to those who ask for pages
		return page, "", nil
	}
	return page, base64.StdEncoding.EncodeToString([]byte(page[limit-1])), nil
}

type listQueuesIn struct {
	paging
	Prefix string `json:"QueueNamePrefix"`
}

type listQueuesOut struct {
	QueueURLs []string `json:"QueueUrls,omitempty"`
	NextToken string   `json:"NextToken,omitempty"`
}

func (s *Server) listQueues(c *call, in *listQueuesIn) (*listQueuesOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if strings.HasPrefix(name, in.Prefix) {
			names = append(names, name)
		}
	}
	names, token, err := in.page(names)
	if err != nil {
		return nil, err
	}
	return &listQueuesOut{s.urls(c, names), token}, nil
}

func (s *Server) urls(c *call, names []string) []string {
	urls := make([]string, len(names))
	for i, name := range names {
		urls[i] = s.url(c, name)
	}
	return urls
}

type listSourcesIn struct {
	target
	paging
}

type listSourcesOut struct {
	QueueURLs []string `json:"queueUrls"`
	NextToken string   `json:"NextToken,omitempty"`
}

func (s *Server) listDeadLetterSourceQueues(c *call, in *listSourcesIn) (*listSourcesOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	names, token, err := in.page(s.sources(q))
	if err != nil {
		return nil, err
	}
	return &listSourcesOut{s.urls(c, names), token}, nil
}

// sources are the names of the queues that have dead for their dead letters.
func (s *Server) sources(dead *queue) []string {
	arn := s.arn(dead.name)
	var names []string
	for name, q := range s.queues {
		if p := q.settings.redrive; p != nil && p.target == arn {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

type purgeQueueIn struct{ target }

func (s *Server) purgeQueue(_ *call, in *purgeQueueIn) (*none, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	now := s.now()
	if now < q.purged+purgeInterval {
		return nil, failf(codePurgeInProgress, "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	q.purged = now
	q.clear()
	q.wake(now)
	return nil, nil
}

type deleteQueueIn struct{ target }

// deleteQueue deletes a queue and its messages. Its long polls end.
func (s *Server) deleteQueue(_ *call, in *deleteQueueIn) (*none, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	delete(s.queues, q.name)
	s.deleted[q.name] = s.now()
	q.deleted = true
	q.clear()
	for _, w := range q.waiters {
		select {
		case w.woken <- struct{}{}:
		default:
		}
	}
	return nil, nil
}
