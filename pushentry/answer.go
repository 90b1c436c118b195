package pushentry

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// answer is how a request is answered.
type answer struct {
	status     int
	text       string
	retryAfter time.Duration // 0: it does not say
}

var (
	answerDone     = answer{status: http.StatusNoContent}
	answerReleased = answer{status: http.StatusServiceUnavailable, text: "the task comes again"}
	answerLate     = answer{status: http.StatusServiceUnavailable, text: "the task did not end in time"}
	answerGone     = answer{status: http.StatusServiceUnavailable, text: "the client went before the task ended"}
	answerDraining = answer{status: http.StatusServiceUnavailable, text: "the server is about to end"}
	answerNoKeys   = answer{status: http.StatusServiceUnavailable, text: "tokens cannot be checked at the moment"}
	answerBusy     = answer{status: http.StatusTooManyRequests, text: "too many pushes at a time", retryAfter: time.Second}
	answerNoToken  = answer{status: http.StatusUnauthorized, text: "a valid token is needed"}
	answerDenied   = answer{status: http.StatusForbidden, text: "the token is not for this"}
	answerNoRoute  = answer{status: http.StatusNotFound, text: "there is no queue of this name"}
	answerNoPost   = answer{status: http.StatusMethodNotAllowed, text: "pushes are POST"}
	answerFault    = answer{status: http.StatusInternalServerError, text: "the push endpoint has a fault"}
)

// write writes the answer. Nobody can be told that the client does not read it.
func (a *answer) write(w http.ResponseWriter) {
	header := w.Header()
	switch a.status {
	case http.StatusNoContent:
		w.WriteHeader(a.status)
		return
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	}
	if a.retryAfter > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((a.retryAfter+time.Second-1)/time.Second), 10))
	}
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.text+"\n")
}
