package wire

import "fmt"

// Descriptors of performatives, of terminus and of outcomes.
const (
	codeOpen        = 0x10
	codeBegin       = 0x11
	codeAttach      = 0x12
	codeFlow        = 0x13
	codeTransfer    = 0x14
	codeDisposition = 0x15
	codeDetach      = 0x16
	codeEnd         = 0x17
	codeClose       = 0x18
	codeError       = 0x1d
	codeReceived    = 0x23
	codeAccepted    = 0x24
	codeRejected    = 0x25
	codeReleased    = 0x26
	codeModified    = 0x27
	codeSource      = 0x28
	codeTarget      = 0x29
	codeMechanisms  = 0x40
	codeInit        = 0x41
	codeOutcome     = 0x44
)

// codes are the descriptors in their symbolic form.
var codes = map[Symbol]uint64{
	"amqp:open:list": codeOpen, "amqp:begin:list": codeBegin, "amqp:attach:list": codeAttach, "amqp:flow:list": codeFlow,
	"amqp:transfer:list": codeTransfer, "amqp:disposition:list": codeDisposition, "amqp:detach:list": codeDetach,
	"amqp:end:list": codeEnd, "amqp:close:list": codeClose, "amqp:error:list": codeError, "amqp:received:list": codeReceived,
	"amqp:accepted:list": codeAccepted, "amqp:rejected:list": codeRejected, "amqp:released:list": codeReleased,
	"amqp:modified:list": codeModified, "amqp:source:list": codeSource, "amqp:target:list": codeTarget,
	"amqp:sasl-mechanisms:list": codeMechanisms, "amqp:sasl-init:list": codeInit, "amqp:sasl-outcome:list": codeOutcome,
	"com.microsoft:session-filter": CodeSessionFilter,
}

// CodeSessionFilter describes the filter of a source by which a link asks for a
// session of Service Bus.
const CodeSessionFilter = 0x0000137000000C

// Role says which end of a link somebody is.
type Role = bool

const (
	Sender   Role = false
	Receiver Role = true
)

// Open is the first performative of a connection.
type Open struct {
	ContainerID, Hostname string
	MaxFrameSize          uint32 // 0: not given
	ChannelMax            uint16
	IdleTimeout           uint32 // in milliseconds; 0: not given
	Properties            Map
}

// Begin begins a session.
type Begin struct {
	RemoteChannel  *uint16
	NextOutgoingID uint32
	IncomingWindow uint32
	OutgoingWindow uint32
	HandleMax      uint32
}

// Attach attaches a link.
type Attach struct {
	Name                 string
	Handle               uint32
	Role                 Role
	SenderSettleMode     uint8
	ReceiverSettleMode   uint8
	Source               *Terminus
	Target               *Terminus
	InitialDeliveryCount *uint32
	MaxMessageSize       uint64
	Properties           Map
}

// Terminus is the source or the target of a link.
type Terminus struct {
	Address string
	Dynamic bool
	Filter  Map
}

// Flow says what may be sent. Without Handle it is of the session only.
type Flow struct {
	NextIncomingID *uint32
	IncomingWindow uint32
	NextOutgoingID uint32
	OutgoingWindow uint32
	Handle         *uint32
	DeliveryCount  *uint32
	LinkCredit     *uint32
	Available      *uint32
	Drain          bool
	Echo           bool
}

// Transfer carries a message, or a part of one; its Payload is that of the frame.
type Transfer struct {
	Handle        uint32
	DeliveryID    *uint32
	DeliveryTag   []byte
	MessageFormat *uint32
	Settled       bool
	More          bool
	State         *State
	Aborted       bool
}

// Disposition says what became of deliveries.
type Disposition struct {
	Role    Role
	First   uint32
	Last    *uint32
	Settled bool
	State   *State
}

// Detach detaches a link.
type Detach struct {
	Handle uint32
	Closed bool
	Error  *Error
}

// End ends a session.
type End struct{ Error *Error }

// Close ends a connection.
type Close struct{ Error *Error }

// Error is why a link, a session, a connection or a delivery has failed.
type Error struct {
	Condition   string
	Description string
	Info        Map
}

// Kind is what became of a delivery.
type Kind uint64

const (
	Received Kind = codeReceived
	Accepted Kind = codeAccepted
	Rejected Kind = codeRejected
	Released Kind = codeReleased
	Modified Kind = codeModified
)

// State is the state of a delivery. Error belongs to Rejected, the fields after it to
// Modified.
type State struct {
	Kind              Kind
	Error             *Error
	DeliveryFailed    bool
	UndeliverableHere bool
	Annotations       Map
}

// Mechanisms is how a server begins SASL.
type Mechanisms struct{ Names []Symbol }

// Init is how a client chooses a mechanism.
type Init struct{ Mechanism string }

// Outcome is how SASL ends; code 0 is success.
type Outcome struct{ Code uint8 }

// fields are the fields of a performative, of which some at the end may be missing.
type fields struct {
	list []any
	err  error // the first field of a wrong type
}

// field is the i-th field as a T; the zero T when it is null or missing.
func field[T any](f *fields, i int) T {
	var zero T
	if i >= len(f.list) || f.list[i] == nil {
		return zero
	}
	v, ok := f.list[i].(T)
	if !ok && f.err == nil {
		f.err = fmt.Errorf("wire: field %d is a %T, not a %T", i, f.list[i], zero)
	}
	return v
}

// optional is the i-th field as a T; nil when it is null or missing.
func optional[T any](f *fields, i int) *T {
	if i >= len(f.list) || f.list[i] == nil {
		return nil
	}
	v := field[T](f, i)
	return &v
}

// text is the i-th field, a string or a symbol.
func text(f *fields, i int) string {
	if i < len(f.list) {
		if s, ok := f.list[i].(Symbol); ok {
			return string(s)
		}
	}
	return field[string](f, i)
}

// described is the i-th field as what parse makes of a value with a descriptor.
func described[T any](f *fields, i int, parse func(*fields, uint64) *T) *T {
	if i >= len(f.list) || f.list[i] == nil {
		return nil
	}
	d, inner := field[Described](f, i), fields{}
	switch list := d.Value.(type) {
	case []any:
		inner.list = list
	case nil:
	default:
		f.err = fmt.Errorf("wire: field %d is a described %T, not a list", i, d.Value)
	}
	v := parse(&inner, d.Code)
	if f.err == nil {
		f.err = inner.err
	}
	return v
}

func terminus(f *fields, code uint64) *Terminus {
	if code != codeSource && code != codeTarget {
		f.err = fmt.Errorf("wire: 0x%x is neither a source nor a target", code)
		return nil
	}
	t := &Terminus{Address: text(f, 0), Dynamic: field[bool](f, 4)}
	if code == codeSource {
		t.Filter = field[Map](f, 7)
	}
	return t
}

func parseError(f *fields, code uint64) *Error {
	if code != codeError {
		f.err = fmt.Errorf("wire: 0x%x is not an error", code)
		return nil
	}
	return &Error{Condition: text(f, 0), Description: field[string](f, 1), Info: field[Map](f, 2)}
}

func state(f *fields, code uint64) *State {
	s := &State{Kind: Kind(code)}
	switch s.Kind {
	case Received, Accepted, Released:
	case Rejected:
		s.Error = described(f, 0, parseError)
	case Modified:
		s.DeliveryFailed, s.UndeliverableHere, s.Annotations = field[bool](f, 0), field[bool](f, 1), field[Map](f, 2)
	default:
		f.err = fmt.Errorf("wire: 0x%x is not the state of a delivery", code)
	}
	return s
}

// parse makes a performative of its fields.
func parse(code uint64, f *fields) (any, error) {
	var p any
	switch code {
	case codeOpen:
		p = &Open{
			ContainerID: field[string](f, 0), Hostname: field[string](f, 1), MaxFrameSize: field[uint32](f, 2),
			ChannelMax: field[uint16](f, 3), IdleTimeout: field[uint32](f, 4), Properties: field[Map](f, 9),
		}
	case codeBegin:
		p = &Begin{
			RemoteChannel: optional[uint16](f, 0), NextOutgoingID: field[uint32](f, 1), IncomingWindow: field[uint32](f, 2),
			OutgoingWindow: field[uint32](f, 3), HandleMax: field[uint32](f, 4),
		}
	case codeAttach:
		p = &Attach{
			Name: field[string](f, 0), Handle: field[uint32](f, 1), Role: field[bool](f, 2),
			SenderSettleMode: field[uint8](f, 3), ReceiverSettleMode: field[uint8](f, 4),
			Source: described(f, 5, terminus), Target: described(f, 6, terminus),
			InitialDeliveryCount: optional[uint32](f, 9), MaxMessageSize: field[uint64](f, 10), Properties: field[Map](f, 13),
		}
	case codeFlow:
		p = &Flow{
			NextIncomingID: optional[uint32](f, 0), IncomingWindow: field[uint32](f, 1), NextOutgoingID: field[uint32](f, 2),
			OutgoingWindow: field[uint32](f, 3), Handle: optional[uint32](f, 4), DeliveryCount: optional[uint32](f, 5),
			LinkCredit: optional[uint32](f, 6), Available: optional[uint32](f, 7), Drain: field[bool](f, 8), Echo: field[bool](f, 9),
		}
	case codeTransfer:
		p = &Transfer{
			Handle: field[uint32](f, 0), DeliveryID: optional[uint32](f, 1), DeliveryTag: field[[]byte](f, 2),
			MessageFormat: optional[uint32](f, 3), Settled: field[bool](f, 4), More: field[bool](f, 5),
			State: described(f, 7, state), Aborted: field[bool](f, 9),
		}
	case codeDisposition:
		p = &Disposition{
			Role: field[bool](f, 0), First: field[uint32](f, 1), Last: optional[uint32](f, 2),
			Settled: field[bool](f, 3), State: described(f, 4, state),
		}
	case codeDetach:
		p = &Detach{Handle: field[uint32](f, 0), Closed: field[bool](f, 1), Error: described(f, 2, parseError)}
	case codeEnd:
		p = &End{described(f, 0, parseError)}
	case codeClose:
		p = &Close{described(f, 0, parseError)}
	case codeMechanisms:
		p = &Mechanisms{}
	case codeInit:
		p = &Init{text(f, 0)}
	case codeOutcome:
		p = &Outcome{field[uint8](f, 0)}
	default:
		return nil, fmt.Errorf("wire: 0x%x is no performative", code)
	}
	return p, f.err
}

// list is the fields of a performative and its descriptor.
func list(p any) (code uint64, fields []any) {
	switch p := p.(type) {
	case *Open:
		return codeOpen, []any{p.ContainerID, name(p.Hostname), p.MaxFrameSize, p.ChannelMax, nonZero(p.IdleTimeout), nil, nil, nil, nil, properties(p.Properties)}
	case *Begin:
		return codeBegin, []any{value(p.RemoteChannel), p.NextOutgoingID, p.IncomingWindow, p.OutgoingWindow, p.HandleMax}
	case *Attach:
		return codeAttach, []any{
			p.Name, p.Handle, p.Role, p.SenderSettleMode, p.ReceiverSettleMode, p.Source.described(codeSource), p.Target.described(codeTarget),
			nil, nil, value(p.InitialDeliveryCount), p.MaxMessageSize, nil, nil, properties(p.Properties),
		}
	case *Flow:
		return codeFlow, []any{
			value(p.NextIncomingID), p.IncomingWindow, p.NextOutgoingID, p.OutgoingWindow,
			value(p.Handle), value(p.DeliveryCount), value(p.LinkCredit), value(p.Available), p.Drain, p.Echo,
		}
	case *Transfer:
		return codeTransfer, []any{
			p.Handle, value(p.DeliveryID), tag(p.DeliveryTag), value(p.MessageFormat), p.Settled, p.More, nil, p.State.described(), nil, p.Aborted,
		}
	case *Disposition:
		return codeDisposition, []any{p.Role, p.First, value(p.Last), p.Settled, p.State.described()}
	case *Detach:
		return codeDetach, []any{p.Handle, p.Closed, p.Error.described()}
	case *End:
		return codeEnd, []any{p.Error.described()}
	case *Close:
		return codeClose, []any{p.Error.described()}
	case *Mechanisms:
		return codeMechanisms, []any{p.Names}
	case *Init:
		return codeInit, []any{Symbol(p.Mechanism)}
	case *Outcome:
		return codeOutcome, []any{p.Code}
	}
	panic(fmt.Sprintf("wire: %T is no performative", p))
}

func (t *Terminus) described(code uint64) any {
	if t == nil {
		return nil
	}
	if code == codeTarget {
		return Described{code, []any{name(t.Address)}}
	}
	return Described{code, []any{name(t.Address), nil, nil, nil, nil, nil, nil, properties(t.Filter)}}
}

func (e *Error) described() any {
	if e == nil {
		return nil
	}
	return Described{codeError, []any{Symbol(e.Condition), e.Description, properties(e.Info)}}
}

func (s *State) described() any {
	switch {
	case s == nil:
		return nil
	case s.Kind == Rejected && s.Error != nil:
		return Described{uint64(s.Kind), []any{s.Error.described()}}
	case s.Kind == Modified:
		return Described{uint64(s.Kind), []any{s.DeliveryFailed, s.UndeliverableHere, properties(s.Annotations)}}
	}
	return Described{uint64(s.Kind), []any{}}
}

func value[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func name(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func nonZero(v uint32) any {
	if v == 0 {
		return nil
	}
	return v
}

func properties(m Map) any {
	if m == nil {
		return nil
	}
	return m
}

func tag(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}
