// Package envelope reads and writes tasks as CloudEvents 1.0: the JSON event
// format in structured mode both ways, and binary mode as a reader. It follows
// the CloudEvents specification 1.0.2 and its JSON event format, and is written
// for this one shape, because every task passes through it twice.
//
// Errors name the member and the byte where it stands and never repeat a value:
// they end in logs and dead letters.
package envelope

import (
	"strings"
	"time"
)

// ContentType is the media type of a structured-mode event.
const ContentType = "application/cloudevents+json"

// maxName is the most bytes in id, source and type.
const maxName = 1024

// Event is one task as a CloudEvents 1.0 event. Zero fields are absent.
//
// Strings are UTF-8 without control characters (U+0000 to U+001F, U+007F to
// U+009F) and without Unicode noncharacters, as CloudEvents asks. Times are
// within the years 1 to 9999, in UTC after decoding.
type Event struct {
	// ID, Source and Type are required: 1 to 1,024 bytes each.
	ID, Source, Type string
	Subject          string
	// Time is the attribute time, Expiry the extension expirytime.
	Time, Expiry time.Time
	// DataContentType is the media type of Data; empty stands for JSON.
	DataContentType string
	// Data is the payload, decoded. Empty is the same as none.
	Data []byte
	// DataRef is the extension dataref: where the payload is instead.
	DataRef string
	// DecodedContentType is the extension decodedcontenttype: the media type of
	// the payload once it is decoded from an encoding that DataContentType names,
	// such as application/zstd. Empty means that it is not encoded. It is no part
	// of CloudEvents: a reader that does not know it sees data of a type for which
	// it has no codec, not broken JSON.
	DecodedContentType string
	PartitionKey       string
	TraceState         string
	// TraceParent is text like the others. It is bytes because it is another in each
	// task: Decode gives it as it stands in body.
	TraceParent []byte
}

// IsJSON reports whether contentType declares JSON by the rule of the JSON
// event format: the subtype is json or ends in +json. Case and parameters do
// not matter; the empty string counts as JSON.
func IsJSON(contentType string) bool {
	if contentType == "" || contentType == "application/json" {
		return true
	}
	mediaType, _, _ := strings.Cut(contentType, ";")
	kind, subtype, _ := strings.Cut(strings.TrimSpace(mediaType), "/")
	if kind == "" {
		return false
	}
	const suffix = "+json"
	if n := len(subtype) - len(suffix); n >= 0 && strings.EqualFold(subtype[n:], suffix) {
		return true
	}
	return strings.EqualFold(subtype, "json")
}

// member is a member of the JSON object that this package knows.
type member uint8

const (
	unknown member = iota
	specVersion
	id
	source
	kind
	subject
	timestamp
	dataContentType
	expiryTime
	dataRef
	partitionKey
	traceParent
	traceState
	decodedContentType
	data
	dataBase64
	members // how many there are
)

var memberNames = [members]string{
	specVersion:        "specversion",
	id:                 "id",
	source:             "source",
	kind:               "type",
	subject:            "subject",
	timestamp:          "time",
	dataContentType:    "datacontenttype",
	expiryTime:         "expirytime",
	dataRef:            "dataref",
	partitionKey:       "partitionkey",
	traceParent:        "traceparent",
	traceState:         "tracestate",
	decodedContentType: "decodedcontenttype",
	data:               "data",
	dataBase64:         "data_base64",
}

// lookup finds the member called name. It is a switch on constants so that it
// costs no allocation and little time.
func lookup(name []byte) member {
	switch string(name) {
	case "specversion":
		return specVersion
	case "id":
		return id
	case "source":
		return source
	case "type":
		return kind
	case "subject":
		return subject
	case "time":
		return timestamp
	case "datacontenttype":
		return dataContentType
	case "expirytime":
		return expiryTime
	case "dataref":
		return dataRef
	case "partitionkey":
		return partitionKey
	case "traceparent":
		return traceParent
	case "tracestate":
		return traceState
	case "decodedcontenttype":
		return decodedContentType
	case "data":
		return data
	case "data_base64":
		return dataBase64
	}
	return unknown
}

// text is the field for a member that is a string, else nil.
func (e *Event) text(m member) *string {
	switch m {
	case id:
		return &e.ID
	case source:
		return &e.Source
	case kind:
		return &e.Type
	case subject:
		return &e.Subject
	case dataContentType:
		return &e.DataContentType
	case dataRef:
		return &e.DataRef
	case partitionKey:
		return &e.PartitionKey
	case traceState:
		return &e.TraceState
	case decodedContentType:
		return &e.DecodedContentType
	}
	return nil
}

// moment is the field for a member that is a time, else nil.
func (e *Event) moment(m member) *time.Time {
	switch m {
	case timestamp:
		return &e.Time
	case expiryTime:
		return &e.Expiry
	}
	return nil
}

// missing is the first required member that is empty, else unknown.
func (e *Event) missing() member {
	switch {
	case e.ID == "":
		return id
	case e.Source == "":
		return source
	case e.Type == "":
		return kind
	}
	return unknown
}

// limit is the most bytes in the string member m; 0 for no limit.
func (m member) limit() int {
	if m == id || m == source || m == kind {
		return maxName
	}
	return 0
}

func (m member) String() string { return memberNames[m] }
