package pubsubfake

import (
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Fault makes calls go wrong. What it strikes is given by Op, Resource, Count and
// Items; what happens to them by the rest. A Fault that says nothing else than
// whom it strikes answers Internal; one with only a Delay, Stale or Transient
// answers as usual otherwise.
type Fault struct {
	// Op is the operation, such as "Publish", or "Push" for the requests of push
	// subscriptions; empty means all.
	Op string
	// Resource is the last part of the name of a topic or subscription; empty
	// means all.
	Resource string
	// Count is how many calls are struck; 0 means all from now on. The generated
	// clients repeat some calls on some codes by themselves, so that fewer strikes
	// than their time allows may not be seen.
	Count int
	// Items chooses ack ids for Stale and Transient by their place in the call;
	// nil means all. Items must not call the server.
	Items func(i int) bool

	// Code is what to answer: Unavailable, ResourceExhausted, PermissionDenied or
	// any other. OK means Internal where an error is answered.
	Code codes.Code
	// Message overrides the text of the error.
	Message string
	// Cut closes the connection instead of an answer, with all calls on it.
	Cut bool
	// AfterEffect lets the operation take place before the error, cut or delay:
	// the caller does not learn of it. A Pull has then leased messages that nobody
	// gets.
	AfterEffect bool
	// Delay is how long the call waits before its effect, or with AfterEffect
	// between effect and answer. Of a push the effect is the request to the
	// endpoint, and any error means that there is no acknowledgement; its ack
	// deadline runs on meanwhile.
	Delay time.Duration
	// Stale treats ack ids as superseded by a later delivery. Such a fault strikes
	// Acknowledge and ModifyAckDeadline only.
	Stale bool
	// Transient makes ack ids fail for a while, on subscriptions with exactly-once
	// delivery: they have no effect and the answer names them. Such a fault
	// strikes Acknowledge and ModifyAckDeadline only.
	Transient bool
}

// Fault arms f for calls that arrive from then on; a Pull that waits already is
// not struck. Of several faults that fit a call the one armed first strikes. The
// function that Fault returns disarms f.
func (s *Server) Fault(f Fault) (disarm func()) { return s.faults.Arm(f, 0, f.Count) }

// match gives the fault that strikes a call, and counts it.
func (s *Server) match(op, resource string) *Fault {
	return s.faults.Strike(func(f *Fault) bool {
		return (f.Op == "" || f.Op == op) && (f.Resource == "" || f.Resource == resource) &&
			(!f.Stale && !f.Transient || op == "Acknowledge" || op == "ModifyAckDeadline")
	})
}

// failure is how the call fails; nil when it does not.
func (f *Fault) failure() error {
	code := f.Code
	if code == codes.OK {
		if f.Stale || f.Transient || f.Delay > 0 {
			return nil
		}
		code = codes.Internal
	}
	message, reason := f.Message, ""
	switch code {
	case codes.PermissionDenied:
		message, reason = or(message, "User not authorized to perform this action."), "IAM_PERMISSION_DENIED"
	case codes.ResourceExhausted:
		message, reason = or(message, "Quota exceeded for quota metric 'Regional subscriber throughput, kB'."), "RATE_LIMIT_EXCEEDED"
	case codes.Unavailable:
		message = or(message, "The service was unable to fulfill your request. Please try again.")
	case codes.Unauthenticated:
		message, reason = or(message, "Request had invalid authentication credentials."), "ACCESS_TOKEN_EXPIRED"
	default:
		message = or(message, "The request failed: "+code.String()+".")
	}
	st := status.New(code, message)
	if reason == "" {
		return st.Err()
	}
	return detailed(st, &errdetails.ErrorInfo{Reason: reason, Domain: "googleapis.com"})
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// strikes says whether the ack id at i is among those of a fault.
func (f *Fault) strikes(i int) bool { return f.Items == nil || f.Items(i) }

// resourceOf is the last part of the name of what a request is about.
func resourceOf(req any) string {
	var name string
	switch r := req.(type) {
	case interface{ GetSubscription() string }:
		name = r.GetSubscription()
	case interface{ GetTopic() string }:
		name = r.GetTopic()
		if n, ok := req.(interface{ GetName() string }); ok { // a subscription that is created
			name = n.GetName()
		}
	case interface{ GetName() string }: // a topic that is created
		name = r.GetName()
	case interface{ GetSubscription() *subscriptionProto }:
		name = r.GetSubscription().GetName()
	case interface{ GetTopic() *topicProto }:
		name = r.GetTopic().GetName()
	}
	return name[strings.LastIndexByte(name, '/')+1:]
}
