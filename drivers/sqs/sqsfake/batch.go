package sqsfake

import "errors"

const maxBatch = 10

// entry is one of a batch request.
type entry interface{ entryID() string }

// identified is embedded in entries.
type identified struct {
	ID string `json:"Id"`
}

func (e *identified) entryID() string { return e.ID }

// batchOut is the output of a batch request.
type batchOut[Out any] struct {
	Successful []Out         `json:"Successful"`
	Failed     []failedEntry `json:"Failed,omitempty"`
}

type failedEntry struct {
	ID          string `json:"Id"`
	SenderFault bool   `json:"SenderFault"`
	Code        string `json:"Code"`
	Message     string `json:"Message,omitempty"`
}

// batch runs each entry of a batch; one that fails leaves the others alone. What
// is wrong with the batch fails it as a whole.
func batch[In, Out any, P interface {
	*In
	entry
}](s *Server, c *call, queue, entryType string, entries []In, run func(i int, e *In) (Out, error)) (*batchOut[Out], error) {
	if err := checkBatch[In, P](entryType, entries); err != nil {
		return nil, err
	}
	out := &batchOut[Out]{Successful: make([]Out, 0, len(entries))}
	for i := range entries {
		id := P(&entries[i]).entryID()
		struck := c.fault.strikes(i)
		var err error
		if !struck || c.fault.AfterEffect {
			var o Out
			if o, err = run(i, &entries[i]); err == nil && !struck {
				out.Successful = append(out.Successful, o)
				continue
			}
		}
		if struck {
			e := c.fault.err(s, c.op, queue)
			out.Failed = append(out.Failed, failedEntry{ID: id, Code: e.code, Message: e.message})
			continue
		}
		var e *apiError
		if !errors.As(err, &e) {
			e = failf(InternalError, "%v", err)
		}
		out.Failed = append(out.Failed, failedEntry{ID: id, SenderFault: true, Code: e.code, Message: e.message})
	}
	return out, nil
}

func checkBatch[In any, P interface {
	*In
	entry
}](entryType string, entries []In) error {
	if len(entries) == 0 {
		return failf(codeEmptyBatch, "There should be at least one %s in the request.", entryType)
	}
	if len(entries) > maxBatch {
		return failf(codeTooManyEntries, "Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries))
	}
	seen := make(map[string]bool, len(entries))
	for i := range entries {
		id := P(&entries[i]).entryID()
		if !validName(id, 80, "") {
			return failf(codeInvalidBatchID, "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return failf(codeBatchIDsNotDistinct, "Id %s repeated.", id)
		}
		seen[id] = true
	}
	return nil
}

// validName says whether s is of 1 to limit letters, digits, hyphens, underscores
// and characters of more.
func validName(s string, limit int, more string) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for _, c := range []byte(s) {
		if !isName(c) && !containsByte(more, c) {
			return false
		}
	}
	return true
}

func isName(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

func containsByte(s string, c byte) bool {
	for i := range len(s) {
		if s[i] == c {
			return true
		}
	}
	return false
}
