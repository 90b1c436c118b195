package sqsfake

import "maps"

// maxTags: Amazon SQS Developer Guide, "Amazon SQS standard queue quotas".
const maxTags = 50

type tagQueueIn struct {
	target
	Tags map[string]string `json:"Tags"`
}

type untagQueueIn struct {
	target
	Keys []string `json:"TagKeys"`
}

type listTagsIn struct{ target }

type listTagsOut struct {
	Tags map[string]string `json:"Tags"`
}

func (s *Server) tagQueue(_ *call, in *tagQueueIn) (*none, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, missing("Tags")
	}
	return nil, q.tag(in.Tags)
}

func (q *queue) tag(tags map[string]string) error {
	all := maps.Clone(q.tags)
	maps.Copy(all, tags)
	if len(all) > maxTags {
		return failf(codeInvalidParameter, "Too many tags added for queue %s.", q.name)
	}
	q.tags = all
	return nil
}

func (s *Server) untagQueue(_ *call, in *untagQueueIn) (*none, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if len(in.Keys) == 0 {
		return nil, failf(codeInvalidParameter, "Tag keys must be between 1 and 128 characters in length.")
	}
	for _, k := range in.Keys {
		delete(q.tags, k)
	}
	return nil, nil
}

func (s *Server) listQueueTags(_ *call, in *listTagsIn) (*listTagsOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	return &listTagsOut{maps.Clone(q.tags)}, nil
}
