package mem

import "time"

// window remembers send ids for a time. It is guarded by the broker's mu.
type window struct {
	length time.Duration
	first  map[string]string // send id to the id of the first message
	order  []remembered      // oldest first
}

type remembered struct {
	sendID string
	until  time.Time
}

func (w *window) init(length time.Duration) {
	w.length = length
	w.first = make(map[string]string)
}

// seen is the id of the first message with this send id, if it is remembered.
func (w *window) seen(sendID string, now time.Time) (string, bool) {
	if len(w.first) == 0 {
		return "", false
	}
	for len(w.order) > 0 && !now.Before(w.order[0].until) {
		delete(w.first, w.order[0].sendID)
		w.order[0] = remembered{}
		w.order = w.order[1:]
	}
	id, ok := w.first[sendID]
	return id, ok
}

func (w *window) remember(sendID, id string, now time.Time) {
	w.first[sendID] = id
	w.order = append(w.order, remembered{sendID, now.Add(w.length)})
}
