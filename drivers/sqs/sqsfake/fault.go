package sqsfake

import (
	"errors"
	"strings"
	"time"
)

// Fault makes requests go wrong. What it strikes is given by Op, Queue, Count and
// Items; what happens to them by the rest. A Fault that says nothing else than
// whom it strikes answers InternalError; one with only a Delay or Stale answers
// as usual otherwise.
type Fault struct {
	// Op is the operation, such as "SendMessageBatch"; empty means all.
	Op string
	// Queue is the name of a queue; empty means all, and operations on none.
	Queue string
	// Count is how many requests are struck; 0 means all from now on.
	Count int
	// Items makes a batch fail for some entries, by their place in the request:
	// the answer is HTTP 200 with those entries in Failed, SenderFault false, and
	// Error as their code. An operation that is no batch is struck as a whole when
	// Items chooses 0. Items must not call the server.
	Items func(i int) bool

	// Error is the code to answer: Throttled and the others declared here, or any
	// code of the AWS query protocol. Empty means InternalError where an error is
	// answered.
	Error string
	// Message overrides the text of the error.
	Message string
	// Cut closes the connection instead of an answer.
	Cut bool
	// AfterEffect lets the operation take place before the error, cut or delay:
	// the client does not learn of it. A receive has then leased messages that
	// nobody gets.
	AfterEffect bool
	// Delay is how long the request waits before its effect, or with AfterEffect
	// between effect and answer.
	Delay time.Duration
	// Stale treats the receipt handles of the request (with Items, of those
	// entries) as superseded by a later receive. Such a fault strikes deletes and
	// changes of visibility only.
	Stale bool
}

// Codes for Fault.Error, as SDKs show them.
const (
	Throttled            = "RequestThrottled"
	ThrottlingException  = "ThrottlingException"
	AccessDenied         = "AccessDenied" // the message names the action
	ExpiredToken         = "ExpiredToken"
	InvalidClientTokenID = "InvalidClientTokenId"
	InternalError        = "InternalFailure"
	ServiceUnavailable   = "ServiceUnavailable"
	KMSAccessDenied      = "KMS.AccessDeniedException"
)

// Fault arms f for requests that arrive from then on; a long poll that waits
// already is not struck. Of several faults that fit a request the one armed first
// strikes. The function that Fault returns disarms f.
func (s *Server) Fault(f Fault) (disarm func()) { return s.faults.Arm(f, 0, f.Count) }

// match gives the fault that strikes a request, and counts it.
func (s *Server) match(op, queue string) *Fault {
	batch := strings.HasSuffix(op, "Batch")
	f := s.faults.Strike(func(f *Fault) bool {
		return (f.Op == "" || f.Op == op) && (f.Queue == "" || f.Queue == queue) &&
			(!f.Stale || strings.HasPrefix(op, "DeleteMessage") || strings.HasPrefix(op, "ChangeMessageVisibility")) &&
			(f.Items == nil || batch || f.Items(0))
	})
	if f != nil && !batch {
		f.Items = nil
	}
	return f
}

var errCut = errors.New("sqsfake: the connection is cut")

// failure is how the whole request fails; nil when it does not.
func (f *Fault) failure(s *Server, op, queue string) error {
	if f.Cut {
		return errCut
	}
	if f.Error == "" && (f.Stale || f.Delay > 0) {
		return nil
	}
	return f.err(s, op, queue)
}

func (f *Fault) err(s *Server, op, queue string) *apiError {
	code := f.Error
	if code == "" {
		code = InternalError
	}
	message := f.Message
	if message == "" {
		message = faultMessage(s, code, op, queue)
	}
	return &apiError{code: code, message: message}
}

func faultMessage(s *Server, code, op, queue string) string {
	switch code {
	case Throttled:
		return "The request was throttled."
	case ThrottlingException:
		return "Rate exceeded"
	case AccessDenied:
		action := "sqs:" + strings.ToLower(strings.TrimSuffix(op, "Batch")) // a batch needs the single action
		return "User: arn:aws:iam::" + s.account + ":user/test is not authorized to perform: " + action +
			" on resource: " + s.arn(queue) + " because no identity-based policy allows the " + action + " action"
	case ExpiredToken:
		return "The security token included in the request is expired"
	case InvalidClientTokenID:
		return "The security token included in the request is invalid."
	case ServiceUnavailable:
		return "The service is temporarily unavailable."
	default:
		return "The request processing has failed because of an unknown error, exception or failure."
	}
}

// strikes says whether a fault fails the entry at i of a batch by itself.
func (f *Fault) strikes(i int) bool {
	return f != nil && f.Items != nil && !f.Stale && f.Items(i)
}

// stale says whether the receipt handle of the entry at i counts as superseded.
func (c *call) stale(i int) bool {
	f := c.fault
	return f != nil && f.Stale && (f.Items == nil || f.Items(i))
}
